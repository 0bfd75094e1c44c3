import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import type { Activities } from '../activities';
import { ENGINE_TASK_QUEUE } from '../workflows/contracts';

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

/** The bundle that the build made, so that no bundler runs at the start; without one the sources are bundled now. */
function workflowSource(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const codePath = join(__dirname, '..', 'workflow-bundle.js');
  return existsSync(codePath) ? { workflowBundle: { codePath } } : { workflowsPath: require.resolve('../workflows') };
}
