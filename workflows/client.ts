import { proxyActivities, sleep } from '@temporalio/workflow';
import { PLUGIN_TASK_QUEUE } from '../domain/ids';
import type { Activities } from '../activities';
import type { WriteClientInput } from './contracts';
import { EXTERNAL_OPTIONS } from './patterns/activity-options';

/** Whoever must wait longer ends; the sweep starts it then. */
const LONGEST_WAIT_MS = 60_000;

/** One write into the system behind an authentication provider. Its row owns the retry: a second start is the same start. */
export async function writeClient(input: WriteClientInput): Promise<void> {
  const { carryOutWrite } = proxyActivities<Activities>({ ...EXTERNAL_OPTIONS, taskQueue: PLUGIN_TASK_QUEUE });
  for (;;) {
    const { waitMs } = await carryOutWrite(input);
    if (waitMs === null || waitMs > LONGEST_WAIT_MS) return;
    await sleep(Math.max(waitMs, 50));
  }
}
