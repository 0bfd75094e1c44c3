import { Client, Connection } from '@temporalio/client';
import { Rejected, ServiceHook, Throttled } from '../../sdk/index';
import type { HookContext } from '../../sdk/index';
import { readAccount } from '../../store/accounts';
import { addGrant } from '../../store/grants';
import { addMembers, createGroup } from '../../store/groups';
import { readOperation } from '../../store/operations';
import type { ServiceRecord } from '../../store/services';
import { updateService } from '../../store/services';
import { listSyncItems } from '../../store/sync-items';
import { cancelSync } from '../../store/sync-steering';
import { listSyncs, readSync, requestSync } from '../../store/syncs';
import type { Sync } from '../../store/syncs';
import { startTestEngine } from './engine';
import type { TestEngine } from './engine';
import { allQuiet, BY, ended, eventually, insertMembers, settled } from './organisation';
import { registryOf, ScriptedTarget, scriptedConnector } from './scripted-target';

const PEOPLE = 130;

/** Has set all groups by itself, unless it was told to hand on. */
class AllGroupsHook extends ServiceHook {
  static handsOn = false;
  static calls = 0;

  override async updateAllGroups(): Promise<void> {
    AllGroupsHook.calls += 1;
    if (AllGroupsHook.handsOn) await super.updateAllGroups();
  }
}

const target = new ScriptedTarget();
let engine: TestEngine;
let service: ServiceRecord;
let people: readonly string[];
let crowd: string;

beforeAll(async () => {
  const hook = (context: HookContext): ServiceHook => new AllGroupsHook(context);
  engine = await startTestEngine({ registry: registryOf(scriptedConnector(target, { hook })) });
  people = await insertMembers(engine, { prefix: 'person', count: PEOPLE });
  crowd = (await createGroup(engine.db, 'crowd', BY)).record.id;
  await addMembers(engine.db, { groupId: crowd, userIds: people, by: BY });
  service = await engine.addService({ name: 'bulky', connector: 'scripted' });
});
beforeEach(async () => {
  // What an earlier test has left to the sweep must not run beside this one.
  await eventually('nothing is under way', async () => {
    const open = await engine.db.query(
      `select from syncs where finished_at is null union all select from changes where expanded_at is null limit 1`,
    );
    return open.rowCount === 0;
  });
  await allQuiet(engine, service.id);
  target.reset();
});
afterAll(() => engine.close());

async function begunWorkflows(type: string): Promise<number> {
  const connection = await Connection.connect({ address: engine.temporalAddress });
  try {
    const client = new Client({ connection, namespace: engine.namespace });
    return (await client.workflow.count(`WorkflowType = '${type}'`)).count;
  } finally {
    await connection.close();
  }
}

/** Requests a sync and sends it. */
async function request(kind: 'groups' | 'full' | 'nicknames', userIds?: readonly string[]) {
  const scope = userIds === undefined ? {} : { userIds };
  const requested = await requestSync(engine.db, { serviceId: service.id, kind, scope, actor: 'client:test' });
  await engine.flow.syncRequested(service.name, requested.syncId);
  return requested;
}

async function finished(syncId: string): Promise<Sync> {
  return eventually('the sync has ended', async () => {
    const sync = await readSync(engine.db, syncId);
    return sync?.finishedAt == null ? undefined : sync;
  });
}

function expectTotals(sync: Sync): void {
  expect(sync.succeeded + sync.unchanged + sync.skipped + sync.failed).toBe(sync.total);
}

/** Resolves when the far side is at work on a call, which then waits for `open`. */
function gate(method: string): { readonly reached: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  let arrive: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (arrive = resolve));
  target.script = (call) => {
    if (call.method !== method) return undefined;
    arrive();
    return opened;
  };
  return { reached, open };
}

describe('a change over many accounts', () => {
  test('becomes one bulk run, not a workflow for each', async () => {
    const granted = await addGrant(engine.db, { serviceId: service.id, subject: { kind: 'group', id: crowd } }, BY);
    const operation = await settled(engine, granted);

    expect(operation).toMatchObject({ status: 'succeeded', progress: { accounts: PEOPLE, done: PEOPLE } });
    expect(target.accounts.size).toBe(PEOPLE);
    expect(target.called('createAccount')).toBe(PEOPLE);
    expect(await begunWorkflows('bulkSync')).toBe(1);
    expect(await begunWorkflows('createAccount')).toBe(0);
    const [sync] = await listSyncs(engine.db, { serviceId: service.id, limit: 5 });
    expect(sync).toMatchObject({ kind: 'due', actor: 'system:sweep', total: PEOPLE });
  });

  test('keeps every item with its outcome', async () => {
    const [sync] = await listSyncs(engine.db, { serviceId: service.id, limit: 1 });
    const done = await finished(sync?.id ?? '');
    const items = await listSyncItems(engine.db, { syncId: done.id, limit: 1_000 });

    expectTotals(done);
    expect(items).toHaveLength(PEOPLE);
    expect(new Set(items.map((item) => item.userId)).size).toBe(PEOPLE);
    expect(items.every((item) => item.outcome === 'succeeded' && item.reason?.includes('create'))).toBe(true);
  });
});

describe('a requested sync', () => {
  test('that finds nothing to do says so, and only reads the list', async () => {
    const { syncId, operationId } = await request('full');
    const sync = await finished(syncId);

    expect(sync).toMatchObject({ status: 'succeeded', total: PEOPLE, unchanged: PEOPLE, failed: 0 });
    expect(target.calls.map(({ method }) => method)).toEqual(['listAccounts']);
    expect(await readOperation(engine.db, operationId)).toMatchObject({ status: 'succeeded' });
  });

  test('has never more calls at once than the service allows', async () => {
    await updateService(
      engine.db,
      { name: service.name, alter: (before) => ({ ...before, maxConcurrency: 3, nicknameFormat: 'N {username}' }) },
      BY,
    );
    // A call that takes a turn of the loop, so that several are under way.
    target.script = () => new Promise((resolve) => void setImmediate(resolve));
    const { syncId } = await request('nicknames');
    await finished(syncId);
    await allQuiet(engine, service.id);

    expect(target.called('setNickname')).toBe(PEOPLE);
    expect(target.mostAtOnce).toBe(3);
  });

  test('accounts for everybody who was named, also for strangers', async () => {
    const stranger = '00000000-0000-7000-8000-000000000000';
    const { syncId } = await request('groups', [people[0] ?? '', stranger, people[0] ?? '']);
    const sync = await finished(syncId);

    expect(sync).toMatchObject({ total: 2, skipped: 1, unchanged: 1 });
    expectTotals(sync);
  });

  test('is joined by the same request and queued behind by another', async () => {
    await engine.db.query(`update users set display_name = 'Renamed'`);
    const { reached, open } = gate('updateAccount');
    const first = await request('groups', people);
    await reached;

    const same = await request('groups', people);
    const other = await request('nicknames', people.slice(0, 2));
    expect(same).toMatchObject({ syncId: first.syncId, joined: true });
    expect(other.joined).toBe(false);
    expect(await readSync(engine.db, other.syncId)).toMatchObject({ status: 'queued' });

    open();
    expectTotals(await finished(first.syncId));
    expect(await finished(other.syncId)).toMatchObject({ status: 'succeeded', total: 2 });
    expect(await ended(engine, same.operationId)).toMatchObject({ status: 'succeeded' });
  });

  test('that is cancelled stops soon; what was not reached counts as skipped', async () => {
    await engine.db.query(`update users set display_name = 'Renamed once more'`);
    const { reached, open } = gate('updateAccount');
    const { syncId, operationId } = await request('groups', people);
    await reached;

    expect(await cancelSync(engine.db, syncId)).toBe('to be stopped');
    await engine.flow.syncSteered(syncId);
    const sync = await finished(syncId);
    open();

    expect(sync.status).toBe('cancelled');
    expect(sync.skipped).toBeGreaterThan(0);
    expectTotals(sync);
    expect(await ended(engine, operationId)).toMatchObject({ status: 'cancelled' });
    target.script = () => undefined;
    await allQuiet(engine, service.id);
    // Those whose calls were cut off are brought to a known state; the others were asked for by the sync alone.
    const renamed = [...target.accounts.values()].filter(({ profile }) => profile.displayName === 'Renamed once more');
    expect(renamed.length).toBeGreaterThan(0);
    expect(renamed.length).toBeLessThan(PEOPLE);
  });
});

describe('trouble in a bulk run', () => {
  test('one account that is rejected stops none of the others', async () => {
    await engine.db.query(`update users set display_name = 'Third name'`);
    const [odd = ''] = people;
    target.script = (call) => {
      if (call.method === 'updateAccount' && call.userId === odd)
        return Promise.reject(new Rejected('no such display name here'));
      return undefined;
    };
    const { syncId } = await request('groups', people);
    const sync = await finished(syncId);

    expect(sync).toMatchObject({ total: PEOPLE, failed: 1, succeeded: PEOPLE - 1 });
    const [failed] = await listSyncItems(engine.db, { syncId, outcome: 'failed', limit: 10 });
    expect(failed).toMatchObject({ userId: odd, reason: 'rejected: no such display name here' });
    expect(await readAccount(engine.db, service.id, odd)).toMatchObject({ attention: 'rejected', nextTry: 'never' });
  });

  test('a service that asks to wait is waited for, and nobody fails for it', async () => {
    await engine.db.query(`update users set display_name = 'Fourth name'`);
    let closedUntil = 0;
    let refused = 0;
    target.script = async (call) => {
      if (call.method !== 'updateAccount') return undefined;
      if (closedUntil === 0) closedUntil = performance.now() + 1_500;
      if (performance.now() >= closedUntil - 20) return undefined;
      refused += 1;
      throw new Throttled('slow down', { retryAfterMs: 1_500 });
    };
    const { syncId } = await request('groups', people.slice(1));
    const sync = await finished(syncId);

    expect(sync).toMatchObject({ status: 'succeeded', failed: 0, succeeded: PEOPLE - 1 });
    // What was under way when the first was refused; then nobody calls until the time is over.
    expect(refused).toBeLessThanOrEqual(3);
    const failures = await engine.db.query(
      `select from accounts where service_id = $1 and failures > 0 and attention is null`,
      [service.id],
    );
    expect(failures.rowCount).toBe(0);
  });
});

describe('a hook that updates all groups by itself', () => {
  test('is asked once, and what it has done is not done again', async () => {
    AllGroupsHook.calls = 0;
    const { syncId } = await request('groups');
    const sync = await finished(syncId);

    expect(AllGroupsHook.calls).toBe(1);
    expect(sync).toMatchObject({ status: 'succeeded', total: PEOPLE, succeeded: PEOPLE });
    const [item] = await listSyncItems(engine.db, { syncId, limit: 1 });
    expect(item).toMatchObject({ reason: 'done by the hook' });
    expect(target.calls).toEqual([]);
  });

  test('that calls the base has the sync go on', async () => {
    AllGroupsHook.handsOn = true;
    const { syncId } = await request('groups');
    const sync = await finished(syncId);

    expect(AllGroupsHook.calls).toBe(2);
    expect(sync).toMatchObject({ status: 'succeeded', total: PEOPLE });
    expect(sync.unchanged).toBeGreaterThanOrEqual(PEOPLE - 1);
  });
});
