import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { findRecordedProcess, forgetProcess, processIdentity } from './process-identity';
import { asWriteError, StartupError, systemErrorCode } from './startup-error';

/** Held while Muster runs in a folder; a lock of a killed start is no obstacle. */
export interface RunLock {
  release(): void;
}

/**
 * Makes sure that one Muster at a time uses a folder: a second one would adopt the servers of the first and stop them.
 * @throws StartupError ALREADY_RUNNING naming the process, NO_WRITE_PERMISSION
 */
export function acquireRunLock(folder: string): RunLock {
  const file = join(folder, 'muster.pid');
  try {
    mkdirSync(folder, { recursive: true });
    writeLock(file, folder);
  } catch (error) {
    throw asWriteError(error, folder);
  }
  return { release: () => forgetProcess(file) };
}

function writeLock(file: string, folder: string): void {
  for (;;) {
    try {
      const identity = processIdentity(process.pid) ?? '';
      writeFileSync(file, `${JSON.stringify({ pid: process.pid, identity })}\n`, { flag: 'wx', mode: 0o600 });
      return;
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
    const holder = findRecordedProcess(file);
    if (holder) {
      throw new StartupError(
        'ALREADY_RUNNING',
        `Muster already runs in ${folder} as process ${holder.pid}: stop it first.`,
      );
    }
    rmSync(file, { force: true });
  }
}
