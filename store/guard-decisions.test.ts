import { guardScene } from '../test/store/guard-scene';
import type { Crowd } from '../test/store/guard-scene';
import { addService, makeChange, openTestStore } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import type { Queryable } from './database';
import { expandChange } from './expand';
import { cancelTakings, confirmTaking } from './guard';
import { approveStaged, listStaged, rejectStaged } from './guard-decisions';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const { crowd, ask, askAll, takenOn, deactivate } = guardScene(() => store.db);

describe('decisions about what is staged', () => {
  async function staged(number: number): Promise<Crowd & { readonly ids: readonly string[] }> {
    const { serviceId, users } = await crowd(100);
    const leavers = users.slice(0, number);
    await deactivate(leavers, { serviceId });
    await settleAll(serviceId);
    const rows = await listStaged(store.db, { serviceId, limit: 100 });
    return { serviceId, users: rows.map((row) => row.userId), ids: rows.map((row) => row.id) };
  }

  /** As the convergence leaves them: nothing more happens until a person decides. */
  function settleAll(serviceId: string) {
    return store.db.query(
      `update accounts set attention = 'staged', next_try = 'infinity' where service_id = $1 and wanted_version <> applied_version`,
      [serviceId],
    );
  }

  async function expandDecision(changeId: number | null): Promise<void> {
    if (changeId === null) throw new Error('nothing was decided');
    await expandChange(store.db, changeId, { groupRules: () => undefined });
  }

  async function dueOn(db: Queryable, serviceId: string): Promise<readonly string[]> {
    const found = await db.query<{ user_id: string }>(
      `select user_id from accounts where service_id = $1 and wanted_version <> applied_version and next_try is null order by 1`,
      [serviceId],
    );
    return found.rows.map((row) => row.user_id);
  }

  test('approval lets go of the listed accounts and of no others', async () => {
    const { serviceId, users, ids } = await staged(30);

    const answer = await approveStaged(store.db, {
      serviceId,
      ids: ids.slice(0, 3),
      actor: 'client:test',
      reason: 'left',
    });
    await expandDecision(answer.changeId);

    expect(answer).toMatchObject({ decided: 3, notOpen: [] });
    expect(await dueOn(store.db, serviceId)).toEqual(users.slice(0, 3).toSorted());
    expect(await askAll({ serviceId, users: users.slice(0, 4) })).toEqual(['allowed', 'allowed', 'allowed', 'staged']);
    expect(await takenOn(serviceId)).toBe(0);
  });

  test('approval of all covers what is staged now, not what comes later', async () => {
    const { serviceId, users } = await staged(30);
    const later = (
      await store.db.query<{ id: string }>(
        `select user_id as id from accounts where service_id = $1 and user_id <> all($2::uuid[]) limit 20`,
        [serviceId, users],
      )
    ).rows.map((row) => row.id);

    expect(await approveStaged(store.db, { serviceId, ids: 'all', actor: 'client:test' })).toMatchObject({
      decided: 30,
    });
    await deactivate(later, { serviceId });

    expect(await ask({ serviceId, userId: later[0] ?? '' })).toBe('staged');
  });

  test('an approval is used up by the removal', async () => {
    const { serviceId, users, ids } = await staged(30);
    await expandDecision((await approveStaged(store.db, { serviceId, ids, actor: 'client:test' })).changeId);
    await confirmTaking(store.db, { serviceId, userId: users[0] ?? '' }, ['removal']);
    await store.db.query(
      `insert into guard_taken (service_id, user_id, kind, amount, done_at) values ($1, gen_random_uuid(), 'removal', 20, clock_timestamp())`,
      [serviceId],
    );

    expect(await ask({ serviceId, userId: users[0] ?? '' })).toBe('staged');
    expect(await ask({ serviceId, userId: users[1] ?? '' })).toBe('allowed');
  });

  test('rejection holds the account, also when the roster comes again', async () => {
    const { serviceId, users } = await staged(30);

    const answer = await rejectStaged(store.db, { serviceId, ids: 'all', actor: 'client:test', reason: 'wrong file' });
    await expandDecision(answer.changeId);
    await deactivate(users, { serviceId });

    expect(await ask({ serviceId, userId: users[0] ?? '' })).toBe('held');
    expect(await listStaged(store.db, { serviceId, limit: 100 })).toEqual([]);
    expect(await takenOn(serviceId)).toBe(0);
  });

  test('a right that comes back cancels what was staged, approved or held', async () => {
    const { serviceId, users, ids } = await staged(30);
    const by = { serviceId, actor: 'client:test' };
    await expandDecision((await approveStaged(store.db, { ...by, ids: ids.slice(0, 1) })).changeId);
    await expandDecision((await rejectStaged(store.db, { ...by, ids: ids.slice(1, 2) })).changeId);

    for (const userId of users.slice(0, 3))
      await cancelTakings(store.db, { serviceId, userId }, ['removal', 'disable']);

    const rows = await listStaged(store.db, { serviceId, show: 'all', limit: 3 });
    expect(rows.map((row) => row.decision)).toEqual(['cancelled', 'rejected', 'cancelled']);
    // Ten are room for all three: nothing of the earlier answers is left.
    expect(await askAll({ serviceId, users: users.slice(0, 3) })).toEqual(['allowed', 'allowed', 'allowed']);
  });

  test('a row is decided once, and never through another service', async () => {
    const { serviceId, ids } = await staged(30);
    const elsewhere = await addService(store.db);

    expect(await approveStaged(store.db, { serviceId: elsewhere, ids, actor: 'client:test' })).toMatchObject({
      decided: 0,
      notOpen: ids,
      changeId: null,
    });
    const both = await Promise.all([
      approveStaged(store.db, { serviceId, ids, actor: 'client:test' }),
      rejectStaged(store.other, { serviceId, ids, actor: 'client:test' }),
    ]);

    expect(both.map((answer) => answer.decided).sort((a, b) => a - b)).toEqual([0, 30]);
  });

  test('what is staged tells who made the change and why', async () => {
    const { serviceId, users } = await crowd(30);
    await store.db.query(`update users set active = false where id = any($1::uuid[])`, [users]);
    await makeChange(store.db, {
      kind: 'people',
      subject: { serviceId },
      users,
      actor: 'client:hr',
      reason: 'roster of May',
    });

    const page = await listStaged(store.db, { serviceId, limit: 2 });
    const next = await listStaged(store.db, { serviceId, after: page[1]?.id, limit: 100 });

    expect(page[0]).toMatchObject({
      changeActor: 'client:hr',
      changeReason: 'roster of May',
      kind: 'removal',
      decision: null,
    });
    expect(next).toHaveLength(28);
  });
});
