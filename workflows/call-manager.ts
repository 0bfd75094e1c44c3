import { proxyActivities } from '@temporalio/workflow';
import { serviceTaskQueue } from '../domain/ids';
import type { Activities } from '../activities';
import type { CallManagerInput } from './contracts';
import { CALL_OPTIONS } from './patterns/activity-options';

/** One call of a manager that somebody waits for, e.g. a connection test. The answer stands in a row, not in the history. */
export async function callManager(input: CallManagerInput): Promise<void> {
  const { answerManagerCall } = proxyActivities<Activities>({
    ...CALL_OPTIONS,
    taskQueue: serviceTaskQueue(input.service),
  });
  await answerManagerCall(input);
}
