import { proxyActivities, sleep } from '@temporalio/workflow';
import { bulkTaskQueue } from '../domain/ids';
import type { Activities } from '../activities';
import type { ReconcileInput } from './contracts';
import { CHUNK_OPTIONS, STORE_OPTIONS } from './patterns/activity-options';

/** Asks for a comparison of every service that can list its accounts. Answers how many. */
export async function reconcileAllServices(): Promise<number> {
  return proxyActivities<Activities>(STORE_OPTIONS).requestReconciliations();
}

/** Compares what one service lists with what Muster knows. A service that asks to wait holds no slot. */
export async function reconcileService(input: ReconcileInput): Promise<void> {
  const activities = proxyActivities<Activities>({ ...CHUNK_OPTIONS, taskQueue: bulkTaskQueue(input.service) });
  for (;;) {
    const { waitMs } = await activities.reconcileService(input);
    if (waitMs === null) return;
    await sleep(Math.max(1, waitMs));
  }
}
