import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { pino } from 'pino';
import type { Webhook } from '../../activities/deliver-notifications';
import type { MailDesk } from '../../auth/mail/deliver';
import { mailDesk } from '../../auth/mail/setup';
import type { MailSetup } from '../../auth/mail/setup';
import { configSchema } from '../../config/schema';
import { createSealer } from '../../config/sealer';
import type { Sealer } from '../../config/sealer';
import { sealServiceSecrets } from '../../config/service-secrets';
import { createFlow } from '../../hooks/flow';
import type { Flow, FlowDependencies } from '../../hooks/flow';
import { learnServices } from '../../hooks/learn';
import { loadConnectors } from '../../hooks/registry';
import type { ConnectorRegistry, LoadOptions } from '../../hooks/registry';
import { createStarter } from '../../hooks/starter';
import { openDatabase } from '../../store/database';
import type { Database } from '../../store/database';
import { createService, DEFAULT_SETTINGS, newServiceId } from '../../store/services';
import type { ServiceRecord, ServiceSettings } from '../../store/services';
import { ensureBuiltInStates } from '../../store/states';
import { startWorkerProcess } from '../../workers/process';
import type { WorkerProcess } from '../../workers/process';
import { testIdentity } from '../environment/identity';
import { createTestDatabase } from '../environment/database';
import { createTestNamespace, testTemporal } from '../environment/temporal';

/** A whole Muster in this process, on a database and a Temporal namespace of its own. */
export interface TestEngine {
  readonly db: Database;
  readonly databaseUrl: string;
  readonly namespace: string;
  readonly temporalAddress: string;
  readonly flow: Flow;
  readonly flowDeps: FlowDependencies;
  readonly registry: ConnectorRegistry;
  readonly sealer: Sealer;
  /** For processes that are to work with this engine's database. */
  readonly secretKey: string;
  readonly log: string[];
  /** The `auth` section of the configuration. */
  readonly auth: Readonly<Record<string, unknown>>;
  /** Where redirects come to. */
  readonly publicUrl: string;
  /** Adds a service, its secrets sealed, and waits until it is known. */
  addService(service: NewTestService): Promise<ServiceRecord>;
  startWorker(): Promise<WorkerProcess>;
  close(): Promise<void>;
}

export interface NewTestService extends Partial<ServiceSettings> {
  readonly name: string;
  readonly connector: string;
  readonly secrets?: Readonly<Record<string, unknown>>;
}

export interface TestEngineOptions {
  /** Folders with more connectors, beside the built-in ones. */
  readonly folders?: readonly string[];
  /** npm packages that are connectors, and where they are installed. */
  readonly packages?: Pick<LoadOptions, 'packages' | 'from'>;
  /** Where notifications are sent. Default: nowhere. */
  readonly webhook?: Webhook;
  /** Start a worker at once. Default true. */
  readonly worker?: boolean;
  /** Instead of loading folders. */
  readonly registry?: ConnectorRegistry;
  /** What sends mails. Default: no server. */
  readonly mail?: (db: Database, sealer: Sealer) => MailDesk;
  /** The `auth` section of the configuration. */
  readonly auth?: Readonly<Record<string, unknown>>;
  /** Where redirects come to. */
  readonly publicUrl?: string;
  /** Hard end of one call, and with it the wait after a lost answer. Default: as in production. */
  readonly callTimeoutMs?: number;
}

const BY = { actor: 'client:test' } as const;

export async function startTestEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  quietRuntime();
  const [database, namespace, { address }] = await Promise.all([
    createTestDatabase({ migrated: true }),
    createTestNamespace(),
    testTemporal(),
  ]);
  const db = openDatabase({ url: database.url, max: 20, name: 'muster test' });
  await ensureBuiltInStates(db);
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const registry =
    options.registry ??
    (await loadConnectors({
      folders: [join(__dirname, '../../connectors'), ...(options.folders ?? [])],
      ...options.packages,
      db,
    }));
  const publicUrl = options.publicUrl ?? 'http://muster.test';
  const secretKey = randomBytes(32).toString('base64');
  const sealer = createSealer(secretKey);
  const starter = createStarter({ address, namespace });
  const flowDeps: FlowDependencies = { db, registry, sealer, log, starter };
  const flow = createFlow(flowDeps);
  const workers: WorkerProcess[] = [];
  const startWorker = async (): Promise<WorkerProcess> => {
    const started = await startWorkerProcess({
      db,
      registry,
      sealer,
      log,
      temporalAddress: address,
      temporalNamespace: namespace,
      webhook: options.webhook ?? { url: undefined, secret: undefined },
      concurrency: 40,
      failpoint: undefined,
      callTimeoutMs: options.callTimeoutMs ?? 15_000,
      publicUrl,
      identity: testIdentity(db, options.auth, { log, sealer }),
      mail: options.mail?.(db, sealer) ?? noMail({ db, sealer, log, publicUrl }),
    });
    let drained: Promise<void> | undefined;
    // A test may end a worker before the engine is closed.
    const worker: WorkerProcess = { ended: started.ended, drain: () => (drained ??= started.drain()) };
    workers.push(worker);
    return worker;
  };
  if (options.worker ?? true) await startWorker();
  return {
    db,
    databaseUrl: database.url,
    namespace,
    temporalAddress: address,
    flow,
    flowDeps,
    registry,
    sealer,
    secretKey,
    log: lines,
    auth: options.auth ?? {},
    publicUrl,
    startWorker,
    addService: (service) => addService({ db, sealer, flowDeps, flow }, service),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.drain()));
      await starter.close();
      await db.close();
      await database.drop();
    },
  };
}

function noMail(parts: Omit<MailSetup, 'config'>): MailDesk {
  return mailDesk({ ...parts, config: configSchema.parse({}) });
}

async function addService(
  engine: Pick<TestEngine, 'db' | 'sealer' | 'flowDeps' | 'flow'>,
  service: NewTestService,
): Promise<ServiceRecord> {
  const { name, connector, secrets, ...settings } = service;
  const id = newServiceId();
  const sealedConfig = secrets === undefined ? null : sealServiceSecrets(engine.sealer, id, secrets);
  const written = await createService(
    engine.db,
    { id, name, connector, settings: { ...DEFAULT_SETTINGS, ...settings, sealedConfig } },
    BY,
  );
  await learnServices(engine.flowDeps, engine.flow);
  if (written.change !== undefined) await engine.flow.changed(written.change.changeId);
  return written.record;
}

/** Once per process: Temporal's own lines would drown the tests'. */
function quietRuntime(): void {
  try {
    Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
  } catch {
    // Another test of this process has installed it.
  }
}
