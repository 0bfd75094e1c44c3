import { proxyActivities } from '@temporalio/workflow';
import { serviceTaskQueue } from '../domain/ids';
import type { Activities } from '../activities';
import type { ProbeInput } from './contracts';
import { PROBE_OPTIONS } from './patterns/activity-options';

/** Looks whether a service that Muster has paused is well again. On the service's own queue: one that hangs holds nobody up. */
export async function probeService(input: ProbeInput): Promise<boolean> {
  const activities = proxyActivities<Activities>({ ...PROBE_OPTIONS, taskQueue: serviceTaskQueue(input.service) });
  return activities.probeService(input);
}
