import { accountRow, addAccount, addService, addUser, openTestStore, unique } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { requestAccount } from './account-requests';
import { AccountWrites } from './account-writes';
import { takeLeases } from './leases';
import type { Lease } from './leases';
import { readOperation } from './operations';
import { FenceLost, recordFacts, releaseLease } from './settle';
import type { NewIntent, Release } from './settle';
import { readSituations } from './situations';
import type { AccountSituation } from './situations';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

interface Held {
  readonly serviceId: string;
  readonly userId: string;
  readonly lease: Lease;
  readonly situation: AccountSituation;
}

function intend({ lease }: Held, intent: NewIntent): Promise<void> {
  return new AccountWrites(store.db).intent(lease, intent, 'person');
}

async function heldAccount(columns: Readonly<Record<string, unknown>> = {}): Promise<Held> {
  const serviceId = await addService(store.db);
  const userId = await addUser(store.db);
  await addAccount(store.db, { serviceId, userId }, columns);
  await bump({ serviceId, userId });
  return { serviceId, userId, ...(await take(serviceId, userId, 'first')) };
}

async function take(serviceId: string, userId: string, holder: string): Promise<Pick<Held, 'lease' | 'situation'>> {
  const [lease] = await takeLeases(store.db, { serviceId, userIds: [userId], holder, leaseMs: 60_000 });
  const [situation] = await readSituations(store.db, serviceId, [userId]);
  if (lease === undefined || situation === undefined) throw new Error('the lease was not taken');
  return { lease, situation };
}

function bump({ serviceId, userId }: { readonly serviceId: string; readonly userId: string }) {
  return requestAccount(store.other, { serviceId, userId, kind: 'updateGroups', actor: 'client:test' });
}

/** Another process takes the lease over after it has run out. */
async function loseLease({ serviceId, userId }: Held): Promise<void> {
  await store.db.query(
    `update accounts set lease_until = clock_timestamp() - interval '1 ms' where service_id = $1 and user_id = $2`,
    [serviceId, userId],
  );
  await take(serviceId, userId, 'second');
}

function release(held: Held, changes: Partial<Release> = {}): Release {
  return {
    version: held.situation.version,
    reached: true,
    facts: {},
    did: [],
    outcome: 'done',
    attention: null,
    nextTryMs: null,
    failures: 0,
    error: null,
    ...changes,
  };
}

function rowOf(held: Held) {
  return accountRow(store.db, held.serviceId, held.userId);
}

describe('giving a lease back', () => {
  test('the release records the version, the facts and the outcome at once', async () => {
    const held = await heldAccount({ status: 'pending', remote_id: null });
    const remoteId = unique('id');

    const answer = await releaseLease(
      store.db,
      held.lease,
      release(held, { did: ['created'], facts: { status: 'active', remoteId } }),
    );

    expect(answer).toEqual({ changed: false });
    expect(await rowOf(held)).toMatchObject({
      status: 'active',
      remote_id: remoteId,
      applied_version: held.situation.version,
      lease_holder: null,
      due_reasons: [],
      last_outcome: 'done',
    });
  });

  test('a release with an old fence throws and records nothing', async () => {
    const held = await heldAccount();
    await loseLease(held);
    const before = await rowOf(held);

    const late = releaseLease(store.db, held.lease, release(held, { did: ['deleted'], facts: { status: 'removed' } }));

    await expect(late).rejects.toBeInstanceOf(FenceLost);
    expect(await rowOf(held)).toEqual(before);
    const events = await store.db.query(`select from events where user_id = $1`, [held.userId]);
    expect(events.rowCount).toBe(0);
  });

  test('a release that does not look at the fence frees the lease of another', async () => {
    // The negative control: the same statement without the fence.
    const held = await heldAccount();
    await loseLease(held);

    const freed = await store.db.query(
      `update accounts set lease_holder = null, lease_until = null where service_id = $1 and user_id = $2 and lease_holder is not null`,
      [held.serviceId, held.userId],
    );

    expect(freed.rowCount).toBe(1);
  });

  test('a lease cannot be given back twice', async () => {
    const held = await heldAccount();
    await releaseLease(store.db, held.lease, release(held));

    await expect(releaseLease(store.db, held.lease, release(held))).rejects.toBeInstanceOf(FenceLost);
  });

  test('a change during the call is told, and keeps the account due', async () => {
    const held = await heldAccount();
    await bump(held);

    const answer = await releaseLease(store.db, held.lease, release(held, { did: ['set groups'] }));

    expect(answer).toEqual({ changed: true });
    const row = await rowOf(held);
    expect(row['applied_version']).toBe(held.situation.version);
    expect(row['wanted_version']).not.toBe(held.situation.version);
    expect(row['due_reasons']).toEqual(['updateGroups']);
  });

  test('recording what is wanted at the release would lose a change during the call', async () => {
    // The negative control: the version must be the one that was read with the situation.
    const held = await heldAccount();
    await bump(held);
    const now = (await rowOf(held))['wanted_version'] as number;

    const answer = await releaseLease(store.db, held.lease, release(held, { version: now }));

    expect(answer).toEqual({ changed: false });
  });

  test.each([
    ['rejected', 'never', null],
    ['staged', 'never', null],
    ['waiting', 600_000, 'kept'],
  ] as const)('a change during a call that ends as %s leaves the next try %s', async (attention, nextTryMs, kept) => {
    const held = await heldAccount();
    await bump(held);

    await releaseLease(store.db, held.lease, release(held, { reached: false, attention, nextTryMs, failures: 1 }));

    const row = await rowOf(held);
    if (kept === null) expect(row).toMatchObject({ next_try: null, attention: null });
    else expect(row).toMatchObject({ next_try: expect.any(Date), attention: 'waiting' });
  });

  test('an account that did not get there keeps its reasons and its next try', async () => {
    const held = await heldAccount();

    await releaseLease(
      store.db,
      held.lease,
      release(held, {
        reached: false,
        attention: 'waiting',
        nextTryMs: 60_000,
        failures: 2,
        error: { kind: 'unavailable', message: 'no answer' },
      }),
    );

    const row = await rowOf(held);
    expect(row).toMatchObject({
      attention: 'waiting',
      failures: 2,
      due_reasons: ['updateGroups'],
      last_error: { kind: 'unavailable', message: 'no answer' },
    });
    expect(row['applied_version']).not.toBe(held.situation.version);
    const waitMs = (row['next_try'] as Date).getTime() - Date.now();
    expect(waitMs).toBeGreaterThan(50_000);
  });

  test.each([
    [{ reached: true }, 'succeeded'],
    [{ reached: false, attention: 'waiting', nextTryMs: 1_000 }, 'waiting'],
    [{ reached: false, attention: 'staged', nextTryMs: 'never' }, 'waiting'],
    [{ reached: false, attention: 'rejected', nextTryMs: 'never' }, 'failed'],
    [{ reached: true, attention: 'held' }, 'failed'],
  ] as const)('%j ends the operation as %s', async (changes, status) => {
    const held = await heldAccount();
    const open = await store.db.query<{ id: string }>(`select id from operations where user_id = $1`, [held.userId]);

    await releaseLease(store.db, held.lease, release(held, changes));

    expect(await readOperation(store.db, open.rows[0]?.id ?? '')).toMatchObject({ status });
  });

  test('an operation newer than what was written stays open', async () => {
    const held = await heldAccount();
    const newer = await bump(held);

    await releaseLease(store.db, held.lease, release(held));

    expect(await readOperation(store.db, newer.operationId)).toMatchObject({ status: 'running' });
  });

  test('what was done stands in the history, doing nothing does not', async () => {
    const busy = await heldAccount();
    const idle = await heldAccount();

    await releaseLease(store.db, busy.lease, release(busy, { did: ['created', 'set groups'] }));
    await releaseLease(store.db, idle.lease, release(idle, { outcome: 'nothing to do' }));

    const events = await store.db.query(`select user_id, step, data from events where user_id = any($1::uuid[])`, [
      [busy.userId, idle.userId],
    ]);
    expect(events.rows).toEqual([
      { user_id: busy.userId, step: 'done', data: { did: ['created', 'set groups'], version: busy.situation.version } },
    ]);
  });
});

describe('intents', () => {
  test('an intent and its deadline are read back by whoever comes next', async () => {
    const held = await heldAccount();
    await intend(held, { call: 'createAccount', name: 'ada', timeoutMs: 30_000 });

    const [next] = await readSituations(store.other, held.serviceId, [held.userId]);

    expect(next?.intent).toEqual({ call: 'createAccount', name: 'ada' });
    expect(next?.intentWaitMs).toBeGreaterThan(20_000);
    expect(next?.intentWaitMs).toBeLessThanOrEqual(30_000);
  });

  test('a deadline that has passed asks nobody to wait', async () => {
    const held = await heldAccount();
    await intend(held, { call: 'deleteAccount', name: 'ada', timeoutMs: 0 });

    const [next] = await readSituations(store.db, held.serviceId, [held.userId]);

    expect(next).toMatchObject({ intent: { call: 'deleteAccount' }, intentWaitMs: 0 });
  });

  test('an intent survives the holder and a takeover', async () => {
    const held = await heldAccount();
    await intend(held, { call: 'createAccount', name: 'ada', timeoutMs: 30_000 });
    await loseLease(held);

    const [next] = await readSituations(store.db, held.serviceId, [held.userId]);

    expect(next?.intent).toEqual({ call: 'createAccount', name: 'ada' });
  });

  test('without the fence no intent is recorded', async () => {
    const held = await heldAccount();
    await loseLease(held);

    const late = intend(held, { call: 'createAccount', name: 'ada', timeoutMs: 30_000 });

    await expect(late).rejects.toBeInstanceOf(FenceLost);
    expect(await rowOf(held)).toMatchObject({ intent: null });
  });

  test('facts settle the intent and the mark for verification', async () => {
    const held = await heldAccount({ verify: true });
    const remoteId = unique('id');
    await intend(held, { call: 'createAccount', name: 'ada', timeoutMs: 30_000 });

    await recordFacts(store.db, held.lease, { status: 'active', remoteId, remoteName: 'ada' });

    expect(await rowOf(held)).toMatchObject({
      intent: null,
      intent_deadline: null,
      verify: false,
      remote_id: remoteId,
      remote_name: 'ada',
      lease_holder: 'first',
    });
  });

  test('groups never written and no groups stay different things', async () => {
    const held = await heldAccount();

    await recordFacts(store.db, held.lease, { appliedGroups: [] });
    expect((await readSituations(store.db, held.serviceId, [held.userId]))[0]?.appliedGroups).toEqual([]);

    await recordFacts(store.db, held.lease, { appliedGroups: null });
    expect((await readSituations(store.db, held.serviceId, [held.userId]))[0]?.appliedGroups).toBeNull();
  });

  test('a profile is read back as it was written', async () => {
    const held = await heldAccount();
    const appliedProfile = {
      name: 'ada',
      nickname: '"A"\n',
      displayName: "O'Ada",
      email: null,
      attributes: { a: [], b: null },
    };

    await recordFacts(store.db, held.lease, { appliedProfile });

    expect((await readSituations(store.db, held.serviceId, [held.userId]))[0]?.appliedProfile).toEqual(appliedProfile);
  });
});
