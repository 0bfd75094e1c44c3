import type { NativeConnection } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Activities } from '../activities';
import type { EngineService } from '../store/engine-services';
import { bulkTaskQueue, serviceTaskQueue } from '../workflows/contracts';

export interface ServiceWorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly activities: Activities;
  readonly log: Logger;
  /** Activities for single persons that run at once on one service, in this process. */
  readonly personSlots: number;
}

/** Chunks of one service that this process runs at once; each makes many calls by itself. */
const BULK_SLOTS = 4;
const GRACE = '20 seconds';

interface Running {
  readonly workers: readonly Worker[];
  readonly ended: Promise<unknown>;
}

/**
 * The workers of the services: for each a queue for persons and one for bulk, each with slots of its own, so that a person
 * never waits behind a chunk. They are started and drained as the services table changes; no restart is needed.
 */
export class ServiceWorkers {
  readonly #running = new Map<string, Running>();

  constructor(private readonly options: ServiceWorkersOptions) {}

  /** Makes the set of workers what the services say. */
  async follow(services: readonly EngineService[]): Promise<void> {
    const names = new Set(services.map((service) => service.name));
    for (const name of names) if (!this.#running.has(name)) await this.#start(name);
    for (const name of this.#running.keys()) if (!names.has(name)) await this.#stop(name);
  }

  /** Drains all: activities get the grace time to end, then their cancellation. */
  async drain(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.#stop(name)));
  }

  async #start(name: string): Promise<void> {
    const workers = await Promise.all([
      this.#worker(serviceTaskQueue(name), this.options.personSlots),
      this.#worker(bulkTaskQueue(name), BULK_SLOTS),
    ]);
    const ended = Promise.all(workers.map((worker) => worker.run())).catch((error: unknown) => {
      // A worker that ended by itself is started again by the next look at the services.
      this.options.log.error({
        event: 'worker.failed',
        service: name,
        reason: error instanceof Error ? error.message : String(error),
      });
      this.#running.delete(name);
    });
    this.#running.set(name, { workers, ended });
    this.options.log.info({ event: 'worker.started', service: name });
  }

  async #stop(name: string): Promise<void> {
    const running = this.#running.get(name);
    if (running === undefined) return;
    for (const worker of running.workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await running.ended;
    this.#running.delete(name);
    this.options.log.info({ event: 'worker.drained', service: name });
  }

  #worker(taskQueue: string, slots: number): Promise<Worker> {
    const { connection, namespace, activities } = this.options;
    return Worker.create({
      connection,
      namespace,
      taskQueue,
      activities,
      maxConcurrentActivityTaskExecutions: slots,
      activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 2 },
      shutdownGraceTime: GRACE,
      maxHeartbeatThrottleInterval: '2 seconds',
    });
  }
}
