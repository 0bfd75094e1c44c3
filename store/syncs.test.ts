import { addAccount, addAccounts, addService, addUser, addUsers, openTestStore } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { readOperation } from './operations';
import { listSyncItems, nextChunk, openItems, recordItems, stageSync } from './sync-items';
import { cancelSync } from './sync-steering';
import { finishSync, listSyncs, openSyncs, readSync, requestSync, startNextQueued } from './syncs';
import type { SyncKind, SyncScope } from './syncs';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

function ask(serviceId: string, kind: SyncKind = 'groups', scope: SyncScope = {}) {
  return requestSync(store.db, { serviceId, kind, scope, actor: 'client:test' });
}

async function begun(serviceId: string, kind: SyncKind = 'groups', scope: SyncScope = {}): Promise<string> {
  const { syncId } = await ask(serviceId, kind, scope);
  expect(await startNextQueued(store.db, serviceId)).toBe(syncId);
  return syncId;
}

async function itemsOf(syncId: string): Promise<readonly string[]> {
  return (await listSyncItems(store.db, { syncId, limit: 10_000 })).map((item) => item.userId);
}

async function crowd(number: number): Promise<{ serviceId: string; users: readonly string[] }> {
  const serviceId = await addService(store.db);
  const users = await addUsers(store.db, number);
  await addAccounts(store.db, serviceId, users);
  return { serviceId, users };
}

describe('asking for a sync', () => {
  test('two who ask for the same at the same time get one sync and an operation each', async () => {
    const serviceId = await addService(store.db);

    const [first, second] = await Promise.all([
      ask(serviceId),
      requestSync(store.other, { serviceId, kind: 'groups', scope: {}, actor: 'client:test' }),
    ]);

    expect(first.syncId).toBe(second.syncId);
    expect(first.operationId).not.toBe(second.operationId);
    expect([first.joined, second.joined].toSorted()).toEqual([false, true]);
  });

  test('another kind or another scope is another sync', async () => {
    const serviceId = await addService(store.db);
    const userId = await addUser(store.db);
    const asked = [
      await ask(serviceId),
      await ask(serviceId, 'nicknames'),
      await ask(serviceId, 'groups', { userIds: [userId] }),
    ];

    expect(new Set(asked.map((sync) => sync.syncId)).size).toBe(3);
  });

  test.each([
    ['groups', true],
    ['validate', false],
    ['full', false],
  ] as const)('a running %s sync is joined: %s', async (kind, joined) => {
    const serviceId = await addService(store.db);
    await begun(serviceId, kind);

    expect((await ask(serviceId, kind)).joined).toBe(joined);
  });

  test('a sync that has ended is not joined', async () => {
    const serviceId = await addService(store.db);
    const syncId = await begun(serviceId);
    await finishSync(store.db, syncId, { status: 'succeeded', reason: 'not reached' });

    expect((await ask(serviceId)).joined).toBe(false);
  });

  test('syncs of a service begin one at a time, first in first out', async () => {
    const serviceId = await addService(store.db);
    const first = await ask(serviceId, 'groups');
    const second = await ask(serviceId, 'nicknames');

    expect(await startNextQueued(store.db, serviceId)).toBe(first.syncId);
    expect(await startNextQueued(store.db, serviceId)).toBeUndefined();
    await finishSync(store.db, first.syncId, { status: 'succeeded', reason: 'not reached' });
    expect(await startNextQueued(store.db, serviceId)).toBe(second.syncId);
  });

  test('two processes that begin the next sync at the same time begin one', async () => {
    for (let round = 0; round < 10; round += 1) {
      const serviceId = await addService(store.db);
      await ask(serviceId, 'groups');
      await ask(serviceId, 'nicknames');

      const started = await Promise.all([
        startNextQueued(store.db, serviceId),
        startNextQueued(store.other, serviceId),
      ]);

      expect(started.filter((syncId) => syncId !== undefined)).toHaveLength(1);
    }
  });

  test('an unknown service is not found', async () => {
    await expect(ask('00000000-0000-7000-8000-000000000000')).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('the population of a sync', () => {
  test('named people are staged in their order, each once, and those without account are skipped', async () => {
    const { serviceId, users } = await crowd(3);
    const stranger = await addUser(store.db);
    const [a = '', b = '', c = ''] = users;
    const syncId = await begun(serviceId, 'groups', { userIds: [c, a, stranger, c, b, a] });

    expect(await stageSync(store.db, syncId)).toBe(4);

    const items = await listSyncItems(store.db, { syncId, limit: 10 });
    expect(items.map((item) => [item.seq, item.userId, item.outcome])).toEqual([
      [1, c, null],
      [2, a, null],
      [3, stranger, 'skipped'],
      [4, b, null],
    ]);
    expect(await readSync(store.db, syncId)).toMatchObject({ status: 'running', total: 4, skipped: 1 });
  });

  test.each([
    ['groups', ['active', 'pending']],
    ['nicknames', ['active', 'pending']],
    ['accounts', ['active', 'disabled', 'pending']],
    ['validate', ['active', 'disabled', 'pending']],
  ] as const)('a %s sync is about accounts that are %s', async (kind, expected) => {
    const serviceId = await addService(store.db);
    const statuses = new Map<string, string>();
    for (const status of ['none', 'pending', 'active', 'disabled', 'removed']) {
      const userId = await addUser(store.db);
      await addAccount(store.db, { serviceId, userId }, { status });
      statuses.set(userId, status);
    }
    const syncId = await begun(serviceId, kind);
    await stageSync(store.db, syncId);

    expect((await itemsOf(syncId)).map((userId) => statuses.get(userId)).toSorted()).toEqual(expected);
  });

  test('a due sync takes what is due and bumps nothing', async () => {
    const { serviceId, users } = await crowd(3);
    await store.db.query(
      `update accounts set wanted_version = nextval('version_seq') where user_id = any($1::uuid[])`,
      [users.slice(0, 2)],
    );
    await store.db.query(`update accounts set next_try = 'infinity' where user_id = $1`, [users[1]]);
    const before = await store.db.query(
      `select user_id, wanted_version from accounts where service_id = $1 order by 1`,
      [serviceId],
    );
    const syncId = await begun(serviceId, 'due');

    await stageSync(store.db, syncId);

    expect(await itemsOf(syncId)).toEqual([users[0]]);
    expect(
      (
        await store.db.query(`select user_id, wanted_version from accounts where service_id = $1 order by 1`, [
          serviceId,
        ])
      ).rows,
    ).toEqual(before.rows);
  });

  test('a groups sync makes every account due, in pages', async () => {
    const { serviceId } = await crowd(4_100);
    const syncId = await begun(serviceId);

    expect(await stageSync(store.db, syncId)).toBe(4_100);

    const due = await store.db.query(
      `select from accounts where service_id = $1 and wanted_version <> applied_version and due_reasons = '{updateGroups}'`,
      [serviceId],
    );
    expect(due.rowCount).toBe(4_100);
  });

  test('a filter narrows the population', async () => {
    const { serviceId, users } = await crowd(3);
    await store.db.query(`update accounts set username = '50%' where service_id = $1 and user_id = $2`, [
      serviceId,
      users[1],
    ]);
    const syncId = await begun(serviceId, 'groups', { filter: { q: '0%' } });

    await stageSync(store.db, syncId);

    expect(await itemsOf(syncId)).toEqual([users[1]]);
  });

  test('staging again after a crash stages nobody twice', async () => {
    const { serviceId } = await crowd(10);
    const syncId = await begun(serviceId);
    await stageSync(store.db, syncId);
    await store.db.query(`update syncs set status = 'staging' where id = $1`, [syncId]);

    expect(await stageSync(store.db, syncId)).toBe(10);
    expect(await itemsOf(syncId)).toHaveLength(10);
  });
});

describe('the items of a sync', () => {
  async function staged(number: number): Promise<string> {
    const { serviceId } = await crowd(number);
    const syncId = await begun(serviceId);
    await stageSync(store.db, syncId);
    return syncId;
  }

  test('chunks follow each other and leave out what has an outcome', async () => {
    const syncId = await staged(7);
    await recordItems(store.db, syncId, [{ seq: 2, outcome: 'unchanged' }]);

    const first = await nextChunk(store.db, syncId, { from: 1, size: 3 });
    const second = await nextChunk(store.db, syncId, { from: 5, size: 3 });

    expect([first, second]).toEqual([
      { from: 1, to: 4 },
      { from: 5, to: 7 },
    ]);
    expect((await openItems(store.db, syncId, { from: 1, to: 4 })).map((item) => item.seq)).toEqual([1, 3, 4]);
    expect(await nextChunk(store.db, syncId, { from: 8, size: 3 })).toBeUndefined();
  });

  test('a result that is recorded twice counts once, the first one holds', async () => {
    const syncId = await staged(2);

    await Promise.all([
      recordItems(store.db, syncId, [{ seq: 1, outcome: 'succeeded' }]),
      recordItems(store.other, syncId, [{ seq: 1, outcome: 'succeeded' }]),
    ]);
    await recordItems(store.db, syncId, [{ seq: 1, outcome: 'failed', reason: 'late' }]);

    expect(await readSync(store.db, syncId)).toMatchObject({ succeeded: 1, failed: 0 });
  });

  test('the totals add up, whatever was not reached', async () => {
    const syncId = await staged(10);
    await recordItems(store.db, syncId, [
      { seq: 1, outcome: 'succeeded' },
      { seq: 2, outcome: 'unchanged' },
      { seq: 3, outcome: 'failed', reason: 'rejected' },
    ]);

    const sync = await finishSync(store.db, syncId, { status: 'succeeded', reason: 'cut off' });

    expect(sync).toMatchObject({ total: 10, succeeded: 1, unchanged: 1, failed: 1, skipped: 7, status: 'succeeded' });
    const [skipped] = await listSyncItems(store.db, { syncId, outcome: 'skipped', limit: 1 });
    expect(skipped).toMatchObject({ seq: 4, reason: 'cut off' });
  });

  test('finishing ends every operation of the sync, and twice changes nothing', async () => {
    const { serviceId } = await crowd(2);
    const first = await ask(serviceId);
    const second = await ask(serviceId);
    await startNextQueued(store.db, serviceId);
    await stageSync(store.db, first.syncId);

    const ended = await finishSync(store.db, first.syncId, { status: 'succeeded', reason: 'cut off' });
    const again = await finishSync(store.db, first.syncId, { status: 'failed', reason: 'again' });

    expect(again).toEqual(ended);
    for (const { operationId } of [first, second]) {
      expect(await readOperation(store.db, operationId)).toMatchObject({
        status: 'succeeded',
        progress: { accounts: 2, done: 2 },
      });
    }
  });
});

describe('cancelling a sync', () => {
  test('a queued one ends at once', async () => {
    const serviceId = await addService(store.db);
    const { syncId, operationId } = await ask(serviceId);

    expect(await cancelSync(store.db, syncId)).toBe('cancelled');

    expect(await readOperation(store.db, operationId)).toMatchObject({ status: 'cancelled' });
    expect(await startNextQueued(store.db, serviceId)).toBeUndefined();
  });

  test('a running one must be told to stop, one that has ended conflicts', async () => {
    const { serviceId } = await crowd(1);
    const syncId = await begun(serviceId);

    expect(await cancelSync(store.db, syncId)).toBe('to be stopped');
    await finishSync(store.db, syncId, { status: 'cancelled', reason: 'cancelled' });
    await expect(cancelSync(store.db, syncId)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('lists show the newest first, and what has not ended', async () => {
    const serviceId = await addService(store.db);
    const older = await ask(serviceId, 'groups');
    const newer = await ask(serviceId, 'nicknames');
    await cancelSync(store.db, older.syncId);

    expect((await listSyncs(store.db, { serviceId, limit: 10 })).map((sync) => sync.id)).toEqual([
      newer.syncId,
      older.syncId,
    ]);
    const open = (await openSyncs(store.db)).filter((sync) => sync.serviceId === serviceId);
    expect(open.map((sync) => sync.id)).toEqual([newer.syncId]);
  });
});
