import { grantPermits, paceOf } from '../domain/pacing';
import type { BudgetState, Lane, Pace, RateLimit } from '../domain/pacing';
import type { Lease, LeaseRequest } from '../store/budgets';
import { ManualClock } from '../test/activities/manual-clock';
import { DatabaseClock } from './database-clock';
import { Pacer } from './pacer';
import type { Permit } from './pacer';
import { Slots } from './slots';

const EPOCH_MS = 1_700_000_000_000;

/** The row that all processes share, in memory. */
class Row {
  state: BudgetState = { taken: 0, nextFreeMs: 0, bulkDueMs: 0, personsUntilMs: 0, blockedUntilMs: 0, log: [] };
  readonly requests: LeaseRequest[] = [];

  constructor(private readonly clock: ManualClock) {}

  async lease(request: LeaseRequest): Promise<Lease> {
    this.requests.push(request);
    const log = [...this.state.log];
    for (const { token, believedMs, atMs } of request.reports) if (log[token] === believedMs) log[token] = atMs;
    const nowMs = EPOCH_MS + this.clock.now();
    const { state, permits, waitMs } = grantPermits({ ...this.state, log }, request.pace, { ...request, nowMs });
    this.state = state;
    return { nowMs, permits, waitMs };
  }
}

/** Timers come a little early, as in Node; what they were set for comes about at the given look at the clock. */
class EarlyClock extends ManualClock {
  #looks = 0;
  #aheadMs = 0;

  constructor(private readonly lookOfTruth: number) {
    super();
  }

  override now(): number {
    this.#looks += 1;
    if (this.#looks === this.lookOfTruth) this.#aheadMs += 0.5;
    return super.now() + this.#aheadMs;
  }

  override after(ms: number, work: () => void): () => void {
    return super.after(Math.max(0.1, ms - 0.25), () => {
      this.#looks = 0;
      work();
    });
  }
}

interface Scene {
  readonly clock: ManualClock;
  readonly row: Row;
  readonly slots: Slots;
  readonly pacer: Pacer;
  /** When calls were let in, by lane. */
  readonly calls: { readonly lane: Lane; readonly atMs: number; readonly permit: Permit }[];
  /** Asks for one call; what it throws instead. */
  readonly ask: (lane: Lane, signal?: AbortSignal) => Promise<unknown>;
}

function paceFor(limit: RateLimit): Pace {
  const pace = paceOf([limit]);
  if (pace === undefined) throw new Error('no pace');
  return pace;
}

interface SceneOptions {
  readonly slots?: Slots;
  readonly row?: Row;
  readonly clock?: ManualClock;
  /** Every call is answered after so long; absent: none is. */
  readonly answersMs?: number;
}

function scene(limit: RateLimit, { slots = new Slots(1_000), answersMs, ...shared }: SceneOptions = {}): Scene {
  const clock = shared.clock ?? new ManualClock();
  const row = shared.row ?? new Row(clock);
  const pacer = new Pacer(
    {
      lease: (request) => row.lease(request),
      slots: { free: () => slots.free, enter: () => slots.tryEnter() },
      clock,
      databaseClock: new DatabaseClock(clock, async () => EPOCH_MS + clock.now()),
      random: () => 0.5,
    },
    paceFor(limit),
  );
  const calls: { lane: Lane; atMs: number; permit: Permit }[] = [];
  const ask = (lane: Lane, signal = new AbortController().signal): Promise<unknown> =>
    pacer.acquire(lane, signal).then(
      (permit) => {
        permit.sent();
        calls.push({ lane, atMs: clock.now(), permit });
        if (answersMs !== undefined) clock.after(answersMs, () => permit.answered());
        return undefined;
      },
      (error: unknown) => error,
    );
  return { clock, row, slots, pacer, calls, ask };
}

describe('the pacer', () => {
  test('calls go out one after the other at the pace of the limit', async () => {
    const { clock, calls, ask } = scene({ limit: 10, windowMs: 1_000 }, { answersMs: 10 });
    for (let call = 0; call < 20; call += 1) void ask('bulk');

    await clock.pass(950);

    expect(calls.length).toBeGreaterThanOrEqual(9);
    expect(calls.length).toBeLessThanOrEqual(10);
  });

  test('a lease holds at most a tenth of a second', async () => {
    const { clock, row, ask } = scene({ limit: 300, windowMs: 1_000 }, { answersMs: 10 });
    for (let call = 0; call < 500; call += 1) void ask('bulk');

    await clock.pass(1_000);

    expect(Math.max(...row.requests.map((request) => request.count))).toBeLessThanOrEqual(33);
    expect(row.requests.length).toBeLessThanOrEqual(20);
  });

  test('a person takes the next permit, and bulk goes on after', async () => {
    const { clock, calls, ask } = scene({ limit: 10, windowMs: 1_000 }, { answersMs: 10 });
    for (let call = 0; call < 20; call += 1) void ask('bulk');
    await clock.pass(500);
    const before = calls.length;
    void ask('person');
    void ask('person');

    await clock.pass(400);

    expect(calls.slice(before).filter((call) => call.lane === 'person')).toHaveLength(2);
    expect(calls.slice(before, before + 3).map((call) => call.lane)).toContain('person');
  });

  test('persons alone never use up what is for bulk', async () => {
    const { clock, calls, ask } = scene({ limit: 50, windowMs: 1_000 }, { answersMs: 10 });
    for (let call = 0; call < 200; call += 1) void ask(call < 20 ? 'bulk' : 'person');

    await clock.pass(1_500);

    expect(calls.filter((call) => call.lane === 'bulk').length).toBeGreaterThanOrEqual(10);
  });

  test('no call goes out without a call slot', async () => {
    const slots = new Slots(2);
    const { clock, calls, ask, pacer } = scene({ limit: 100, windowMs: 1_000 }, { slots });
    for (let call = 0; call < 10; call += 1) void ask('bulk');

    await clock.pass(500);
    expect(calls).toHaveLength(2);
    calls[0]?.permit.answered();
    calls[0]?.permit.leave();
    pacer.slotFreed();
    await clock.pass(50);

    expect(calls).toHaveLength(3);
  });

  test('who waits can be called off', async () => {
    const { clock, calls, ask } = scene({ limit: 1, windowMs: 2_000 });
    const off = new AbortController();
    void ask('bulk');
    const waiting = ask('bulk', off.signal);
    await clock.pass(100);
    off.abort();

    expect(await waiting).toMatchObject({ kind: 'unavailable', code: 'cancelled' });
    expect(calls).toHaveLength(1);
  });

  test('a long wait is given back to whoever can wait without a slot', async () => {
    const { clock, row, ask } = scene({ limit: 10, windowMs: 1_000 });
    row.state = { ...row.state, blockedUntilMs: EPOCH_MS + 3_600_000 };
    const waiting = ask('bulk');
    await clock.pass(100);

    expect(await waiting).toMatchObject({ kind: 'throttled', code: 'budget' });
  });

  test('a queue that moves slowly sends its end away', async () => {
    const { clock, calls, ask } = scene({ limit: 1, windowMs: 5_000 });
    const answers = Promise.all(Array.from({ length: 6 }, () => ask('bulk')));

    await clock.pass(30_000);

    expect(calls.length).toBeGreaterThanOrEqual(1);
    expect((await answers).filter((answer) => answer !== undefined).length).toBe(6 - calls.length);
  });

  test('whoever a permit is held for is not sent away with those who come later', async () => {
    const { clock, calls, ask } = scene({ limit: 1, windowMs: 6_000 }, { answersMs: 10 });
    // As a chunk of bulk does: all who were sent away come back together.
    const comeBack = async (): Promise<void> => {
      const away = (await ask('bulk')) as { readonly retryAfterMs: number } | undefined;
      if (away !== undefined) clock.after(Math.min(away.retryAfterMs, 5_900), () => void comeBack());
    };
    for (let call = 0; call < 20; call += 1) void comeBack();

    await clock.pass(25_000);

    expect(calls.length).toBeGreaterThanOrEqual(4);
  });

  test('when the service asked to wait, what is held goes back', async () => {
    const { clock, row, calls, ask, pacer } = scene({ limit: 100, windowMs: 1_000 }, { answersMs: 10 });
    for (let call = 0; call < 50; call += 1) void ask('bulk');
    await clock.pass(50);
    const before = calls.length;
    row.state = { ...row.state, blockedUntilMs: EPOCH_MS + 2_000 };
    pacer.dropPermits();

    await clock.pass(1_800);
    expect(calls).toHaveLength(before);
    await clock.pass(400);

    expect(calls.length).toBeGreaterThan(before);
  });

  test('a service that stands still is not sent more and more', async () => {
    const { clock, calls, ask, pacer } = scene({ limit: 100, windowMs: 1_000 });
    for (let call = 0; call < 200; call += 1) void ask('bulk');
    await clock.pass(1_000);
    const unanswered = calls.length;
    await clock.pass(1_000);

    expect(calls).toHaveLength(unanswered);
    expect(unanswered).toBeLessThan(40);
    calls[0]?.permit.answered();
    pacer.slotFreed();
    await clock.pass(100);
    expect(calls.length).toBeGreaterThan(unanswered);
  });

  test('what comes due between two looks at the clock is not forgotten', async () => {
    const left: number[] = [];
    for (let look = 1; look <= 20; look += 1) {
      const { clock, calls, ask } = scene(
        { limit: 1, windowMs: 1_000 },
        { clock: new EarlyClock(look), answersMs: 10 },
      );
      for (let call = 0; call < 3; call += 1) void ask('bulk');
      await clock.pass(6_000);
      left.push(3 - calls.length);
    }

    expect(left.filter((calls) => calls > 0)).toEqual([]);
  });

  test('a database that is away fails those who wait', async () => {
    const { row, clock, ask } = scene({ limit: 100, windowMs: 1_000 });
    row.lease = () => Promise.reject(new Error('the database is away'));
    const waiting = ask('person');
    await clock.pass(10);

    expect(await waiting).toMatchObject({ message: 'the database is away' });
  });

  test('two processes on one row keep the limit together and use it', async () => {
    const first = scene({ limit: 50, windowMs: 1_000, kind: 'log' });
    const second = scene({ limit: 50, windowMs: 1_000, kind: 'log' }, { row: first.row, clock: first.clock });
    for (let call = 0; call < 600; call += 1) void (call % 2 === 0 ? first : second).ask('bulk');
    for (let ms = 0; ms < 4_000; ms += 20) {
      await first.clock.pass(20);
      for (const { permit } of [...first.calls, ...second.calls]) permit.answered();
    }

    const times = [...first.calls, ...second.calls].map((call) => call.atMs).sort((one, other) => one - other);
    for (const [place, at] of times.entries()) expect(at - (times[place - 50] ?? -5_000)).toBeGreaterThanOrEqual(1_000);
    expect(times.length).toBeGreaterThan(190);
    expect(first.calls.length).toBeGreaterThan(50);
    expect(second.calls.length).toBeGreaterThan(50);
  });
});
