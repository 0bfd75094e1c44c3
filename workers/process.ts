import { setTimeout as delay } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createActivities } from '../activities';
import { linkedCredential } from '../activities/external';
import { failpointOf } from '../config/failpoint';
import { Budgets } from '../activities/budgets';
import { ManagerPool } from '../activities/managers';
import type { Webhook } from '../activities/deliver-notifications';
import type { ExternalDesk } from '../auth/external/authorize';
import type { Identity } from '../auth/identity';
import type { MailDesk } from '../auth/mail/deliver';
import { externalPlugins } from '../auth/external/plugins';
import { ExternalTypePool } from '../auth/external/type-pool';
import type { Sealer } from '../config/sealer';
import { createFlow } from '../hooks/flow';
import type { Flow, FlowDependencies } from '../hooks/flow';
import { learnServices } from '../hooks/learn';
import type { ConnectorRegistry } from '../hooks/registry';
import { createStarter } from '../hooks/starter';
import { AccountWrites } from '../store/account-writes';
import type { Database } from '../store/database';
import { ensureInstallId } from '../store/install';
import { createEngineWorker, createOutsideWorkers, PLUGIN_SLOTS } from './engine-worker';
import { ServiceWorkers } from './service-workers';
import { ensureSchedules } from './schedules';
import { ensureSearchAttributes } from './temporal-setup';

export interface WorkerProcessOptions {
  readonly db: Database;
  readonly registry: ConnectorRegistry;
  readonly sealer: Sealer;
  readonly log: Logger;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly webhook: Webhook;
  readonly concurrency: number;
  readonly failpoint: string | undefined;
  /** Hard end of one call to an external system. */
  readonly callTimeoutMs: number;
  /** Where browsers reach the API. */
  readonly publicUrl: string;
  readonly mail: MailDesk;
  /** The providers of this process, for what is written into the systems behind them. */
  readonly identity: Identity;
}

export interface WorkerProcess {
  /** Resolves when the workers have ended; rejects when one of them failed. */
  readonly ended: Promise<void>;
  /** Stops taking work, lets what runs come to its end, closes managers and connections. The database stays open. */
  drain(): Promise<void>;
}

/** How often the services table is looked at. */
const FOLLOW_MS = 1_000;
const CONNECT_MS = 5_000;

/** Everything a worker process runs: the engine's worker, and two workers for each service. */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const { db, registry, sealer, log } = options;
  const connection = await connectPatiently(options);
  const namespace = options.temporalNamespace;
  await ensureSearchAttributes(connection, namespace);
  const starter = createStarter({ address: options.temporalAddress, namespace });
  const flowDeps: FlowDependencies = { db, registry, sealer, log, starter };
  const flow = createFlow(flowDeps);
  const external = externalDesk(options);
  const managers = managerPool(options, external);
  const installId = await ensureInstallId(db);
  const failpoint = failpointOf(options.failpoint);
  const activities = createActivities({
    deps: {
      ...flowDeps,
      writes: new AccountWrites(db),
      managers,
      installId,
      callTimeoutMs: options.callTimeoutMs,
      failpoint,
      random: Math.random,
    },
    webhook: options.webhook,
    external,
    mail: options.mail,
    clients: { identity: options.identity, callTimeoutMs: options.callTimeoutMs, random: Math.random, failpoint },
  });
  const engine = await createEngineWorker({ connection, namespace, activities, slots: options.concurrency });
  const outside = await createOutsideWorkers({ connection, namespace, activities });
  const personSlots = Math.max(4, Math.floor(options.concurrency / 4));
  const services = new ServiceWorkers({ connection, namespace, activities, log, personSlots });
  await ensureSchedules(connection, namespace, installId);
  const stop = new AbortController();
  const following = followServices({ flowDeps, flow, services, stop: stop.signal });
  const running = Promise.all([engine, ...outside].map((worker) => worker.run()));
  log.info({ event: 'worker.ready' });
  const ended = running.then(() => undefined).finally(() => stop.abort());
  return {
    ended,
    drain: async () => {
      stop.abort();
      await following;
      await services.drain();
      for (const worker of [engine, ...outside]) if (worker.getState() === 'RUNNING') worker.shutdown();
      await running.catch(() => undefined);
      await managers.close();
      await starter.close();
      await connection.close();
      log.info({ event: 'worker.drained' });
    },
  };
}

/** Links accounts elsewhere, with the plug-ins that this process has. */
function externalDesk({ db, sealer, log, registry, publicUrl, callTimeoutMs }: WorkerProcessOptions): ExternalDesk {
  const { plugins, skipped } = externalPlugins(registry.externalPlugins?.());
  for (const one of skipped) log.error({ event: 'plugin.skipped', ...one });
  const callsPerType = Math.floor(PLUGIN_SLOTS / 2);
  const context = { db, sealer, log, plugins, publicUrl, callTimeoutMs, callsPerType, random: Math.random };
  return { context, types: new ExternalTypePool(context) };
}

function managerPool(
  { db, registry, sealer, log, callTimeoutMs }: WorkerProcessOptions,
  external: ExternalDesk,
): ManagerPool {
  return new ManagerPool(registry, sealer, {
    budgets: new Budgets({ db, log, random: Math.random, callTimeoutMs }),
    // Managers ask within the slots of their service, which bound them already.
    linked: (key, signal) => linkedCredential(unbounded(external), key, signal),
  });
}

function unbounded({ context, types }: ExternalDesk): ExternalDesk {
  return { context: { ...context, callsPerType: Infinity }, types };
}

/** Temporal may come up after us, or be away for a while: the process waits instead of dying over and over. */
async function connectPatiently(options: WorkerProcessOptions): Promise<NativeConnection> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await NativeConnection.connect({ address: options.temporalAddress });
    } catch (error) {
      options.log.warn({
        event: 'temporal.unreachable',
        tries,
        reason: error instanceof Error ? error.message : String(error),
      });
      await delay(Math.min(CONNECT_MS, 200 * tries));
    }
  }
}

interface Following {
  readonly flowDeps: FlowDependencies;
  readonly flow: Flow;
  readonly services: ServiceWorkers;
  readonly stop: AbortSignal;
}

/** Follows the services table until it is told to stop. A database that is away is waited for. */
async function followServices(following: Following): Promise<void> {
  const { flowDeps, flow, services, stop } = following;
  while (!stop.aborted) {
    try {
      await services.follow(await learnServices(flowDeps, flow));
    } catch (error) {
      flowDeps.log.warn({
        event: 'services.unreadable',
        reason: error instanceof Error ? error.message : String(error),
      });
    }
    await delay(FOLLOW_MS, undefined, { signal: stop }).catch(() => undefined);
  }
}
