import { waitFor } from '../../runtime/wait-for';
import { startTestServer } from '../connectors/postgres-server';
import type { TestServer } from '../connectors/postgres-server';
import type { RecordedChange } from '../../store/changes';
import type { Queryable } from '../../store/database';
import { addGrant } from '../../store/grants';
import { importRoster } from '../../store/imports';
import { waitForOperation } from '../../store/operations';
import type { Operation } from '../../store/operations';
import type { ServiceRecord } from '../../store/services';
import { stateIdByName } from '../../store/states';
import { startTestEngine } from '../engine/engine';
import type { NewTestService, TestEngine } from '../engine/engine';
import { startRealProcess } from './real-process';
import type { RealProcess } from './real-process';
import { readWitness } from './witness';
import type { Witnessed } from './witness';

export const BY = { actor: 'client:test' } as const;

/** Short, so that an unsettled creation is looked at soon; in production 15 s. */
const CALL_TIMEOUT_MS = 1_500;

/**
 * A Muster whose workers are real processes, with a database and a namespace of its own, in front of a real PostgreSQL.
 * The test plays the API: it commits, and tells the flow, or dies before it can.
 */
export interface MusterUnderFault {
  readonly engine: TestEngine;
  readonly target: TestServer;
  /** Adds a service on the target, for everybody in this state; its roles have a prefix of their own. */
  addPostgres(name: string, state: string, settings?: Partial<NewTestService>): Promise<ServiceRecord>;
  /** A worker process, ready; with a failpoint it kills itself there. */
  startWorker(failpoint?: string): Promise<RealProcess>;
  /** Sends a committed change on its way, as an API does that lives. */
  send(written: { readonly change: RecordedChange | undefined }): Promise<void>;
  /** What the target's catalog shows of a service. */
  witness(service: ServiceRecord): Promise<readonly Witnessed[]>;
  close(): Promise<void>;
}

export async function startMuster(): Promise<MusterUnderFault> {
  const [engine, target] = await Promise.all([
    startTestEngine({ worker: false, callTimeoutMs: CALL_TIMEOUT_MS }),
    startTestServer(),
  ]);
  return {
    engine,
    target,
    addPostgres: (name, state, settings) => addPostgres({ engine, target }, { ...settings, name }, state),
    startWorker: (failpoint) => startWorker(engine, failpoint),
    send: async ({ change }) => {
      if (change !== undefined) await engine.flow.changed(change.changeId);
    },
    witness: (service) => readWitness(target.admin, { serviceId: service.id, ...prefixesOf(target, service.name) }),
    close: async () => {
      await engine.close();
      await target.stop();
    },
  };
}

function prefixesOf(target: TestServer, name: string): { readonly prefix: string; readonly groupPrefix: string } {
  return { prefix: `${target.tag}_${name}_`, groupPrefix: `${target.tag}_${name}_g_` };
}

async function addPostgres(
  muster: Pick<MusterUnderFault, 'engine' | 'target'>,
  settings: Partial<NewTestService> & { readonly name: string },
  state: string,
): Promise<ServiceRecord> {
  const { engine, target } = muster;
  const { password, ...config } = target.config;
  const { prefix, groupPrefix } = prefixesOf(target, settings.name);
  const service = await engine.addService({
    connector: 'postgres',
    ...settings,
    config: { ...config, rolePrefix: prefix, groupPrefix, ...settings.config },
    secrets: { password },
  });
  const id = await stateIdByName(engine.db, state);
  const grant = await addGrant(engine.db, { serviceId: service.id, subject: { kind: 'state', id } }, BY);
  if (grant.change !== undefined) await engine.flow.changed(grant.change.changeId);
  return service;
}

async function startWorker(engine: TestEngine, failpoint: string | undefined): Promise<RealProcess> {
  const worker = startRealProcess('workers', {
    ...musterEnvironment(engine),
    ...(failpoint === undefined ? {} : { MUSTER_FAILPOINT: failpoint }),
  });
  await worker.ready();
  return worker;
}

/** What a process needs to work with this engine's database and namespace. */
export function musterEnvironment(engine: TestEngine): Readonly<Record<string, string>> {
  return {
    DATABASE_URL: engine.databaseUrl,
    TEMPORAL_ADDRESS: engine.temporalAddress,
    TEMPORAL_NAMESPACE: engine.namespace,
    MUSTER_SECRET_KEY: engine.secretKey,
    MUSTER_CALL_TIMEOUT_MS: String(CALL_TIMEOUT_MS),
    MUSTER_WORKER_CONCURRENCY: '20',
    MUSTER_LOG_LEVEL: 'warn',
  };
}

/** The account rows that are not at rest, in words; empty = nothing is due, nobody holds anything, nobody is waited for. */
export async function unrest(db: Queryable): Promise<readonly string[]> {
  const found = await db.query<{ words: string }>(
    `select format('%s on %s: version %s of %s, %s, %s', a.username, s.name, a.applied_version, a.wanted_version,
       coalesce(a.attention, 'no attention'), coalesce(a.last_error ->> 'message', a.last_outcome, 'no outcome')) as words
     from accounts a join services s on s.id = a.service_id
     where a.wanted_version <> a.applied_version or a.attention is not null or a.lease_holder is not null
       or a.intent is not null or a.verify
     union all select format('change %s is not expanded', id) from changes where expanded_at is null
     union all select format('sync %s is %s', id, status) from syncs where finished_at is null
     union all select format('group %s: version %s of %s', name, applied_version, wanted_version)
       from remote_groups where mapped and (wanted_version <> applied_version or lease_holder is not null)
     union all select format('a removal of %s is %s', user_id, coalesce(decision, 'staged')) from guard_staged where done_at is null
     union all select format('the guard counts on a removal of %s', user_id) from guard_taken where done_at is null`,
  );
  return found.rows.map((row) => row.words);
}

/** Waits until nothing is due any more; answers what is still unrestful when the time is over. */
export async function untilAtRest(engine: TestEngine, timeoutMs: number): Promise<readonly string[]> {
  const rested = await waitFor(timeoutMs, async () => ((await unrest(engine.db)).length === 0 ? true : undefined), {
    everyMs: 100,
  });
  return rested === undefined ? unrest(engine.db) : [];
}

/** How an operation ended. */
export async function outcomeOf(
  engine: TestEngine,
  operationId: string,
  timeoutMs = 5_000,
): Promise<Operation['status'] | undefined> {
  const operation = await waitForOperation(engine.db, operationId, { timeoutMs });
  return operation?.status;
}

export interface RosterPerson {
  readonly username: string;
  readonly state?: string;
  readonly groups?: readonly string[];
}

/** Imports people in one change, as a roster does. */
export async function importPeople(
  engine: TestEngine,
  people: readonly RosterPerson[],
  mode: 'merge' | 'replace' = 'merge',
): Promise<RecordedChange> {
  const rows = people.map((person, index) => ({
    line: index + 1,
    externalId: `x-${person.username}`,
    state: 'Member',
    ...person,
  }));
  const imported = await importRoster(engine.db, {
    rows: {
      users: rows.length,
      groups: [],
      batches: async function* batches() {
        yield { text: JSON.stringify(rows), size: rows.length };
      },
    },
    mode,
    by: BY,
  });
  if (imported.import === undefined) throw new Error('the import altered nothing');
  return imported.import;
}
