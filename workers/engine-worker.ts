import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import type { Activities } from '../activities';
import { ENGINE_TASK_QUEUE, MAIL_TASK_QUEUE, PLUGIN_TASK_QUEUE } from '../workflows/contracts';

export interface EngineWorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly activities: Activities;
  readonly slots: number;
}

/** The worker of every workflow and of the engine's own activities (sweep, staging, delivery). */
export function createEngineWorker(options: EngineWorkerOptions): Promise<Worker> {
  const { connection, namespace, activities, slots } = options;
  return Worker.create({
    connection,
    namespace,
    taskQueue: ENGINE_TASK_QUEUE,
    activities,
    ...workflowSource(),
    maxConcurrentActivityTaskExecutions: Math.max(4, Math.floor(slots / 4)),
    maxConcurrentWorkflowTaskExecutions: slots,
    // Workflows of a worker that was killed must not wait for it: the default of 10 s is what a person would notice.
    stickyQueueScheduleToStartTimeout: '1 second',
    maxHeartbeatThrottleInterval: '2 seconds',
    shutdownGraceTime: '20 seconds',
  });
}

/** Calls of providers and plug-ins that wait at once in this process. */
export const PLUGIN_SLOTS = 16;
const MAIL_SLOTS = 8;

/**
 * The workers of what is asked outside beside the services: plug-ins and providers, and the mail server. Their slots are
 * their own, so that what hangs there never keeps the engine from its work.
 */
export function createOutsideWorkers(options: Omit<EngineWorkerOptions, 'slots'>): Promise<readonly Worker[]> {
  const { connection, namespace, activities } = options;
  const create = (taskQueue: string, slots: number): Promise<Worker> =>
    Worker.create({
      connection,
      namespace,
      taskQueue,
      activities,
      maxConcurrentActivityTaskExecutions: slots,
      activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 2 },
      maxHeartbeatThrottleInterval: '2 seconds',
      shutdownGraceTime: '20 seconds',
    });
  return Promise.all([create(PLUGIN_TASK_QUEUE, PLUGIN_SLOTS), create(MAIL_TASK_QUEUE, MAIL_SLOTS)]);
}

/** The bundle that the build made, so that no bundler runs at the start; without one the sources are bundled now. */
function workflowSource(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const codePath = join(__dirname, '..', 'workflow-bundle.js');
  return existsSync(codePath) ? { workflowBundle: { codePath } } : { workflowsPath: require.resolve('../workflows') };
}
