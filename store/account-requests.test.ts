import { randomUUID } from 'node:crypto';

import { accountRow, addAccount, addGrant, addService, addUser, openTestStore } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { requestAccount } from './account-requests';
import type { AccountRequest } from './account-requests';
import { readOperation } from './operations';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

async function entitledPerson(
  columns: Parameters<typeof addService>[1] = {},
): Promise<{ serviceId: string; userId: string }> {
  const serviceId = await addService(store.db, { begins: 'on request', ...columns });
  const userId = await addUser(store.db);
  await addGrant(store.db, serviceId, { user_id: userId });
  return { serviceId, userId };
}

function ask(request: Pick<AccountRequest, 'serviceId' | 'userId' | 'kind'> & Partial<AccountRequest>) {
  return requestAccount(store.db, { actor: 'client:test', ...request });
}

describe('requests for one account', () => {
  test('asking for an account makes its row, wanted and due', async () => {
    const person = await entitledPerson();

    const { operationId, version } = await ask({ ...person, kind: 'createAccount', reason: 'wants it' });

    const row = await accountRow(store.db, person.serviceId, person.userId);
    expect(row).toMatchObject({
      status: 'none',
      choice: 'wanted',
      wanted_version: version,
      due_reasons: ['createAccount'],
    });
    expect(await readOperation(store.db, operationId)).toMatchObject({
      kind: 'createAccount',
      status: 'running',
      version,
      reason: 'wants it',
    });
  });

  test('the operation names the workflow of the account', async () => {
    const person = await entitledPerson({ name: 'wiki' });

    const { operationId } = await ask({ ...person, kind: 'createAccount' });

    expect(await readOperation(store.db, operationId)).toMatchObject({
      service: 'wiki',
      workflowId: `account/wiki/${person.userId}`,
    });
  });

  test('a person without the right gets no account and leaves no trace', async () => {
    const serviceId = await addService(store.db);
    const userId = await addUser(store.db);

    await expect(ask({ serviceId, userId, kind: 'createAccount' })).rejects.toMatchObject({ code: 'not-entitled' });

    const rows = await store.db.query(
      `select user_id from accounts where user_id = $1 union select user_id from operations where user_id = $1`,
      [userId],
    );
    expect(rows.rows).toEqual([]);
  });

  test.each([
    [
      'service-disabled',
      async (p: { serviceId: string }) =>
        store.db.query(`update services set enabled = false where id = $1`, [p.serviceId]),
    ],
    [
      'user-inactive',
      async (p: { userId: string }) => store.db.query(`update users set active = false where id = $1`, [p.userId]),
    ],
    ['not-found', async (p: { userId: string }) => store.db.query(`delete from users where id = $1`, [p.userId])],
  ])('createAccount is refused as %s', async (code, alter) => {
    const person = await entitledPerson();
    await alter({ ...person });

    await expect(ask({ ...person, kind: 'createAccount' })).rejects.toMatchObject({ code });
  });

  test.each(['updateGroups', 'updateProfile', 'syncNickname', 'validateUser', 'retry'] as const)(
    '%s without an account is refused',
    async (kind) => {
      const person = await entitledPerson();

      await expect(ask({ ...person, kind })).rejects.toMatchObject({ code: 'no-account' });
    },
  );

  test('removing what is not there succeeds at once', async () => {
    const person = await entitledPerson();

    const answer = await ask({ ...person, kind: 'deleteAccount' });

    expect(answer).toMatchObject({ version: null, due: false });
    expect(await readOperation(store.db, answer.operationId)).toMatchObject({
      status: 'succeeded',
      outcome: 'nothing there',
    });
  });

  test('removing an account that is being created waits for the convergence', async () => {
    const person = await entitledPerson();
    await ask({ ...person, kind: 'createAccount' });

    const answer = await ask({ ...person, kind: 'deleteAccount' });

    expect(answer.due).toBe(true);
    expect(await accountRow(store.db, person.serviceId, person.userId)).toMatchObject({
      choice: 'declined',
      due_reasons: expect.arrayContaining(['createAccount', 'deleteAccount']),
    });
  });

  test('a person who leaves by themselves is not told of it', async () => {
    const person = await entitledPerson();
    await addAccount(store.db, person);

    await ask({ ...person, kind: 'deleteAccount', actor: `user:${person.userId}` });

    expect(await accountRow(store.db, person.serviceId, person.userId)).toMatchObject({ notify_user: false });
  });

  test('asking by hand clears a waiting time and a refusal', async () => {
    const person = await entitledPerson();
    await addAccount(store.db, person, {
      attention: 'waiting',
      next_try: 'infinity',
      wanted_version: 2,
      due_reasons: ['updateGroups'],
    });

    await ask({ ...person, kind: 'retry' });

    expect(await accountRow(store.db, person.serviceId, person.userId)).toMatchObject({
      next_try: null,
      attention: null,
      due_reasons: ['updateGroups'],
    });
  });

  test('two requests at the same time get two versions, the row the higher', async () => {
    const person = await entitledPerson();
    await addAccount(store.db, person);

    const answers = await Promise.all([
      requestAccount(store.db, { ...person, kind: 'updateGroups', actor: 'client:test' }),
      requestAccount(store.other, { ...person, kind: 'updateProfile', actor: 'client:test' }),
    ]);

    const versions = answers.map((answer) => answer.version ?? 0);
    const row = await accountRow(store.db, person.serviceId, person.userId);
    expect(new Set(versions).size).toBe(2);
    expect(row['wanted_version']).toBe(Math.max(...versions));
    expect(row['due_reasons']).toEqual(expect.arrayContaining(['updateGroups', 'updateProfile']));
  });

  test('an unknown service is not found', async () => {
    await expect(ask({ serviceId: randomUUID(), userId: randomUUID(), kind: 'createAccount' })).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});
