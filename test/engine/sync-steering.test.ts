import { Client, Connection } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { syncWorkflowId } from '../../domain/ids';
import { Rejected } from '../../sdk/index';
import { readAccount } from '../../store/accounts';
import { addGrant } from '../../store/grants';
import { readOperation } from '../../store/operations';
import type { ServiceRecord } from '../../store/services';
import { cancelSync, pauseSync, resumeSync, retrySync } from '../../store/sync-steering';
import { listSyncItems } from '../../store/sync-items';
import { readSync, requestSync } from '../../store/syncs';
import type { Sync } from '../../store/syncs';
import { stateIdByName } from '../../store/states';
import { SYNC_PROGRESS_QUERY } from '../../workflows/contracts';
import type { SyncProgress } from '../../workflows/contracts';
import type { WorkerProcess } from '../../workers/process';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { addMember, allQuiet, BY, eventually, insertMembers, settled } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

const PEOPLE = 120;
const AT_ONCE = 4;

const target = new ScriptedTarget();
let engine: TestEngine;
let worker: WorkerProcess;
let service: ServiceRecord;
let people: readonly string[];
let names = 0;

beforeAll(async () => {
  engine = await startTestEngine({
    worker: false,
    registry: registryOf(scriptedConnector(target, { maxConcurrency: AT_ONCE })),
  });
  worker = await engine.startWorker();
  people = await insertMembers(engine, { prefix: 'person', count: PEOPLE });
  service = await engine.addService({ name: 'bulky', connector: 'scripted' });
  const id = await stateIdByName(engine.db, 'Member');
  await settled(engine, await addGrant(engine.db, { serviceId: service.id, subject: { kind: 'state', id } }, BY));
});
beforeEach(async () => {
  // What a failed test has left behind must not fail the others.
  await engine.db.query(`update syncs set signal_due = 'cancel' where finished_at is null`);
  await engine.flowDeps.starter.sweepNow();
  await allQuiet(engine, service.id);
  target.reset();
  // Something to do for every account, of which nobody was told.
  names += 1;
  await engine.db.query(`update users set display_name = $1`, [`Name ${names}`]);
});
afterEach(() => {
  target.script = () => undefined;
});
afterAll(() => engine.close());

/** Lets the first calls wait until `open`; `reached` resolves when as many as the service allows are there. */
function gate(): { readonly reached: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  let arrive: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (arrive = resolve));
  target.script = (call) => {
    if (call.method !== 'updateAccount') return undefined;
    if (target.called('updateAccount') === AT_ONCE) arrive();
    return opened;
  };
  return { reached, open };
}

async function begin(kind: Sync['kind'] = 'groups', userIds = people): Promise<string> {
  const asked = { serviceId: service.id, kind, scope: { userIds }, actor: 'client:test' };
  const { syncId } = await requestSync(engine.db, asked);
  await engine.flow.syncRequested(service.name, syncId);
  return syncId;
}

async function begunAndPaused(): Promise<string> {
  const { reached, open } = gate();
  const syncId = await begin();
  await reached;
  await pauseSync(engine.db, syncId);
  await engine.flow.syncSteered(syncId);
  await stopIsKnown();
  open();
  await resting(syncId);
  return syncId;
}

/** The chunks have heard of it: accounts that only waited for a slot have given their leases back. */
async function stopIsKnown(): Promise<void> {
  await eventually('accounts that were not begun are let go', async () => (await leased()) === AT_ONCE);
}

async function leased(): Promise<number> {
  const held = await engine.db.query(`select from accounts where service_id = $1 and lease_holder is not null`, [
    service.id,
  ]);
  return held.rowCount ?? 0;
}

async function withWorkflow<T>(syncId: string, work: (handle: WorkflowHandle) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: engine.temporalAddress });
  try {
    const client = new Client({ connection, namespace: engine.namespace });
    return await work(client.workflow.getHandle(syncWorkflowId(service.name, syncId)));
  } finally {
    await connection.close();
  }
}

/** The workflow has no activity: no slot of a worker is held. */
async function resting(syncId: string): Promise<void> {
  await withWorkflow(syncId, (handle) =>
    eventually('nothing runs for the sync', async () => {
      const { raw } = await handle.describe();
      return (raw.pendingActivities ?? []).length === 0;
    }),
  );
}

async function resume(syncId: string): Promise<void> {
  await resumeSync(engine.db, syncId);
  await engine.flow.syncSteered(syncId);
}

async function finished(syncId: string): Promise<Sync> {
  return eventually('the sync has ended', async () => {
    const sync = await readSync(engine.db, syncId);
    return sync?.finishedAt == null ? undefined : sync;
  });
}

function expectAllDoneOnce(sync: Sync): void {
  expect(sync).toMatchObject({ status: 'succeeded', total: PEOPLE, succeeded: PEOPLE, failed: 0, skipped: 0 });
  expect(target.called('updateAccount')).toBe(PEOPLE);
  for (const id of people) expect(target.called('updateAccount', id)).toBe(1);
}

describe('a sync that is paused', () => {
  test('finishes the accounts that it is at and begins no other', async () => {
    const syncId = await begunAndPaused();

    expect(target.called('updateAccount')).toBe(AT_ONCE);
    const done = await listSyncItems(engine.db, { syncId, outcome: 'succeeded', limit: 1_000 });
    // Both of its calls were made for each: nothing is half written.
    for (const method of ['updateAccount', 'setNickname']) {
      const calls = target.calls.filter((call) => call.method === method);
      expect(done.map((item) => item.userId).toSorted()).toEqual(calls.map((call) => call.userId).toSorted());
    }
    expect(await leased()).toBe(0);
    expect(await readSync(engine.db, syncId)).toMatchObject({ status: 'paused', succeeded: AT_ONCE, signalDue: null });

    await resume(syncId);
    expectAllDoneOnce(await finished(syncId));
  });

  test('outlives the workers and goes on where it stopped', async () => {
    const syncId = await begunAndPaused();
    await worker.drain();
    worker = await engine.startWorker();

    await resume(syncId);
    expectAllDoneOnce(await finished(syncId));
  });

  test('holds up no person, and the sweep does not do its work', async () => {
    const syncId = await begunAndPaused();
    const userId = await addMember(engine, 'somebody');
    await engine.flowDeps.starter.sweepNow();
    expect(await readAccount(engine.db, service.id, userId)).toMatchObject({ status: 'active' });
    expect(target.called('updateAccount')).toBe(AT_ONCE);

    await resume(syncId);
    expectAllDoneOnce(await finished(syncId));
  });

  test('says so when it is asked, and in the web UI', async () => {
    const syncId = await begunAndPaused();
    const asked = await withWorkflow(syncId, async (handle) => ({
      progress: await handle.query(SYNC_PROGRESS_QUERY),
      metadata: await handle.query<{ readonly currentDetails?: string }>('__temporal_workflow_metadata'),
    }));
    expect(asked.progress).toMatchObject({ state: 'paused', total: PEOPLE, done: 0, endsAt: null });
    expect(asked.metadata.currentDetails).toMatch(/^0 of 120 accounts, paused/);

    await resume(syncId);
    await finished(syncId);
    // The database knows a moment before the workflow does.
    const after = await withWorkflow(syncId, (handle) =>
      eventually('the workflow knows that it has ended', async () => {
        const seen = await handle.query<SyncProgress>(SYNC_PROGRESS_QUERY);
        return seen.state === 'ended' ? seen : undefined;
      }),
    );
    expect(after).toMatchObject({ total: PEOPLE, done: PEOPLE });
  });

  test('can be cancelled', async () => {
    const syncId = await begunAndPaused();
    expect(await cancelSync(engine.db, syncId)).toBe('to be stopped');
    await engine.flow.syncSteered(syncId);

    expect(await finished(syncId)).toMatchObject({
      status: 'cancelled',
      succeeded: AT_ONCE,
      skipped: PEOPLE - AT_ONCE,
    });
  });

  test('is told by the sweep when the signal was lost', async () => {
    const syncId = await begunAndPaused();
    await resumeSync(engine.db, syncId);
    expect(await readSync(engine.db, syncId)).toMatchObject({ status: 'running', signalDue: 'resume' });

    await engine.flowDeps.starter.sweepNow();
    expectAllDoneOnce(await finished(syncId));
  });
});

describe('a sync with failures', () => {
  test('is tried again over exactly the failed, in their order', async () => {
    const odd = [people[7], people[3], people[90]].map((id) => id ?? '');
    target.script = (call) =>
      call.method === 'updateAccount' && odd.includes(call.userId ?? '')
        ? Promise.reject(new Rejected('not today'))
        : undefined;
    const first = await begin();
    expect(await finished(first)).toMatchObject({ succeeded: PEOPLE - 3, failed: 3 });
    target.reset();

    const { syncId, operationId } = await retrySync(engine.db, {
      syncId: first,
      actor: 'client:test',
      reason: 'mended',
    });
    await engine.flow.syncRequested(service.name, syncId);
    const again = await finished(syncId);

    expect(again).toMatchObject({
      kind: 'groups',
      retryOf: first,
      reason: 'mended',
      total: 3,
      succeeded: 3,
      failed: 0,
    });
    const items = await listSyncItems(engine.db, { syncId, limit: 10 });
    expect(items.map((item) => item.userId)).toEqual(people.filter((id) => odd.includes(id)));
    expect(target.called('updateAccount')).toBe(3);
    expect(await readOperation(engine.db, operationId)).toMatchObject({ status: 'succeeded' });
    await expect(retrySync(engine.db, { syncId, actor: 'client:test' })).rejects.toMatchObject({ code: 'conflict' });
  });
});
