import { Client, Connection } from '@temporalio/client';
import { syncWorkflowId } from '../../domain/ids';
import { Throttled } from '../../sdk/index';
import { addGrant } from '../../store/grants';
import { pauseByHand } from '../../store/pauses';
import { resumeService } from '../../store/engine-services';
import type { ServiceRecord } from '../../store/services';
import { stateIdByName } from '../../store/states';
import { listSyncItems } from '../../store/sync-items';
import { cancelSync } from '../../store/sync-steering';
import { readSync, requestSync } from '../../store/syncs';
import type { Sync } from '../../store/syncs';
import { updateUser } from '../../store/users';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { accountWhere, allQuiet, BY, eventually, insertMembers, settled } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

/** More than the chunks that run at the same time: the later ones meet what happened meanwhile. */
const PEOPLE = 500;
const AT_ONCE = 4;

const target = new ScriptedTarget();
let engine: TestEngine;
let service: ServiceRecord;
let people: readonly string[];

beforeAll(async () => {
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(target, { maxConcurrency: AT_ONCE })) });
  people = (await insertMembers(engine, { prefix: 'person', count: PEOPLE })).toSorted();
  service = await engine.addService({ name: 'bulky', connector: 'scripted' });
  const id = await stateIdByName(engine.db, 'Member');
  await settled(engine, await addGrant(engine.db, { serviceId: service.id, subject: { kind: 'state', id } }, BY));
});
beforeEach(async () => {
  await resumeService(engine.db, service.id);
  await allQuiet(engine, service.id);
  target.reset();
  await engine.db.query(`update users set display_name = display_name || '!'`);
});
afterEach(() => {
  target.script = () => undefined;
});
afterAll(() => engine.close());

/** Lets every call of this kind wait until `open`; `reached` resolves with the first. */
function gate(): { readonly reached: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  let arrive: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (arrive = resolve));
  target.script = (call) => {
    if (call.method !== 'updateAccount') return undefined;
    arrive();
    return opened;
  };
  return { reached, open };
}

async function begin(): Promise<string> {
  const request = { serviceId: service.id, kind: 'accounts', scope: {}, actor: 'client:test' } as const;
  const { syncId } = await requestSync(engine.db, request);
  await engine.flow.syncRequested(service.name, syncId);
  return syncId;
}

function finished(syncId: string): Promise<Sync> {
  return eventually('the sync has ended', async () => {
    const sync = await readSync(engine.db, syncId);
    return sync?.finishedAt == null ? undefined : sync;
  });
}

async function leased(): Promise<number> {
  const held = await engine.db.query(`select from accounts where lease_holder is not null`);
  return held.rowCount ?? 0;
}

/** Number of events, and whether an activity is held, of the workflow of a sync. */
async function workflowOf(syncId: string): Promise<{ readonly events: number; readonly rests: boolean }> {
  const connection = await Connection.connect({ address: engine.temporalAddress });
  try {
    const client = new Client({ connection, namespace: engine.namespace });
    const { raw, historyLength } = await client.workflow.getHandle(syncWorkflowId(service.name, syncId)).describe();
    return { events: historyLength, rests: (raw.pendingActivities ?? []).length === 0 };
  } finally {
    await connection.close();
  }
}

describe('a bulk run that meets a paused service', () => {
  test('rests without a look, and goes on with the signal of the resumption', async () => {
    const { reached, open } = gate();
    const syncId = await begin();
    await reached;
    await pauseByHand(engine.db, { serviceId: service.id, actor: 'client:boss' });
    open();
    // A chunk may look once more at the accounts that were at work when the pause came.
    await eventually('sweeps go by, and nothing moves in the sync', async () => {
      const resting = await workflowOf(syncId);
      if (!resting.rests) return false;
      for (let sweeps = 0; sweeps < 3; sweeps += 1) await engine.flowDeps.starter.sweepNow();
      return (await workflowOf(syncId)).events === resting.events;
    });
    expect((await readSync(engine.db, syncId))?.status).toBe('running');

    await resumeService(engine.db, service.id);
    await engine.flow.serviceOpened();

    expect(await finished(syncId)).toMatchObject({ status: 'succeeded', total: PEOPLE, succeeded: PEOPLE });
  });

  test('does not begin while it is paused', async () => {
    await pauseByHand(engine.db, { serviceId: service.id, actor: 'client:boss' });
    const syncId = await begin();
    await engine.flowDeps.starter.sweepNow();
    expect((await readSync(engine.db, syncId))?.status).toBe('queued');

    await resumeService(engine.db, service.id);
    await engine.flow.serviceOpened();

    expect(await finished(syncId)).toMatchObject({ status: 'succeeded', succeeded: PEOPLE });
  });
});

describe('a bulk run that is cancelled', () => {
  test('takes back what only it had asked for, and nothing that somebody has changed', async () => {
    const { reached, open } = gate();
    const syncId = await begin();
    await reached;
    await eventually('as many are at work as may be', async () => target.called('updateAccount') === AT_ONCE);
    const changed = people.find((id) => target.called('updateAccount', id) === 0) ?? '';
    const { change } = await updateUser(engine.db, changed, { fields: { displayName: 'Changed' }, by: BY });
    await cancelSync(engine.db, syncId);
    await engine.flow.syncSteered(syncId);
    await eventually('accounts that were not begun are let go', async () => (await leased()) === AT_ONCE);
    open();
    const sync = await finished(syncId);

    await engine.flow.changed(change?.changeId ?? 0);
    await allQuiet(engine, service.id);
    await accountWhere(engine, { serviceId: service.id, userId: changed }, ({ due }) => !due);

    expect(sync.skipped).toBeGreaterThan(PEOPLE / 2);
    const items = await listSyncItems(engine.db, { syncId, outcome: 'skipped', limit: 1000 });
    const others = items.filter(({ userId }) => userId !== changed);
    // On a slow machine the calls that were out are cut off at the end of their grace, and their accounts looked at again.
    const called = others.filter(({ userId }) => target.called('updateAccount', userId) > 0);
    expect(called.length).toBeLessThanOrEqual(AT_ONCE);
    expect(target.called('updateAccount', changed)).toBe(1);
  });
});

// The last one: from here on the service is closed.
describe('a bulk run whose service asks to wait for an hour', () => {
  test('holds no worker and no account, has failed nobody, and can be cancelled at once', async () => {
    target.script = (call) =>
      call.method === 'updateAccount'
        ? Promise.reject(new Throttled('slowly', { retryAfterMs: 3_600_000 }))
        : undefined;
    const syncId = await begin();

    await eventually(
      'nothing runs for the sync',
      async () => target.calls.length > 0 && (await workflowOf(syncId)).rests,
    );
    await eventually('no account is held', async () => (await leased()) === 0);
    const failed = await engine.db.query(`select from accounts where failures > 0`);
    expect(failed.rowCount).toBe(0);
    expect(target.called('updateAccount')).toBeLessThanOrEqual(AT_ONCE);

    await cancelSync(engine.db, syncId);
    await engine.flow.syncSteered(syncId);
    expect(await finished(syncId)).toMatchObject({ status: 'cancelled' });
  });
});
