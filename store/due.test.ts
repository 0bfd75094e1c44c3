import { addAccount, addService, addUser, addUsers, openTestStore } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { dueAccounts, dueCounts, dueRemoteGroups } from './due';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const DUE = { wanted_version: 2, applied_version: 1, due_reasons: ['updateGroups'] };

async function dueOn(serviceId: string): Promise<readonly string[]> {
  const due = await dueAccounts(store.db, { limit: 1_000 });
  return due.filter((row) => row.serviceId === serviceId).map((row) => row.userId);
}

async function account(serviceId: string, columns: Readonly<Record<string, unknown>>): Promise<string> {
  const userId = await addUser(store.db);
  await addAccount(store.db, { serviceId, userId }, columns);
  return userId;
}

async function addSync(serviceId: string, status: string): Promise<void> {
  await store.db.query(
    `insert into syncs (id, service_id, kind, status, actor, workflow_id) values (gen_random_uuid(), $1, 'groups', $2, 'client:test', 'none')`,
    [serviceId, status],
  );
}

describe('what is due', () => {
  test('an account is due while its versions differ, with its reasons', async () => {
    const serviceId = await addService(store.db, { name: 'chat' });
    await account(serviceId, {});
    const userId = await account(serviceId, DUE);

    const due = await dueAccounts(store.db, { limit: 10 });

    expect(due.filter((row) => row.serviceId === serviceId)).toEqual([
      { serviceId, service: 'chat', userId, reasons: ['updateGroups'] },
    ]);
  });

  test('a next try that lies ahead keeps an account back, a past one does not', async () => {
    const serviceId = await addService(store.db);
    await account(serviceId, { ...DUE, next_try: 'infinity', attention: 'rejected' });
    await account(serviceId, { ...DUE, next_try: new Date(Date.now() + 60_000), attention: 'waiting' });
    const past = await account(serviceId, { ...DUE, next_try: new Date(Date.now() - 60_000), attention: 'waiting' });

    expect(await dueOn(serviceId)).toEqual([past]);
  });

  test('a leased account is left to its writer until the lease expires', async () => {
    const serviceId = await addService(store.db);
    await account(serviceId, { ...DUE, lease_holder: 'somebody', lease_until: new Date(Date.now() + 60_000) });
    const abandoned = await account(serviceId, {
      ...DUE,
      lease_holder: 'somebody',
      lease_until: new Date(Date.now() - 1),
    });

    expect(await dueOn(serviceId)).toEqual([abandoned]);
  });

  test.each([
    ['paused', { paused_reason: 'operator' }],
    ['blocked', { blocked_until: new Date(Date.now() + 60_000) }],
  ])('nothing is due on a %s service', async (_word, columns) => {
    const serviceId = await addService(store.db, columns);
    await account(serviceId, DUE);

    expect(await dueOn(serviceId)).toEqual([]);
    expect((await dueCounts(store.db)).map((count) => count.serviceId)).not.toContain(serviceId);
  });

  test('a block that has passed blocks nothing', async () => {
    const serviceId = await addService(store.db, { blocked_until: new Date(Date.now() - 1) });
    const userId = await account(serviceId, DUE);

    expect(await dueOn(serviceId)).toEqual([userId]);
  });

  test.each([
    ['staging', 0],
    ['running', 0],
    ['queued', 1],
    ['succeeded', 1],
  ])('a service with a %s sync has %i due accounts', async (status, expected) => {
    const serviceId = await addService(store.db);
    await account(serviceId, DUE);
    await addSync(serviceId, status);

    expect(await dueOn(serviceId)).toHaveLength(expected);
  });

  test('each service gives at most the limit and hides no other', async () => {
    const crowded = await addService(store.db);
    const small = await addService(store.db);
    for (let index = 0; index < 4; index += 1) await account(crowded, DUE);
    const userId = await account(small, DUE);

    const due = await dueAccounts(store.db, { limit: 3 });

    expect(due.filter((row) => row.serviceId === crowded)).toHaveLength(3);
    expect(due.filter((row) => row.serviceId === small).map((row) => row.userId)).toEqual([userId]);
    expect(await dueCounts(store.db)).toEqual(
      expect.arrayContaining([expect.objectContaining({ serviceId: crowded, due: 4 })]),
    );
  });

  test('remote groups are due also while a sync of their service runs', async () => {
    const serviceId = await addService(store.db, { membership: 'by account' });
    await addSync(serviceId, 'running');
    await addRemoteGroups(serviceId);

    const due = await dueRemoteGroups(store.db, 10);

    expect(due.filter((row) => row.serviceId === serviceId)).toHaveLength(1);
  });

  test('a service without groups has no due remote groups', async () => {
    const serviceId = await addService(store.db, { membership: 'none' });
    await addRemoteGroups(serviceId);

    const due = await dueRemoteGroups(store.db, 10);

    expect(due.filter((row) => row.serviceId === serviceId)).toEqual([]);
  });

  test('finding the due few among 100,000 accounts reads only the due index', async () => {
    const serviceId = await addService(store.db);
    await addUsers(store.db, 100_000);
    await store.db.query(
      `insert into accounts (service_id, user_id, username, status, wanted_version, applied_version)
       select $1, id, username, 'active', 1, 1 from users`,
      [serviceId],
    );
    await store.db.query(
      `update accounts set wanted_version = 2 where service_id = $1 and user_id in (select id from users order by id limit 5)`,
      [serviceId],
    );
    await store.db.query(`analyze accounts`);
    let queried = '';
    const recording = { query: (text: string) => ((queried = text), store.db.query(`select 1 where false`)) };
    await dueAccounts(recording as typeof store.db, { limit: 10 });

    const plan = await store.db.query<{ 'QUERY PLAN': string }>(
      `explain (analyze, timing off) ${queried.replace('$1', '10')}`,
    );

    const text = plan.rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(text).toContain('accounts_due');
    expect(text).not.toContain('Seq Scan on accounts');
    expect(await dueOn(serviceId)).toHaveLength(5);
  });
});

async function addRemoteGroups(serviceId: string): Promise<void> {
  await store.db.query(
    `insert into remote_groups (id, service_id, origin, name, wanted_version, applied_version)
     values (gen_random_uuid(), $1, 'group:due', 'due', 2, 1), (gen_random_uuid(), $1, 'group:done', 'done', 2, 2)`,
    [serviceId],
  );
}
