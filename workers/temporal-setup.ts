import { Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { ENGINE_TASK_QUEUE, SEARCH_ATTRIBUTES, SWEEP_SCHEDULE_ID, SWEEP_WORKFLOW } from '../workflows/contracts';

/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;

/** Registers Muster's search attributes on the namespace if they are missing. Needs the right to do so only the first time. */
export async function ensureSearchAttributes(connection: NativeConnection, namespace: string): Promise<void> {
  const { operatorService } = connection;
  const known = await operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(SEARCH_ATTRIBUTES).filter((name) => known.customAttributes[name] === undefined);
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
  await operatorService.addSearchAttributes({ namespace, searchAttributes });
}

/**
 * Creates the sweep's schedule if it is absent; never overwrites one, so that what an operator edited in the Temporal UI stays.
 */
export async function ensureSweepSchedule(connection: NativeConnection, namespace: string): Promise<void> {
  const client = new Client({ connection, namespace });
  try {
    await client.schedule.create({
      scheduleId: SWEEP_SCHEDULE_ID,
      spec: { intervals: [{ every: '10 seconds' }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
      action: { type: 'startWorkflow', workflowType: SWEEP_WORKFLOW, taskQueue: ENGINE_TASK_QUEUE, args: [] },
      memo: { purpose: 'finds due work that nobody was told of' },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
