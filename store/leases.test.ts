import { accountRow, addAccount, addService, addUser, openTestStore } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import type { Queryable } from './database';
import { leaseRemainingMs, markForVerification, renewLease, takeLeases } from './leases';
import type { Lease } from './leases';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

interface Person {
  readonly serviceId: string;
  readonly userId: string;
}

async function person(): Promise<Person> {
  const serviceId = await addService(store.db);
  const userId = await addUser(store.db);
  await addAccount(store.db, { serviceId, userId });
  return { serviceId, userId };
}

async function take(db: Queryable, { serviceId, userId }: Person, holder: string): Promise<Lease | undefined> {
  const [lease] = await takeLeases(db, { serviceId, userIds: [userId], holder, leaseMs: 60_000 });
  return lease;
}

function expire({ serviceId, userId }: Person) {
  return store.db.query(
    `update accounts set lease_until = clock_timestamp() - interval '1 ms' where service_id = $1 and user_id = $2`,
    [serviceId, userId],
  );
}

describe('the lease of an account', () => {
  test('of two takers at the same time one wins', async () => {
    for (let round = 0; round < 20; round += 1) {
      const account = await person();

      const taken = await Promise.all([take(store.db, account, 'first'), take(store.other, account, 'second')]);

      expect(taken.filter((lease) => lease !== undefined)).toHaveLength(1);
    }
  });

  test('two takers who look first and write then both win', async () => {
    // The negative control: without the lock of the row, looking and taking apart, both think they are alone.
    const account = await person();
    const values = [account.serviceId, account.userId];
    const isFree = `select from accounts where service_id = $1 and user_id = $2 and lease_until is null`;
    const [first, second] = await Promise.all([store.db.query(isFree, values), store.other.query(isFree, values)]);
    const write = `update accounts set lease_holder = $3, lease_until = clock_timestamp() + interval '1 minute'
      where service_id = $1 and user_id = $2`;

    const written = await Promise.all([
      first.rowCount === 1 && store.db.query(write, [...values, 'first']),
      second.rowCount === 1 && store.other.query(write, [...values, 'second']),
    ]);

    expect(written.filter((result) => result && result.rowCount === 1)).toHaveLength(2);
  });

  test('many takers of overlapping accounts share them without meeting', async () => {
    const serviceId = await addService(store.db);
    const userIds: string[] = [];
    for (let index = 0; index < 30; index += 1) {
      const userId = await addUser(store.db);
      await addAccount(store.db, { serviceId, userId });
      userIds.push(userId);
    }
    const request = { serviceId, leaseMs: 60_000 };

    const taken = await Promise.all(
      [0, 1, 2, 3].map((index) =>
        takeLeases(index % 2 === 0 ? store.db : store.other, {
          ...request,
          userIds: index < 2 ? userIds : userIds.toReversed(),
          holder: `holder ${index}`,
        }),
      ),
    );

    const all = taken.flat().map((lease) => lease.userId);
    expect(new Set(all).size).toBe(all.length);
  });

  test('a held lease is not taken by somebody else', async () => {
    const account = await person();
    await take(store.db, account, 'first');

    expect(await take(store.other, account, 'second')).toBeUndefined();
  });

  test('a holder who asks again gets a new fence', async () => {
    const account = await person();
    const before = await take(store.db, account, 'chunk 1');

    const again = await take(store.db, account, 'chunk 1');

    expect(again?.fence).toBeGreaterThan(before?.fence ?? Infinity);
  });

  test('an expired lease is taken over with a new fence', async () => {
    const account = await person();
    const lost = await take(store.db, account, 'first');
    await expire(account);

    const next = await take(store.other, account, 'second');

    expect(next?.fence).toBeGreaterThan(lost?.fence ?? Infinity);
    expect(await accountRow(store.db, account.serviceId, account.userId)).toMatchObject({ lease_holder: 'second' });
  });

  test('a lease is renewed only with its own fence', async () => {
    const account = await person();
    const lost = await take(store.db, account, 'first');
    await expire(account);
    const held = await take(store.other, account, 'second');
    if (lost === undefined || held === undefined) throw new Error('the leases were not taken');

    expect(await renewLease(store.db, lost, 60_000)).toBe(false);
    expect(await renewLease(store.other, held, 120_000)).toBe(true);
    expect(await leaseRemainingMs(store.db, account.serviceId, account.userId)).toBeGreaterThan(60_000);
  });

  test('a free account has no remaining lease', async () => {
    const account = await person();

    expect(await leaseRemainingMs(store.db, account.serviceId, account.userId)).toBe(0);
  });

  test('a lost fence marks the account for verification and makes it due', async () => {
    const account = await person();
    const lost = await take(store.db, account, 'first');
    if (lost === undefined) throw new Error('the lease was not taken');
    await expire(account);
    await take(store.other, account, 'second');

    await markForVerification(store.db, lost);

    const row = await accountRow(store.db, account.serviceId, account.userId);
    expect(row['verify']).toBe(true);
    expect(row['wanted_version']).not.toBe(row['applied_version']);
  });
});
