import {
  addAccount,
  addAccounts,
  addGrant,
  addGroup,
  addService,
  addUser,
  addUsers,
  commitChange,
  makeChange,
  openTestStore,
} from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { requestAccount } from './account-requests';
import type { NewChange } from './changes';
import { listOperations, operationEvents, readOperation, settleChangeOperations, waitForOperation } from './operations';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

async function operationOf(changeId: number): Promise<string> {
  const found = await store.db.query<{ id: string }>(`select id from operations where change_id = $1`, [changeId]);
  return found.rows[0]?.id ?? '';
}

interface Crowd {
  readonly serviceId: string;
  readonly users: readonly string[];
  readonly operationId: string;
}

/** A change of these people, expanded: their accounts are due. */
async function changedCrowd(number: number): Promise<Crowd> {
  const serviceId = await addService(store.db, { begins: 'on request' });
  const users = await addUsers(store.db, number);
  await addAccounts(store.db, serviceId, users);
  return {
    serviceId,
    users,
    operationId: await operationOf(await makeChange(store.db, { kind: 'people', subject: { serviceId }, users })),
  };
}

/** As a convergence leaves these accounts. */
function converge(users: readonly string[], columns = `applied_version = wanted_version`) {
  return store.db.query(`update accounts set ${columns} where user_id = any($1::uuid[])`, [users]);
}

describe('the operation of a change', () => {
  test('it has succeeded when every account has seen the change', async () => {
    const { users, operationId } = await changedCrowd(3);

    await converge(users.slice(0, 2));
    const halfway = await readOperation(store.db, operationId);
    await converge(users);
    const done = await readOperation(store.db, operationId);

    expect(halfway).toMatchObject({ status: 'running', progress: { accounts: 3, done: 2 } });
    expect(done).toMatchObject({
      status: 'succeeded',
      progress: { accounts: 3, done: 3 },
      outcome: 'accounts: 3 up to date',
    });
  });

  test('it runs until the change is expanded, even with nothing due', async () => {
    const serviceId = await addService(store.db);
    const userId = await addUser(store.db);
    await addAccount(store.db, { serviceId, userId });
    const operationId = await operationOf(
      await commitChange(store.db, { kind: 'people', subject: { userId }, users: [userId] }),
    );

    expect(await readOperation(store.db, operationId)).toMatchObject({ status: 'running' });
  });

  test('a change that concerns no account has succeeded once expanded', async () => {
    const userId = await addUser(store.db);
    const operationId = await operationOf(
      await makeChange(store.db, { kind: 'people', subject: { userId }, users: [userId] }),
    );

    expect(await readOperation(store.db, operationId)).toMatchObject({
      status: 'succeeded',
      outcome: 'no account is concerned',
    });
  });

  test('a later change of the same people does not keep it open', async () => {
    const { serviceId, users, operationId } = await changedCrowd(2);
    await converge(users);

    await makeChange(store.db, { kind: 'people', subject: { serviceId }, users });

    expect(await readOperation(store.db, operationId)).toMatchObject({ status: 'succeeded' });
  });

  test.each([
    ['rejected', 'infinity', 'failed', { failed: 1 }],
    ['staged', 'infinity', 'waiting', { staged: 1 }],
    ['action required', 'infinity', 'waiting', { waiting: 1 }],
    ['waiting', '2999-01-01', 'waiting', { waiting: 1 }],
  ])('with only a %s account left open until %s it is %s', async (...[attention, nextTry, status, progress]) => {
    const { users, operationId } = await changedCrowd(3);
    await converge(users.slice(1));
    await converge(users.slice(0, 1), `attention = '${attention}', next_try = '${nextTry}'`);

    expect(await readOperation(store.db, operationId)).toMatchObject({
      status,
      progress: { accounts: 3, done: 2, ...progress },
    });
  });

  test.each([
    ['group', (facts: { groupId: string }) => ({ groupId: facts.groupId })],
    [
      'grant',
      (facts: { groupId: string; serviceId: string }) => ({ groupId: facts.groupId, serviceId: facts.serviceId }),
    ],
    ['grant', (facts: { userId: string; serviceId: string }) => ({ userId: facts.userId, serviceId: facts.serviceId })],
    ['state', (facts: { serviceId: string }) => ({ serviceId: facts.serviceId })],
    ['service', (facts: { serviceId: string }) => ({ serviceId: facts.serviceId })],
  ] as const)('the change of a %s finds the accounts it concerns', async (kind, subjectOf) => {
    const serviceId = await addService(store.db, { begins: 'on request' });
    const userId = await addUser(store.db);
    const groupId = await addGroup(store.db, [userId]);
    await addAccount(store.db, { serviceId, userId });
    const subject: NewChange['subject'] = subjectOf({ groupId, userId, serviceId });
    const operationId = await operationOf(await makeChange(store.db, { kind, subject }));

    expect(await readOperation(store.db, operationId)).toMatchObject({
      status: 'running',
      progress: { accounts: 1, done: 0 },
    });
    await converge([userId]);
    expect(await readOperation(store.db, operationId)).toMatchObject({
      status: 'succeeded',
      progress: { accounts: 1, done: 1 },
    });
  });

  test('the sweep writes down what has ended, and leaves open what has not', async () => {
    await settleChangeOperations(store.db);
    const done = await changedCrowd(2);
    const refused = await changedCrowd(2);
    const open = await changedCrowd(2);
    await converge(done.users);
    await converge(refused.users, `attention = 'rejected', next_try = 'infinity'`);

    expect(await settleChangeOperations(store.db)).toBe(2);

    const listed = await listOperations(store.db, { limit: 10 });
    const statusOf = (id: string) => listed.find((operation) => operation.id === id)?.status;
    expect([statusOf(done.operationId), statusOf(refused.operationId), statusOf(open.operationId)]).toEqual([
      'succeeded',
      'failed',
      'running',
    ]);
    expect(await readOperation(store.db, refused.operationId)).toMatchObject({
      detail: { progress: { failed: 2 } },
      finishedAt: expect.any(Date),
    });
  });

  test('the sweep gives every open operation its turn', async () => {
    await settleChangeOperations(store.db);
    await changedCrowd(1);
    const { users, operationId } = await changedCrowd(1);
    await converge(users);
    const open = await store.db.query(
      `select from operations where change_id is not null and status in ('running', 'waiting')`,
    );

    let ended = 0;
    for (let turn = 0; turn < (open.rowCount ?? 0); turn += 1) ended += await settleChangeOperations(store.db, 1);

    expect(ended).toBe(1);
    expect((await store.db.query(`select status from operations where id = $1`, [operationId])).rows).toEqual([
      { status: 'succeeded' },
    ]);
  });
});

describe('waiting for an operation', () => {
  async function runningOperation(): Promise<{ operationId: string; userId: string }> {
    const serviceId = await addService(store.db);
    const userId = await addUser(store.db);
    await addGrant(store.db, serviceId, { user_id: userId });
    const { operationId } = await requestAccount(store.db, {
      serviceId,
      userId,
      kind: 'createAccount',
      actor: 'client:test',
    });
    return { operationId, userId };
  }

  test('it answers as soon as the operation has ended', async () => {
    const { operationId } = await runningOperation();
    const begun = performance.now();
    const waiting = waitForOperation(store.db, operationId, { timeoutMs: 30_000 });

    await store.other.query(`update operations set status = 'succeeded' where id = $1`, [operationId]);

    expect(await waiting).toMatchObject({ status: 'succeeded' });
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  test('after the timeout it answers with what is there', async () => {
    const { operationId } = await runningOperation();

    expect(await waitForOperation(store.db, operationId, { timeoutMs: 120 })).toMatchObject({ status: 'running' });
  });

  test('a caller who has gone ends the waiting', async () => {
    const { operationId } = await runningOperation();
    const gone = new AbortController();
    const waiting = waitForOperation(store.db, operationId, { timeoutMs: 30_000, signal: gone.signal });

    gone.abort();

    expect(await waiting).toMatchObject({ status: 'running' });
  });

  test('nothing is answered for an operation that is not there', async () => {
    expect(
      await waitForOperation(store.db, '00000000-0000-7000-8000-000000000000', { timeoutMs: 30_000 }),
    ).toBeUndefined();
  });
});

describe('lists of operations', () => {
  test('pages go from the newest to the oldest without gaps', async () => {
    const serviceId = await addService(store.db, { hook_decides: true });
    const made: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const asked = await requestAccount(store.db, {
        serviceId,
        userId: await addUser(store.db),
        kind: 'createAccount',
        actor: 'client:test',
      });
      made.unshift(asked.operationId);
    }

    const first = await listOperations(store.db, { serviceId, limit: 2 });
    const rest = await listOperations(store.db, { serviceId, after: first.at(-1)?.id, limit: 10 });

    expect([...first, ...rest].map((operation) => operation.id)).toEqual(made);
  });

  test('operations are found by service, person, status and kind', async () => {
    const serviceId = await addService(store.db, { hook_decides: true });
    const userId = await addUser(store.db);
    const wanted = await requestAccount(store.db, { serviceId, userId, kind: 'createAccount', actor: 'client:test' });
    await requestAccount(store.db, {
      serviceId,
      userId: await addUser(store.db),
      kind: 'createAccount',
      actor: 'client:test',
    });

    const found = await listOperations(store.db, {
      serviceId,
      userId,
      status: 'running',
      kind: 'createAccount',
      limit: 10,
    });

    expect(found.map((operation) => operation.id)).toEqual([wanted.operationId]);
    expect(await listOperations(store.db, { userId, kind: 'deleteAccount', limit: 10 })).toEqual([]);
  });

  test('the steps of an operation are those of its account while it was open', async () => {
    const serviceId = await addService(store.db, { hook_decides: true });
    const userId = await addUser(store.db);
    const log = (step: string) =>
      store.db.query(`insert into events (service_id, user_id, step) values ($1, $2, $3)`, [serviceId, userId, step]);
    await log('before');
    const { operationId } = await requestAccount(store.db, {
      serviceId,
      userId,
      kind: 'createAccount',
      actor: 'client:test',
    });
    await log('during');

    const events = await operationEvents(store.db, operationId);

    expect(events.map((event) => event.step)).toEqual(['during']);
  });
});
