import { guardScene } from '../test/store/guard-scene';
import { commitChange, makeChange, openTestStore } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { confirmTaking, guardRoom } from './guard';
import { expandChange } from './expand';
import { approveStaged, listStaged, stagedSummaries } from './guard-decisions';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const { crowd, ask, askAll, takenOn, deactivate } = guardScene(() => store.db);

describe('the guard, asked one by one', () => {
  test('the first ten removals of a small service are allowed, the next is staged', async () => {
    const answers = await askAll(await crowd(11));

    expect(answers).toEqual([...Array<string>(10).fill('allowed'), 'staged']);
  });

  test('of a large service ten per cent may go', async () => {
    const { serviceId, users } = await crowd(150);

    const answers = await askAll({ serviceId, users: users.slice(0, 16) });

    expect(answers.filter((answer) => answer === 'allowed')).toHaveLength(15);
  });

  test('removals and disables share one limit, group removals have their own', async () => {
    const { serviceId, users } = await crowd(22);
    await askAll({ serviceId, users: users.slice(0, 5) }, 'removal');
    await askAll({ serviceId, users: users.slice(5, 10) }, 'disable');

    expect(await ask({ serviceId, userId: users[10] ?? '', kind: 'disable' })).toBe('staged');
    expect(await ask({ serviceId, userId: users[11] ?? '', kind: 'group removal', groups: [] })).toBe('allowed');
  });

  test('asking again gives the same answer and counts once', async () => {
    const { serviceId, users } = await crowd(3);
    const question = { serviceId, userId: users[0] ?? '' };

    expect(await ask(question)).toBe('allowed');
    expect(await ask(question)).toBe('allowed');
    expect(await takenOn(serviceId)).toBe(1);
  });

  test('two connections that ask at the same time never exceed the limit', async () => {
    const { serviceId, users } = await crowd(40);

    const answers = await Promise.all(
      users.map((userId, index) => ask({ serviceId, userId }, index % 2 === 0 ? store.db : store.other)),
    );

    expect(answers.filter((answer) => answer === 'allowed')).toHaveLength(10);
    expect(await takenOn(serviceId)).toBe(10);
  });

  test('without the lock two connections exceed the limit', async () => {
    // The negative control: both count before either has written.
    const { serviceId, users } = await crowd(12);
    await askAll({ serviceId, users: users.slice(0, 9) });
    const take = `insert into guard_taken (service_id, user_id, kind) values ($1, $2, 'removal')`;
    const rooms = await Promise.all([
      guardRoom(store.db, serviceId, 'removal'),
      guardRoom(store.other, serviceId, 'removal'),
    ]);

    if (rooms[0] >= 1) await store.db.query(take, [serviceId, users[10]]);
    if (rooms[1] >= 1) await store.other.query(take, [serviceId, users[11]]);

    expect(await takenOn(serviceId)).toBe(11);
  });

  test('the room does not grow by what was taken', async () => {
    const { serviceId, users } = await crowd(150);
    await askAll({ serviceId, users: users.slice(0, 15) }, 'disable');
    for (const userId of users.slice(0, 15)) await confirmTaking(store.db, { serviceId, userId }, ['disable']);

    expect(await guardRoom(store.db, serviceId, 'disable')).toBe(0);
  });

  test('what was taken counts for 24 hours and not longer', async () => {
    const { serviceId, users } = await crowd(12);
    await askAll({ serviceId, users: users.slice(0, 10) });
    for (const userId of users.slice(0, 10)) await confirmTaking(store.db, { serviceId, userId }, ['removal']);
    expect(await guardRoom(store.db, serviceId, 'removal')).toBe(0);

    await store.db.query(
      `update guard_taken set taken_at = taken_at - interval '24 hours 1 second' where service_id = $1`,
      [serviceId],
    );

    expect(await guardRoom(store.db, serviceId, 'removal')).toBe(10);
  });

  test('what was allowed and not yet done counts however old it is', async () => {
    const { serviceId, users } = await crowd(12);
    await askAll({ serviceId, users: users.slice(0, 4) });

    await store.db.query(`update guard_taken set taken_at = taken_at - interval '3 days' where service_id = $1`, [
      serviceId,
    ]);

    expect(await guardRoom(store.db, serviceId, 'removal')).toBe(6);
  });

  test('a removal that was foreseen as a disable stays staged', async () => {
    const { serviceId, users } = await crowd(30, { on_loss: 'disable' });
    await deactivate(users, { serviceId });

    const answers = await askAll({ serviceId, users }, 'removal');

    expect(new Set(answers)).toEqual(new Set(['staged']));
    expect((await listStaged(store.db, { serviceId, limit: 100 })).map((row) => row.kind)).toEqual(
      Array(30).fill('removal'),
    );
  });

  test('who approved a disable has not approved a removal', async () => {
    const { serviceId, users } = await crowd(30, { on_loss: 'disable' });
    await deactivate(users, { serviceId });
    const { changeId } = await approveStaged(store.db, { serviceId, ids: 'all', actor: 'client:test' });
    await expandChange(store.db, changeId ?? 0, { groupRules: () => undefined });

    expect(await ask({ serviceId, userId: users[0] ?? '', kind: 'disable' })).toBe('allowed');
    await askAll({ serviceId, users: users.slice(1, 11) }, 'removal');
    expect(await ask({ serviceId, userId: users[11] ?? '', kind: 'removal' })).toBe('staged');
  });

  test('a removal counted as a disable is confirmed too', async () => {
    const { serviceId, users } = await crowd(3, { on_loss: 'disable' });
    await deactivate(users.slice(0, 1), { serviceId });

    await confirmTaking(store.db, { serviceId, userId: users[0] ?? '' }, ['removal']);

    const open = await store.db.query(`select from guard_taken where service_id = $1 and done_at is null`, [serviceId]);
    expect(open.rowCount).toBe(0);
  });
});

describe('the guard before a change', () => {
  test('thirty per cent missing in one roster are all staged, and nobody is taken', async () => {
    const { serviceId, users } = await crowd(100);

    await deactivate(users.slice(0, 30), { serviceId });

    expect(await takenOn(serviceId)).toBe(0);
    expect(await listStaged(store.db, { serviceId, limit: 100 })).toHaveLength(30);
    expect(new Set(await askAll({ serviceId, users: users.slice(0, 30) }))).toEqual(new Set(['staged']));
  });

  test('asked one by one, ten of the thirty would be gone', async () => {
    // The negative control: the same people without the look at the whole change.
    const { serviceId, users } = await crowd(100);

    const answers = await askAll({ serviceId, users: users.slice(0, 30) });

    expect(answers.filter((answer) => answer === 'allowed')).toHaveLength(10);
  });

  test('nobody begins with it before it was looked at as a whole', async () => {
    const { serviceId, users } = await crowd(100);
    const leavers = users.slice(0, 30);
    await store.db.query(`update users set active = false where id = any($1::uuid[])`, [leavers]);
    const changeId = await commitChange(store.db, {
      kind: 'people',
      subject: { serviceId },
      users: leavers,
      reasons: ['validateUser'],
    });

    expect(await ask({ serviceId, userId: leavers[0] ?? '' })).toBe('wait');
    expect(await ask({ serviceId, userId: users[50] ?? '' })).toBe('allowed');
    await expandChange(store.db, changeId, { groupRules: () => undefined });

    expect(await ask({ serviceId, userId: leavers[0] ?? '' })).toBe('staged');
  });

  test('a small change is taken', async () => {
    const { serviceId, users } = await crowd(100);

    await deactivate(users.slice(0, 5), { serviceId });

    expect(await takenOn(serviceId)).toBe(5);
    expect(await listStaged(store.db, { serviceId, limit: 100 })).toEqual([]);
  });

  test('while thirty are staged a single leaver still goes', async () => {
    const { serviceId, users } = await crowd(100);
    await deactivate(users.slice(0, 30), { serviceId });

    await deactivate(users.slice(50, 51), { serviceId });

    expect(await ask({ serviceId, userId: users[50] ?? '' })).toBe('allowed');
  });

  test('a repeated roster stages nobody again', async () => {
    const { serviceId, users } = await crowd(100);
    await deactivate(users.slice(0, 30), { serviceId });
    const before = await listStaged(store.db, { serviceId, show: 'all', limit: 100 });

    await deactivate(users.slice(0, 30), { serviceId });

    expect(await listStaged(store.db, { serviceId, show: 'all', limit: 100 })).toEqual(before);
  });

  test('of two changes at the same time that are too much together one is staged', async () => {
    const { serviceId, users } = await crowd(100);
    await store.db.query(`update users set active = false where id = any($1::uuid[])`, [users]);
    const change = { kind: 'people', subject: { serviceId }, reasons: ['validateUser'] } as const;

    await Promise.all([
      makeChange(store.db, { ...change, users: users.slice(0, 8) }),
      makeChange(store.other, { ...change, users: users.slice(8, 16) }),
    ]);

    // Eight fit below the limit of ten, sixteen do not: one of the two was taken, the other staged.
    expect(await takenOn(serviceId)).toBe(8);
    expect(await listStaged(store.db, { serviceId, limit: 100 })).toHaveLength(8);
  });

  test('the summary counts what waits, by kind', async () => {
    const { serviceId, users } = await crowd(30);
    await deactivate(users, { serviceId });

    const summary = (await stagedSummaries(store.db)).find((row) => row.serviceId === serviceId);

    expect(summary).toMatchObject({
      count: 30,
      removals: 30,
      disables: 0,
      groupRemovals: 0,
      oldestAt: expect.any(Date),
    });
  });
});
