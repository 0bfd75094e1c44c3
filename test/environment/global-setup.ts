import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { isAlive } from '../../runtime/process-identity';
import { stopServers } from './stop-servers';

/** Makes the folder of this run; the servers start in it when the first test asks for one. */
export default async function globalSetup(): Promise<void> {
  await clearKilledRuns();
  const folder = mkdtempSync(join(tmpdir(), `muster-test-${process.pid}-`));
  // As root, PostgreSQL runs under another account, which must be able to enter.
  chmodSync(folder, 0o711);
  process.env['MUSTER_TEST_RUN_DIR'] = folder;
}

/** A run that was killed left its servers running. */
async function clearKilledRuns(): Promise<void> {
  for (const entry of readdirSync(tmpdir())) {
    const runner = /^muster-test-(\d+)-/.exec(entry)?.[1];
    if (runner === undefined || isAlive(Number(runner))) continue;
    const folder = join(tmpdir(), entry);
    try {
      await stopServers(folder);
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another person's run on the same machine: not ours to clear.
    }
  }
}
