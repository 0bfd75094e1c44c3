import fc from 'fast-check';
import { grantPermits, paceOf, PERSON_AHEAD_MS, reopenAfterMs } from './pacing';
import type { BudgetState, Pace, RateLimit } from './pacing';

const FRESH: BudgetState = { taken: 0, nextFreeMs: 0, bulkDueMs: 0, personsUntilMs: 0, blockedUntilMs: 0, log: [] };
const START_MS = 1_000_000;

/** The pace of one limit, which there is. */
function paceFor(limit: RateLimit, leaveFree?: number): Pace {
  const pace = paceOf([limit], leaveFree);
  if (pace === undefined) throw new Error('no pace');
  return pace;
}

interface Take {
  readonly lane: 'person' | 'bulk';
  readonly count: number;
  /** After the take before. */
  readonly afterMs: number;
  /** How much later than its permit each call arrives. */
  readonly lateMs: number;
  /** Whether its arrival becomes known at once, or never (the process has died). */
  readonly reported: boolean;
}

const takes = fc.array(
  fc.record({
    lane: fc.constantFrom<'person' | 'bulk'>('person', 'bulk'),
    count: fc.integer({ min: 1, max: 40 }),
    afterMs: fc.integer({ min: 0, max: 400 }),
    lateMs: fc.integer({ min: 0, max: 100 }),
    reported: fc.boolean(),
  }),
  { minLength: 1, maxLength: 120 },
);

/** When the calls arrive, in order, if permits are taken in this order. */
function arrivals(pace: Pace, order: readonly Take[]): readonly number[] {
  let state = FRESH;
  let nowMs = START_MS;
  const times: number[] = [];
  for (const { lane, count, afterMs, lateMs, reported } of order) {
    nowMs += afterMs;
    const grant = grantPermits(state, pace, { lane, count, nowMs });
    const log = [...grant.state.log];
    for (const { atMs, token } of grant.permits) {
      const arrivedMs = Math.max(atMs, nowMs) + lateMs;
      times.push(arrivedMs);
      if (reported && pace.tokens > 0) log[token] = arrivedMs;
    }
    state = { ...grant.state, log };
  }
  return times.sort((one, other) => one - other);
}

function mostWithin(times: readonly number[], windowMs: number): number {
  return Math.max(...times.map((from) => times.filter((time) => time >= from && time < from + windowMs).length));
}

describe('the pace of a limit', () => {
  const limits = fc.record({
    limit: fc.integer({ min: 1, max: 60 }),
    windowMs: fc.integer({ min: 500, max: 5_000 }),
    kind: fc.constantFrom<'window' | 'log'>('window', 'log'),
  });

  test('no window of any position ever holds more calls than the limit', () => {
    fc.assert(
      fc.property(limits, takes, (limit, order) => {
        expect(mostWithin(arrivals(paceFor(limit), order), limit.windowMs)).toBeLessThanOrEqual(limit.limit);
      }),
      { numRuns: 300 },
    );
  });

  test('a long window has room for permits that are late', () => {
    const limit = { limit: 30, windowMs: 60_000 };
    const order = Array.from({ length: 400 }, () => ({
      lane: 'bulk' as const,
      count: 5,
      afterMs: 300,
      lateMs: 0,
      reported: true,
    }));

    expect(mostWithin(arrivals(paceFor(limit), order), limit.windowMs)).toBeLessThanOrEqual(limit.limit);
  });

  test('a bucket is never asked for more than it holds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 300 }), takes, (limit, order) => {
        const burst = Math.max(4, limit / 10);
        const punctual = order.map((take) => ({ ...take, lateMs: 0, reported: true }));
        const times = arrivals(paceFor({ limit, windowMs: 1_000, kind: 'bucket', burst }), punctual);

        let level = burst;
        let beforeMs = START_MS;
        for (const time of times) {
          level = Math.min(burst, level + ((time - beforeMs) * limit) / 1_000) - 1;
          beforeMs = time;
          expect(level).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test('it uses nearly all of the limit when asked all the time', () => {
    for (const kind of ['window', 'log', 'bucket'] as const) {
      const order = Array.from({ length: 600 }, () => ({
        lane: 'bulk' as const,
        count: 10,
        afterMs: 50,
        lateMs: 0,
        reported: true,
      }));
      const times = arrivals(paceFor({ limit: 50, windowMs: 1_000, kind }), order);
      const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000;

      expect(times.length / seconds / 50).toBeGreaterThan(0.995);
    }
  });

  test('there is no burst at the start', () => {
    const { permits } = grantPermits(FRESH, paceFor({ limit: 300, windowMs: 1_000 }), {
      lane: 'bulk',
      count: 100,
      nowMs: START_MS,
    });

    expect(permits.filter(({ atMs }) => atMs <= START_MS).length).toBeLessThanOrEqual(9);
  });

  test('of several limits the slowest decides', () => {
    expect(paceOf([])).toBeUndefined();
    expect(
      paceOf([
        { limit: 10, windowMs: 1_000 },
        { limit: 300, windowMs: 60_000 },
      ])?.intervalMs,
    ).toBeCloseTo(200, -1);
  });

  test('a part may be left to others, but never all of it', () => {
    expect(paceFor({ limit: 100, windowMs: 1_000 }, 0.2).tokens).toBe(80);
    expect(paceFor({ limit: 1, windowMs: 1_000 }, 0.9).tokens).toBe(1);
    expect(paceFor({ limit: 100, windowMs: 1_000 }, 7).tokens).toBe(10);
  });
});

describe('the lanes', () => {
  const pace = paceFor({ limit: 1, windowMs: 2_000 });
  const taken = grantPermits(FRESH, pace, { lane: 'bulk', count: 5, nowMs: START_MS });

  test('bulk takes nothing that lies far ahead', () => {
    expect(taken.permits).toHaveLength(1);
    const again = grantPermits({ ...taken.state, bulkDueMs: Number.POSITIVE_INFINITY }, pace, {
      lane: 'bulk',
      count: 1,
      nowMs: START_MS,
    });

    expect(again.permits).toEqual([]);
    expect(again.waitMs).toBeGreaterThan(1_000);
  });

  test('a person gets the next permit before bulk may ask for it', () => {
    const nowMs = START_MS + pace.settleMs;
    const { permits } = grantPermits(taken.state, pace, { lane: 'person', count: 1, nowMs });

    expect(permits).toHaveLength(1);
    expect((permits[0]?.atMs ?? 0) - nowMs).toBeLessThan(PERSON_AHEAD_MS);
    expect(grantPermits(taken.state, pace, { lane: 'bulk', count: 1, nowMs }).permits).toEqual([]);
  });

  test('nobody reserves a token whose call is still out', () => {
    const out = grantPermits(taken.state, pace, { lane: 'person', count: 1, nowMs: START_MS });

    expect(out.permits).toEqual([]);
    expect(out.waitMs).toBeGreaterThan(0);
    expect(out.waitMs).toBeLessThanOrEqual(pace.settleMs);
  });

  test('persons who want everything use what the service allows', () => {
    const slow = paceFor({ limit: 5, windowMs: 1_000 });
    let state = FRESH;
    const sent: { token: number; believedMs: number; atMs: number }[] = [];
    for (let nowMs = START_MS; nowMs < START_MS + 20_000; nowMs += 10) {
      // Each answer comes 20 ms after its call, and is told with the next question.
      const log = [...state.log];
      for (const call of sent.filter(({ atMs }) => atMs + 20 <= nowMs))
        if (log[call.token] === call.believedMs) log[call.token] = call.atMs + 20;
      const grant = grantPermits({ ...state, log }, slow, { lane: 'person', count: 20, nowMs });
      state = grant.state;
      for (const { token, atMs } of grant.permits) sent.push({ token, atMs, believedMs: atMs + slow.settleMs });
    }

    expect(state.taken).toBeGreaterThan(0.95 * 5 * 20);
  });

  test('bulk has its share while persons ask for everything', () => {
    const busy = paceFor({ limit: 100, windowMs: 1_000 });
    let state = FRESH;
    let bulk = 0;
    for (let nowMs = START_MS; nowMs < START_MS + 10_000; nowMs += 10) {
      state = grantPermits(state, busy, { lane: 'person', count: 50, nowMs }).state;
      const grant = grantPermits(state, busy, { lane: 'bulk', count: 10, nowMs });
      bulk += grant.permits.length;
      state = grant.state;
    }

    expect(bulk).toBeGreaterThan(100);
  });

  test('a slow service gives bulk its share although bulk asks only when it was told to', () => {
    const slow = paceFor({ limit: 5, windowMs: 1_000 });
    let state = FRESH;
    let bulk = 0;
    let askAtMs = START_MS;
    for (let nowMs = START_MS; nowMs < START_MS + 60_000; nowMs += 10) {
      state = grantPermits(state, slow, { lane: 'person', count: 20, nowMs }).state;
      if (nowMs < askAtMs) continue;
      const grant = grantPermits(state, slow, { lane: 'bulk', count: 1, nowMs });
      bulk += grant.permits.length;
      askAtMs = nowMs + grant.waitMs;
      state = grant.state;
    }

    expect(bulk).toBeGreaterThan(0.19 * 5 * 60);
  });
});

test('the reopening is spread, never early, and not by much', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 86_400_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (ms, random) => {
        expect(reopenAfterMs(ms, random)).toBeGreaterThanOrEqual(ms);
        expect(reopenAfterMs(ms, random)).toBeLessThanOrEqual(ms + 2_000);
      },
    ),
  );
});
