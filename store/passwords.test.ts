import { addAccount, addGrant, addService, addUser, openTestStore } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { requestAccount } from './account-requests';
import { readOperation } from './operations';
import { claimSecret, expirePasswords, passwordApplied, wantedPassword } from './passwords';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

interface Person {
  readonly serviceId: string;
  readonly userId: string;
}

async function personWithAccount(): Promise<Person> {
  const serviceId = await addService(store.db);
  const userId = await addUser(store.db);
  await addGrant(store.db, serviceId, { user_id: userId });
  await addAccount(store.db, { serviceId, userId });
  return { serviceId, userId };
}

async function reset(person: Person, sealed: string): Promise<string> {
  const password = { sealed: Buffer.from(sealed), generated: true };
  const asked = await requestAccount(store.db, { ...person, kind: 'resetPassword', actor: 'client:test', password });
  return asked.operationId;
}

async function rowOf(operationId: string): Promise<Record<string, unknown> | undefined> {
  return (await store.db.query(`select status, sealed from password_requests where operation_id = $1`, [operationId]))
    .rows[0];
}

function age(operationId: string, column: 'created_at' | 'applied_at', interval: string) {
  return store.db.query(
    `update password_requests set ${column} = clock_timestamp() - $2::interval where operation_id = $1`,
    [operationId, interval],
  );
}

describe('passwords that are asked for', () => {
  test('a password is wanted, the same on every retry, until it is applied', async () => {
    const person = await personWithAccount();
    const operationId = await reset(person, 'one');

    expect(await wantedPassword(store.db, person.serviceId, person.userId)).toEqual({
      operationId,
      sealed: Buffer.from('one'),
      generated: true,
    });
    expect(await wantedPassword(store.db, person.serviceId, person.userId)).toEqual({
      operationId,
      sealed: Buffer.from('one'),
      generated: true,
    });
    expect(await passwordApplied(store.db, operationId)).toBe(true);
    expect(await wantedPassword(store.db, person.serviceId, person.userId)).toBeUndefined();
  });

  test('a newer password supersedes the older, whose text is erased', async () => {
    const person = await personWithAccount();
    const older = await reset(person, 'older');
    const newer = await reset(person, 'newer');

    expect(await wantedPassword(store.db, person.serviceId, person.userId)).toMatchObject({ operationId: newer });
    expect(await rowOf(older)).toEqual({ status: 'superseded', sealed: null });
    expect(await readOperation(store.db, older)).toMatchObject({ status: 'superseded' });
    await expect(claimSecret(store.db, older)).rejects.toMatchObject({ code: 'secret-gone' });
  });

  test('a password that was superseded during its call does not count as applied', async () => {
    const person = await personWithAccount();
    const older = await reset(person, 'older');
    await reset(person, 'newer');

    expect(await passwordApplied(store.db, older)).toBe(false);
  });

  test('an applied password nobody has claimed is never shown once a newer is asked for', async () => {
    const person = await personWithAccount();
    const older = await reset(person, 'older');
    await passwordApplied(store.db, older);
    await reset(person, 'newer');

    await expect(claimSecret(store.db, older)).rejects.toMatchObject({ code: 'secret-gone' });
  });

  test('of many requests at the same time exactly one stays wanted', async () => {
    const person = await personWithAccount();
    const password = { sealed: Buffer.from('x'), generated: true };
    const ask = (db: TestStore['db']) =>
      requestAccount(db, { ...person, kind: 'resetPassword', actor: 'client:test', password });

    await Promise.all([1, 2, 3].flatMap(() => [ask(store.db), ask(store.other)]));

    const counted = await store.db.query(
      `select status, count(*)::integer as n from password_requests where user_id = $1 group by 1 order by 1`,
      [person.userId],
    );
    expect(counted.rows).toEqual([
      { status: 'superseded', n: 5 },
      { status: 'wanted', n: 1 },
    ]);
  });

  test('a password needs an account', async () => {
    const serviceId = await addService(store.db);
    const userId = await addUser(store.db);
    await addGrant(store.db, serviceId, { user_id: userId });

    await expect(reset({ serviceId, userId }, 'x')).rejects.toMatchObject({ code: 'no-account' });
  });
});

describe('the claim of a secret', () => {
  test('a secret is not there before it is applied', async () => {
    const operationId = await reset(await personWithAccount(), 'x');

    await expect(claimSecret(store.db, operationId)).rejects.toMatchObject({ code: 'secret-not-ready' });
  });

  test('of two who claim at the same time one gets it', async () => {
    const operationId = await reset(await personWithAccount(), 'secret');
    await passwordApplied(store.db, operationId);

    const claims = await Promise.allSettled([
      claimSecret(store.db, operationId),
      claimSecret(store.other, operationId),
    ]);

    const shown = claims.filter((claim) => claim.status === 'fulfilled');
    expect(shown).toEqual([{ status: 'fulfilled', value: { sealed: Buffer.from('secret') } }]);
    expect(claims.find((claim) => claim.status === 'rejected')).toMatchObject({ reason: { code: 'secret-gone' } });
    expect(await rowOf(operationId)).toEqual({ status: 'claimed', sealed: null });
  });

  test('two readers without the row lock would both get it', async () => {
    // The negative control: reading and erasing apart lets both through.
    const operationId = await reset(await personWithAccount(), 'secret');
    await passwordApplied(store.db, operationId);
    const read = `select sealed from password_requests where operation_id = $1 and status = 'applied'`;

    const [first, second] = await Promise.all([
      store.db.query(read, [operationId]),
      store.other.query(read, [operationId]),
    ]);

    expect([first.rows.length, second.rows.length]).toEqual([1, 1]);
  });

  test('a secret is gone 15 minutes after it was applied', async () => {
    const operationId = await reset(await personWithAccount(), 'x');
    await passwordApplied(store.db, operationId);
    await age(operationId, 'applied_at', '15 minutes 1 second');

    await expect(claimSecret(store.db, operationId)).rejects.toMatchObject({
      code: 'secret-gone',
      message: expect.stringContaining('15 minutes'),
    });
    expect(await rowOf(operationId)).toEqual({ status: 'expired', sealed: null });
  });

  test('a secret can be claimed just before its 15 minutes are over', async () => {
    const operationId = await reset(await personWithAccount(), 'x');
    await passwordApplied(store.db, operationId);
    await age(operationId, 'applied_at', '14 minutes 50 seconds');

    expect(await claimSecret(store.db, operationId)).toEqual({ sealed: Buffer.from('x') });
  });

  test('a password that the person chose is erased when applied and never shown', async () => {
    const person = await personWithAccount();
    const password = { sealed: Buffer.from('chosen'), generated: false };
    const { operationId } = await requestAccount(store.db, {
      ...person,
      kind: 'setPassword',
      actor: 'client:test',
      password,
    });
    await passwordApplied(store.db, operationId);

    expect(await rowOf(operationId)).toEqual({ status: 'applied', sealed: null });
    await expect(claimSecret(store.db, operationId)).rejects.toMatchObject({ code: 'secret-gone' });
  });

  test('an operation without a password has no secret', async () => {
    const { operationId } = await requestAccount(store.db, {
      ...(await personWithAccount()),
      kind: 'updateGroups',
      actor: 'client:test',
    });

    await expect(claimSecret(store.db, operationId)).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('passwords that had their time', () => {
  test('a password not set within 24 hours has failed and is erased', async () => {
    const late = await reset(await personWithAccount(), 'late');
    const fresh = await reset(await personWithAccount(), 'fresh');
    await age(late, 'created_at', '24 hours 1 second');

    await expirePasswords(store.db);

    expect(await rowOf(late)).toEqual({ status: 'failed', sealed: null });
    expect(await readOperation(store.db, late)).toMatchObject({ status: 'failed' });
    expect(await rowOf(fresh)).toMatchObject({ status: 'wanted', sealed: Buffer.from('fresh') });
  });

  test('what nobody claimed is erased without anybody asking', async () => {
    const operationId = await reset(await personWithAccount(), 'x');
    await passwordApplied(store.db, operationId);
    await age(operationId, 'applied_at', '16 minutes');

    await expirePasswords(store.db);

    expect(await rowOf(operationId)).toEqual({ status: 'expired', sealed: null });
  });

  test('a removal withdraws the password that was still to be set', async () => {
    const person = await personWithAccount();
    const operationId = await reset(person, 'x');

    await requestAccount(store.db, { ...person, kind: 'deleteAccount', actor: 'client:test' });

    expect(await rowOf(operationId)).toEqual({ status: 'failed', sealed: null });
    expect(await wantedPassword(store.db, person.serviceId, person.userId)).toBeUndefined();
  });
});
