/** Workflows as nobody may change them: for the test that the replay test can fail. */
import { proxyActivities, sleep } from '@temporalio/workflow';
import type { Activities } from '../../activities';

/** The deliveries before the sweep, and a pause that was never recorded. */
export async function sweep(): Promise<void> {
  const activities = proxyActivities<Activities>({ startToCloseTimeout: '1 minute' });
  await activities.deliverNotifications();
  await sleep('1 second');
  await activities.sweep();
}
