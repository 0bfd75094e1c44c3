import type { BudgetSettings } from '../domain/pacing';
import { grantPermits } from '../domain/pacing';
import type { BudgetState } from '../domain/pacing';
import type { KnownBucket } from '../store/budgets';
import { ManualClock } from '../test/activities/manual-clock';
import { DatabaseClock } from './database-clock';
import { ServiceBudget } from './service-budget';
import type { BudgetStore, PacedContext } from './service-budget';
import { Slots } from './slots';

const EPOCH_MS = 1_700_000_000_000;
const FRESH: BudgetState = { taken: 0, nextFreeMs: 0, bulkDueMs: 0, personsUntilMs: 0, blockedUntilMs: 0, log: [] };

interface Scene {
  readonly clock: ManualClock;
  readonly budget: ServiceBudget;
  readonly slots: Slots;
  /** What was written down, e.g. `close PATCH /users/{} 2000`. */
  readonly written: string[];
  readonly permits: Map<string, BudgetState>;
  known: KnownBucket[];
  readonly call: <T>(work: (paced: PacedContext) => Promise<T>) => Promise<T>;
}

function scene(settings: BudgetSettings, slots = new Slots(4)): Scene {
  const clock = new ManualClock();
  const written: string[] = [];
  const permits = new Map<string, BudgetState>();
  const shared: { known: KnownBucket[] } = { known: [] };
  const store: BudgetStore = {
    lease: async (bucket, request) => {
      const state = permits.get(bucket) ?? FRESH;
      const grant = grantPermits(state, request.pace, { ...request, nowMs: EPOCH_MS + clock.now() });
      permits.set(bucket, grant.state);
      return { nowMs: EPOCH_MS + clock.now(), permits: grant.permits, waitMs: grant.waitMs };
    },
    close: async (bucket, ms) => void written.push(`close ${bucket} ${ms}`),
    learn: async (bucket, limit) => void written.push(`learn ${bucket} ${limit.limit}/${limit.windowMs}`),
    guess: async (bucket, limit) => void written.push(`guess ${bucket} ${limit.limit}/${limit.windowMs}`),
    buckets: async () => shared.known,
    slots: () => {
      throw new Error('no cap here');
    },
  };
  const databaseClock = new DatabaseClock(clock, async () => EPOCH_MS + clock.now());
  const onTrouble = (error: unknown): void => {
    throw error;
  };
  const budget = new ServiceBudget({ store, clock, databaseClock, random: () => 0, onTrouble }, { settings, slots });
  const { signal } = new AbortController();
  return {
    clock,
    budget,
    slots,
    written,
    permits,
    set known(known: KnownBucket[]) {
      shared.known = known;
    },
    call: (work) => budget.run({ lane: 'person', signal }, work),
  };
}

const LIMITS = [{ limit: 10, windowMs: 1_000 }];

describe('the budget of a service', () => {
  test('without any limit nothing is asked of the database row', async () => {
    const { call, permits, written } = scene({});

    expect(await call(async () => 'done')).toBe('done');
    expect([permits.size, written.length]).toEqual([0, 0]);
  });

  test('a call of several requests takes a permit for each', async () => {
    const { call, clock, permits, slots } = scene({ limits: LIMITS });
    const done = call(async (paced) => {
      for (const route of ['GET /users/{}', 'PATCH /users/{}', 'PATCH /users/{}'])
        (await paced.permit(route)).answered();
    });
    await clock.pass(1_000);
    await done;

    expect(permits.get('')?.taken).toBe(3);
    expect(slots.free).toBe(4);
  });

  test('a route has a limit of its own beside that of the service', async () => {
    const { call, clock, permits } = scene({
      limits: LIMITS,
      routes: { 'PATCH /users/{}': [{ limit: 1, windowMs: 1_000 }] },
    });
    const done = Promise.all([
      call(async (paced) => (await paced.permit('PATCH /users/{}')).answered()),
      call(async (paced) => (await paced.permit('GET /users/{}')).answered()),
    ]);
    await clock.pass(2_000);
    await done;

    expect(permits.get('')?.taken).toBe(2);
    expect(permits.get('PATCH /users/{}')?.taken).toBe(1);
  });

  test('a refusal of one route closes that route only', async () => {
    const { call, clock, written } = scene({});
    const route = 'PATCH /users/{}';
    await call(async (paced) => paced.observe({ route, refused: true, scope: 'route', retryAfterMs: 2_000 }));

    await expect(call((paced) => paced.permit(route))).rejects.toMatchObject({ kind: 'throttled', scope: 'route' });
    await expect(call((paced) => paced.permit('GET /users/{}'))).resolves.toBeDefined();
    await clock.pass(2_000);
    await expect(call((paced) => paced.permit(route))).resolves.toBeDefined();
    expect(written).toEqual([`close ${route} 2000`]);
  });

  test('a process that was idle asks what others have learned before its first burst', async () => {
    const made = scene({});
    await made.call(async () => undefined);
    made.known = [{ bucket: '', learned: { limit: 10, windowMs: 1_000 }, blockedMs: 0 }];
    await made.clock.pass(5_000);

    const calls = Array.from({ length: 3 }, () => made.call(async () => undefined));
    await made.clock.pass(1_000);
    await Promise.all(calls);

    expect(made.permits.get('')?.taken).toBe(3);
  });

  test('what another process has closed is closed here, too', async () => {
    const made = scene({});
    made.known = [{ bucket: 'PATCH /users/{}', learned: null, blockedMs: 500 }];

    await expect(made.call((paced) => paced.permit('PATCH /users/{}'))).rejects.toMatchObject({ code: 'budget' });
  });

  test('limits are learned from the answers, unless they are set', async () => {
    const told = { route: 'GET /users', refused: false, limit: 50, windowMs: 1_000, remaining: 49 };
    const learning = scene({});
    await learning.call(async (paced) => paced.observe(told));
    await learning.call(async (paced) => paced.observe(told));
    const set = scene({ limits: LIMITS });
    const done = set.call(async (paced) => paced.observe(told));
    await set.clock.pass(100);
    await done;

    expect(learning.written).toEqual(['learn  50/1000']);
    const next = learning.call(async () => undefined);
    await learning.clock.pass(100);
    await next;
    expect(learning.permits.get('')?.log).toHaveLength(50);
    expect(set.permits.get('')?.log).toHaveLength(10);
  });

  test('a route that tells another limit than the rest has its own', async () => {
    const { call, written } = scene({});
    await call(async (paced) => paced.observe({ route: 'GET /users', refused: false, limit: 600, windowMs: 60_000 }));
    await call(async (paced) => paced.observe({ route: 'POST /users', refused: false, limit: 60, windowMs: 60_000 }));

    expect(written).toEqual(['learn  600/60000', 'learn POST /users 60/60000']);
  });

  test('when others have used up the rest, nobody calls until the reset', async () => {
    const { call, written } = scene({});
    await call(async (paced) =>
      paced.observe({
        route: 'GET /users',
        refused: false,
        limit: 600,
        windowMs: 60_000,
        remaining: 0,
        resetMs: 40_000,
      }),
    );
    await Promise.resolve();

    expect(written).toContain('close  40000');
  });

  test('a service that only refuses is kept to what it let through', async () => {
    const { call, clock, written } = scene({});
    for (let made = 0; made < 20; made += 1) await call(async () => undefined);
    await clock.pass(200);
    await call(async (paced) => paced.observe({ route: 'GET /users', refused: true, retryAfterMs: 800 }));
    await clock.pass(10);

    expect(written).toEqual(['close  800', 'guess  16/1000']);
  });

  test('a call that was never made gives its permit back', async () => {
    const { call, clock, budget } = scene({ limits: LIMITS });
    const failed = call(async () => {
      throw new Error('the lease was lost');
    });
    await clock.pass(100);

    await expect(failed).rejects.toThrow('the lease was lost');
    expect(budget.longWaitMs).toBe(0);
  });
});
