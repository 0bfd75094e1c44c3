import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { ManagerPool } from '../../activities/managers';
import { sweep } from '../../activities/sweep';
import { syncChunk } from '../../activities/sync-chunk';
import { failpointOf } from '../../config/failpoint';
import { createSealer } from '../../config/sealer';
import type { Sealer } from '../../config/sealer';
import { createFlow } from '../../hooks/flow';
import type { Flow, FlowDependencies } from '../../hooks/flow';
import { learnServices } from '../../hooks/learn';
import { createPort } from '../../hooks/port';
import type { Starter } from '../../hooks/starter';
import type { Connector } from '../../sdk/index';
import { AccountWrites } from '../../store/account-writes';
import { openDatabase } from '../../store/database';
import type { Database } from '../../store/database';
import type { RecordedChange } from '../../store/changes';
import type { EngineService } from '../../store/engine-services';
import { createService, DEFAULT_SETTINGS, newServiceId } from '../../store/services';
import type { ServiceRecord, ServiceSettings } from '../../store/services';
import { ensureBuiltInStates } from '../../store/states';
import { stageSync } from '../../store/sync-items';
import { finishSync, openSyncs, requestSync, startNextQueued } from '../../store/syncs';
import type { SyncKind } from '../../store/syncs';
import { createTestDatabase } from '../environment/database';
import { registryOf } from './scripted-target';

const BY = { actor: 'client:test' } as const;

/** The way from a committed change through the hooks, on a real database; what would be started is only noted. */
export interface HookedServices {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly flow: Flow;
  /** What was started, e.g. `updateGroups <service> <user id>`. */
  readonly started: string[];
  addService(name: string, connector: string, settings?: Partial<ServiceSettings>): Promise<ServiceRecord>;
  /** Sends a change as a request does after its commit. */
  send(written: { readonly change: RecordedChange | undefined }): Promise<void>;
  /** One sweep, as the schedule runs it. */
  sweep(): Promise<void>;
  /** Requests a sync of these people and runs it, as `bulkSync` does. */
  runSync(service: ServiceRecord, kind: SyncKind, userIds: readonly string[]): Promise<void>;
  /** Runs the syncs of a service that have begun. */
  finishSyncs(service: ServiceRecord): Promise<void>;
  /** Makes every account of a person active and up to date, as its workflow would have. */
  settle(userId: string): Promise<void>;
  /** Removes people, groups and everything that is known of their accounts; services and grants stay. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function openHookedServices(connectors: readonly Connector[]): Promise<HookedServices> {
  const database = await createTestDatabase({ migrated: true });
  const db = openDatabase({ url: database.url, max: 10, name: 'muster test' });
  await ensureBuiltInStates(db);
  const started: string[] = [];
  const sealer = createSealer(randomBytes(32).toString('base64'));
  const registry = registryOf(...connectors);
  const flowDeps: FlowDependencies = {
    db,
    registry,
    sealer,
    log: pino({ level: 'silent' }),
    // Whoever asks for a sweep gets one at once.
    starter: { ...notingStarter(started), sweepNow: () => runSweep() },
  };
  const flow = createFlow(flowDeps);
  const engine = {
    writes: new AccountWrites(db),
    managers: new ManagerPool(registry, sealer),
    installId: 'test',
    callTimeoutMs: 1_000,
    failpoint: failpointOf(undefined),
    random: () => 0,
  };
  const deps = { ...flowDeps, ...engine, mail: { transport: undefined, operators: [] } };
  const runSweep = async (): Promise<void> => void (await sweep(deps, () => undefined));
  const send = async (written: { readonly change: RecordedChange | undefined }): Promise<void> => {
    if (written.change === undefined) throw new Error('nothing was changed');
    await flow.changed(written.change.changeId);
  };
  const portFor = (service: EngineService) => createPort(deps, service);
  const context = { stop: new AbortController().signal, heartbeat: () => undefined, portFor };
  const finishSyncs = async (service: ServiceRecord): Promise<void> => {
    for (const { id } of (await openSyncs(db)).filter(
      (sync) => sync.serviceId === service.id && sync.status !== 'queued',
    )) {
      const chunk = { service: service.name, syncId: id, from: 1, to: await stageSync(db, id) };
      while ((await syncChunk(deps, chunk, context)).waitMs !== null);
      await finishSync(db, id, { status: 'succeeded', reason: 'not reached' });
    }
  };
  return {
    db,
    sealer,
    flow,
    started,
    send,
    addService: async (name, connector, settings = {}) => {
      const written = await createService(
        db,
        { id: newServiceId(), name, connector, settings: { ...DEFAULT_SETTINGS, ...settings } },
        BY,
      );
      await learnServices(flowDeps, flow);
      await send(written);
      return written.record;
    },
    sweep: runSweep,
    runSync: async (service, kind, userIds) => {
      await requestSync(db, { serviceId: service.id, kind, scope: { userIds }, actor: 'client:test' });
      await startNextQueued(db, service.id);
      await finishSyncs(service);
    },
    finishSyncs,
    settle: async (userId) => {
      await db.query(
        `update accounts set status = 'active', remote_id = coalesce(remote_id, 'remote ' || user_id), applied_version = wanted_version,
           due_reasons = '{}', next_try = null, attention = null where user_id = $1`,
        [userId],
      );
    },
    clear: async () => {
      await db.query(`truncate accounts, account_names, remote_groups, guard_taken, guard_staged, syncs cascade`);
      // Deleted, not truncated: grants to states stay.
      for (const table of ['changes', 'users', 'groups']) await db.query(`delete from ${table}`);
    },
    close: async () => {
      await db.close();
      await database.drop();
    },
  };
}

function notingStarter(started: string[]): Starter {
  const note = async (...words: readonly unknown[]): Promise<void> => void started.push(words.join(' '));
  return {
    account: ({ service, userId, reason }) => note(reason, service, userId),
    group: () => note('group'),
    groups: () => note('groups'),
    sync: ({ service }) => note('sync', service),
    steerSync: () => note('steer'),
    probe: () => note('probe'),
    reconcile: () => note('reconcile'),
    sweepNow: async () => undefined,
    sendMail: () => note('mail'),
    writeClient: () => note('client'),
    authorizeExternal: () => note('authorize external'),
    revokeExternal: () => note('revoke external'),
    refreshExternal: () => note('refresh external'),
    callManager: () => note('call'),
    close: async () => undefined,
  };
}
