import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import type { PostgresInstallation } from './postgres-installation';
import { isAlive } from './process-identity';
import { asWriteError, StartupError } from './startup-error';

/** Who the superuser of a new cluster is, and whether its files are flushed to the disk. */
export interface ClusterOptions {
  readonly user: string;
  readonly password: string;
  readonly durable: boolean;
}

/**
 * The superuser's password from its file, which is made (0600, random) as long as there is no cluster yet.
 * @throws StartupError SERVER_FAILED when a cluster exists and its password file is lost
 */
export function readPassword(file: string, clusterDir: string): string {
  const known = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  if (known !== '') return known;
  if (existsSync(join(clusterDir, 'pgdata'))) {
    throw new StartupError(
      'SERVER_FAILED',
      `The password file ${file} of the embedded PostgreSQL is missing or empty: put it back, or remove ${clusterDir}.`,
    );
  }
  const password = randomBytes(24).toString('base64url');
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${password}\n`, { mode: 0o600 });
  } catch (error) {
    throw asWriteError(error, file);
  }
  return password;
}

/**
 * Makes `pgdata` in the cluster's folder. It is built under another name and renamed when it is whole: initdb that
 * is killed leaves a folder that looks like a cluster and is none.
 * @throws StartupError SERVER_FAILED, NO_WRITE_PERMISSION
 */
export async function createCluster(installation: PostgresInstallation, options: ClusterOptions): Promise<void> {
  const { clusterDir, runAs } = installation;
  removeUnfinished(clusterDir);
  const unfinished = join(clusterDir, `unfinished-${process.pid}`);
  const secretFile = `${unfinished}.secret`;
  try {
    writeFileSync(secretFile, `${options.password}\n`, { mode: 0o600 });
    if (runAs.uid !== undefined && runAs.gid !== undefined) chownSync(secretFile, runAs.uid, runAs.gid);
    await runInitdb(installation, { ...options, into: unfinished, secretFile });
    renameSync(unfinished, join(clusterDir, 'pgdata'));
  } catch (error) {
    throw asWriteError(error, clusterDir);
  } finally {
    rmSync(secretFile, { force: true });
  }
}

function removeUnfinished(clusterDir: string): void {
  for (const entry of readdirSync(clusterDir)) {
    const owner = /^unfinished-(\d+)/.exec(entry)?.[1];
    if (owner === undefined) continue;
    if (Number(owner) !== process.pid && isAlive(Number(owner))) continue;
    rmSync(join(clusterDir, entry), { recursive: true, force: true });
  }
}

interface InitdbOptions extends ClusterOptions {
  readonly into: string;
  readonly secretFile: string;
}

function runInitdb(installation: PostgresInstallation, options: InitdbOptions): Promise<void> {
  const { initdb, env, runAs, clusterDir } = installation;
  const flags = ['-D', options.into, '-U', options.user, '--auth=scram-sha-256', `--pwfile=${options.secretFile}`];
  const more = ['-E', 'UTF8', '--locale=C.UTF-8', '--no-instructions', ...(options.durable ? [] : ['--no-sync'])];
  return new Promise((resolve, reject) => {
    const child = spawn(initdb, [...flags, ...more], {
      ...runAs,
      cwd: clusterDir,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) return resolve();
      const reason = errors.trim().split('\n').slice(-3).join(' | ') || `exit code ${code}`;
      reject(new StartupError('SERVER_FAILED', `A new PostgreSQL cluster could not be made: ${reason}`));
    });
  });
}
