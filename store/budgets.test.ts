import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { grantPermits, paceOf } from '../domain/pacing';
import type { BudgetState, Pace, RateLimit } from '../domain/pacing';
import { openTestStore } from '../test/store/organisation';
import type { TestStore } from '../test/store/organisation';
import { closeBucket, learnLimit, leasePermits, readBuckets } from './budgets';
import type { BudgetKey, Lease } from './budgets';
import { blockService } from './engine-services';

let store: TestStore;

beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

async function newBucket(bucket = ''): Promise<BudgetKey> {
  const serviceId = randomUUID();
  await store.db.query(`insert into services (id, name, connector) values ($1, $2, 'fake')`, [
    serviceId,
    `s${serviceId}`,
  ]);
  return { serviceId, bucket };
}

function paceFor(limit: RateLimit): Pace {
  const pace = paceOf([limit]);
  if (pace === undefined) throw new Error('no pace');
  return pace;
}

/** Long ago: such a token is free. */
const START_MS = 1_000;
const BUSY = paceFor({ limit: 300, windowMs: 1_000 });

function lease(key: BudgetKey, count: number, how: { lane?: 'person' | 'bulk'; pace?: Pace } = {}): Promise<Lease> {
  return leasePermits(store.db, key, { lane: 'bulk', pace: BUSY, reports: [], count, ...how });
}

describe('leasing permits', () => {
  test('the database gives what the arithmetic says', async () => {
    const takes = fc.array(
      fc.record({
        lane: fc.constantFrom<'person' | 'bulk'>('person', 'bulk'),
        count: fc.integer({ min: 1, max: 20 }),
        reportMs: fc.option(fc.integer({ min: 0, max: 300 })),
      }),
      { minLength: 1, maxLength: 12 },
    );
    const limits = fc.record({
      limit: fc.integer({ min: 1, max: 40 }),
      windowMs: fc.constantFrom(500, 1_000, 60_000),
      kind: fc.constantFrom<'window' | 'log' | 'bucket'>('window', 'log', 'bucket'),
    });
    await fc.assert(
      fc.asyncProperty(limits, takes, async (limit, order) => {
        const pace = paceFor(limit);
        const key = await newBucket();
        let state: BudgetState = {
          taken: 0,
          nextFreeMs: 0,
          bulkDueMs: 0,
          personsUntilMs: 0,
          blockedUntilMs: 0,
          log: [],
        };
        for (const { lane, count, reportMs } of order) {
          const log = [...state.log];
          const token = log.findIndex((believedMs) => believedMs > 0);
          const report = { token, believedMs: log[token] ?? 0, atMs: (reportMs ?? 0) + START_MS };
          const reports = reportMs === null || token < 0 ? [] : [report];
          const given = await leasePermits(store.db, key, { lane, count, pace, reports });
          for (const { atMs } of reports) log[token] = atMs;
          const expected = grantPermits({ ...state, log }, pace, { lane, count, nowMs: given.nowMs });
          state = expected.state;

          expect(given.permits).toEqual(expected.permits);
          expect(given.waitMs).toBeCloseTo(expected.waitMs, 3);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('processes that ask at the same moment never get the same permit', async () => {
    const key = await newBucket();

    const leases = await Promise.all(
      Array.from({ length: 40 }, (_none, place) =>
        leasePermits(place % 2 === 0 ? store.db : store.other, key, {
          lane: 'person',
          count: 10,
          pace: BUSY,
          reports: [],
        }),
      ),
    );

    const moments = leases.flatMap((given) => given.permits.map(({ atMs }) => atMs)).sort((one, other) => one - other);
    // As many as the limit: the rest asks again when these calls are made.
    expect(moments.length).toBeGreaterThanOrEqual(300);
    for (const [place, at] of moments.entries()) {
      const before = moments[place - 300];
      if (before !== undefined) expect(at - before).toBeGreaterThanOrEqual(1_000);
    }
    expect(leases.filter(({ permits }) => permits.length === 0).every(({ waitMs }) => waitMs > 0)).toBe(true);
  });

  test('permits that were not used are free again', async () => {
    const key = await newBucket();
    const pace = paceFor({ limit: 2, windowMs: 20_000 });
    const atOnce = `update budgets set next_free = 0 where service_id = $1`;
    const first = await lease(key, 1, { lane: 'person', pace });
    await store.db.query(atOnce, [key.serviceId]);
    await lease(key, 1, { lane: 'person', pace });
    await store.db.query(atOnce, [key.serviceId]);
    const blocked = await lease(key, 1, { lane: 'person', pace });
    const [{ token, atMs } = { token: 0, atMs: 0 }] = first.permits;
    const reports = [{ token, believedMs: atMs + pace.settleMs, atMs: 0 }];
    const given = await leasePermits(store.db, key, { lane: 'person', count: 1, pace, reports });
    const again = await leasePermits(store.db, key, { lane: 'person', count: 1, pace, reports });

    expect(blocked.permits).toEqual([]);
    expect(given.permits).toHaveLength(1);
    expect(again.permits).toEqual([]);
  });

  test('nobody gets a permit before the time that the service named', async () => {
    const key = await newBucket();
    await blockService(store.db, key.serviceId, 2_000);

    const bulk = await lease(key, 5);
    const person = await lease(key, 1, { lane: 'person' });

    expect(bulk.permits).toEqual([]);
    expect(bulk.waitMs).toBeGreaterThan(1_500);
    expect((person.permits[0]?.atMs ?? 0) - person.nowMs).toBeGreaterThan(1_500);
    await blockService(store.db, key.serviceId, 3_600_000);
    expect(await lease(key, 5)).toMatchObject({ permits: [], waitMs: expect.closeTo(3_600_000, -4) });
  });

  test('another limit begins after a whole window', async () => {
    const key = await newBucket();
    await lease(key, 5);

    const given = await lease(key, 1, { lane: 'person', pace: paceFor({ limit: 50, windowMs: 1_000 }) });

    expect((given.permits[0]?.atMs ?? 0) - given.nowMs).toBeGreaterThan(900);
  });
});

describe('what is known of buckets', () => {
  test('a route is closed for everybody, and never opened early', async () => {
    const key = await newBucket('PATCH /users/{}');
    await closeBucket(store.db, key, 60_000);
    await closeBucket(store.other, key, 1_000);

    const [known] = await readBuckets(store.other, key.serviceId);

    expect(known?.bucket).toBe('PATCH /users/{}');
    expect(known?.blockedMs).toBeGreaterThan(50_000);
  });

  test('a learned limit is written down once', async () => {
    const key = await newBucket();

    expect(await learnLimit(store.db, key, { limit: 50, windowMs: 1_000 })).toBe(true);
    expect(await learnLimit(store.other, key, { limit: 50, windowMs: 1_000 })).toBe(false);
    expect(await readBuckets(store.db, key.serviceId)).toEqual([
      { bucket: '', learned: { limit: 50, windowMs: 1_000 }, blockedMs: 0 },
    ]);
  });
});
