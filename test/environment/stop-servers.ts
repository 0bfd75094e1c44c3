import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { commandLine } from '../../runtime/process-identity';
import { stopProcess } from '../../runtime/stop-process';

/** Stops the servers of one test run at once: their data is thrown away. */
export async function stopServers(folder: string): Promise<void> {
  await Promise.all([stopPostgres(folder), stopTemporal(folder)]);
}

async function stopPostgres(folder: string): Promise<void> {
  const pidFile = join(folder, 'postgres', 'pgdata', 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  // The cluster's folder may be a link: the command line names where it leads.
  const cluster = realpathSync(join(folder, 'postgres'));
  await stopOurs(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), cluster);
  rmSync(cluster, { recursive: true, force: true });
}

async function stopTemporal(folder: string): Promise<void> {
  const pidFile = join(folder, 'temporal', 'temporal.db.pid');
  if (!existsSync(pidFile)) return;
  const { pid } = JSON.parse(readFileSync(pidFile, 'utf8')) as { readonly pid: number };
  await stopOurs(pid, folder);
}

/** The folder's name is in the command line of both: a number that was given to another process since is left alone. */
async function stopOurs(pid: number, folder: string): Promise<void> {
  if (!commandLine(pid).includes(folder)) return;
  await stopProcess(pid, [
    { signal: 'SIGQUIT', graceMs: 5_000 },
    { signal: 'SIGKILL', graceMs: 5_000 },
  ]);
}
