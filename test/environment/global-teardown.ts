import { rmSync } from 'node:fs';

import { runFolder } from './run-once';
import { stopServers } from './stop-servers';

/** Stops whatever the tests started and removes the folder of this run. */
export default async function globalTeardown(): Promise<void> {
  await stopServers(runFolder());
  rmSync(runFolder(), { recursive: true, force: true });
}
