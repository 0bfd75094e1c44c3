import { createHash } from 'node:crypto';
import { Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { DEFAULT_RETENTION } from '../domain/retention';
import {
  ENGINE_TASK_QUEUE,
  PURGE_TOKENS_WORKFLOW,
  RECONCILE_ALL_WORKFLOW,
  RETENTION_WORKFLOW,
  SCHEDULES,
  SWEEP_WORKFLOW,
  VALIDATE_ALL_WORKFLOW,
} from '../workflows/contracts';

interface Schedule {
  readonly scheduleId: string;
  readonly workflowType: string;
  readonly args?: readonly unknown[];
  readonly every: '10 seconds' | '1 minute' | '1 day';
  /** After midnight UTC, for daily ones. */
  readonly offsetSeconds?: number;
  readonly purpose: string;
}

const HOUR_S = 3_600;

/** Daily work is spread over this time, so that many installations do not all call a shared service at the same moment. */
const SPREAD_S = 2 * HOUR_S;

/**
 * Creates Muster's schedules where they are absent; never overwrites one, so that what an operator edited, or paused, in
 * the Temporal UI stays. `installId` decides when in the night this installation works.
 */
export async function ensureSchedules(
  connection: NativeConnection,
  namespace: string,
  installId: string,
): Promise<void> {
  const client = new Client({ connection, namespace });
  for (const schedule of schedulesOf(installId)) await ensure(client, schedule);
}

function schedulesOf(installId: string): readonly Schedule[] {
  const offset = offsetSeconds(installId);
  return [
    {
      scheduleId: SCHEDULES.sweep,
      workflowType: SWEEP_WORKFLOW,
      every: '10 seconds',
      purpose: 'finds due work that nobody was told of',
    },
    {
      scheduleId: SCHEDULES.tokens,
      workflowType: PURGE_TOKENS_WORKFLOW,
      every: '1 minute',
      purpose: 'deletes expired tokens and tells of those that expire soon; that they are not valid needs no schedule',
    },
    {
      scheduleId: SCHEDULES.validate,
      workflowType: VALIDATE_ALL_WORKFLOW,
      every: '1 day',
      offsetSeconds: offset,
      purpose: 'looks at every account: is its person still entitled?',
    },
    {
      scheduleId: SCHEDULES.reconcile,
      workflowType: RECONCILE_ALL_WORKFLOW,
      every: '1 day',
      offsetSeconds: 2 * HOUR_S + offset,
      purpose: 'compares what the services list with what Muster knows',
    },
    {
      scheduleId: SCHEDULES.retention,
      workflowType: RETENTION_WORKFLOW,
      args: [DEFAULT_RETENTION],
      every: '1 day',
      offsetSeconds: 4 * HOUR_S + offset,
      purpose: 'deletes what is older than it is kept; its input says how many days',
    },
  ];
}

/** The same for every process of an installation. */
function offsetSeconds(installId: string): number {
  return createHash('sha256').update(installId).digest().readUInt32BE(0) % SPREAD_S;
}

async function ensure(client: Client, schedule: Schedule): Promise<void> {
  const { scheduleId, workflowType, args = [], every, purpose } = schedule;
  try {
    await client.schedule.create({
      scheduleId,
      spec: { intervals: [{ every, offset: `${schedule.offsetSeconds ?? 0} seconds` }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
      action: { type: 'startWorkflow', workflowType, taskQueue: ENGINE_TASK_QUEUE, args: [...args] },
      memo: { purpose },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
