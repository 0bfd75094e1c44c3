import { HttpClient, parseRateLimits } from '../../../sdk/index';
import { startFake } from './fake';
import type { Fake, FakeSettings } from './fake';

const WINDOW = { kind: 'window', limit: 3, windowMs: 60_000 } as const;

let fake: Fake;
beforeAll(async () => {
  fake = await startFake({});
});
afterAll(() => fake.stop());

async function fresh(settings: Partial<FakeSettings>): Promise<void> {
  await fake.set({ limits: [], dialect: 'none', latencyMs: 0, ...settings });
  await fake.fail();
  await fake.clear('journal', 'accounts');
}

async function call(path = '/call', method = 'PATCH'): Promise<Response> {
  return fetch(`${fake.url}${path}`, { method });
}

async function statuses(count: number, path?: string): Promise<readonly number[]> {
  const seen: number[] = [];
  for (let made = 0; made < count; made += 1) seen.push((await call(path)).status);
  return seen;
}

describe('the throttling fake', () => {
  test.each([
    ['a window', { kind: 'window', limit: 3, windowMs: 60_000 }],
    ['a log', { kind: 'log', limit: 3, windowMs: 60_000 }],
    ['a bucket', { kind: 'bucket', limit: 3, windowMs: 60_000, burst: 3 }],
  ] as const)('%s lets its limit through and no more', async (_what, limit) => {
    await fresh({ limits: [limit] });

    expect(await statuses(5)).toEqual([200, 200, 200, 429, 429]);
    expect(await fake.summary()).toMatchObject({ accepted: 3, rejected: 2, mostInWindow: 3 });
  });

  test('a route can have a limit of its own', async () => {
    await fresh({ limits: [{ ...WINDOW, limit: 1, route: 'PATCH /accounts/{}' }] });

    expect(await statuses(2, '/accounts/1')).toEqual([404, 429]);
    expect(await statuses(2)).toEqual([200, 200]);
  });

  test('somebody else can use the same budget', async () => {
    await fresh({ limits: [WINDOW] });
    await fake.use(2);

    expect(await statuses(2)).toEqual([200, 429]);
  });

  test.each([
    'retry-after',
    'retry-after-fraction',
    'retry-after-date',
    'github',
    'discord',
    'draft',
    'structured',
    'okta',
    'linear',
    'matrix',
    'discourse',
  ])('what it says as %s is understood', async (dialect) => {
    await fresh({ limits: [WINDOW], dialect });
    await statuses(3);
    const answer = await call();
    const read = {
      header: (name: string) => answer.headers.get(name),
      body: await answer.json().catch(() => undefined),
    };
    const { retryAfterMs, resetMs } = parseRateLimits({ ...read, nowMs: Date.now() });
    const [line] = await fake.journal();
    const untilResetMs = 60_000 - ((line?.atMs ?? 0) % 60_000);

    expect(answer.status).toBe(429);
    expect(Math.abs((retryAfterMs ?? resetMs ?? 0) - untilResetMs)).toBeLessThan(3_000);
  });

  test.each([
    ['a reset connection', { kind: 'reset' }, 0],
    ['an answer that is lost after the work', { kind: 'lost' }, 1],
    ['a failing service', { kind: 'status', status: 502 }, 0],
    ['a service that hangs', { kind: 'hang' }, 0],
    ['a body that never ends', { kind: 'slow', ms: 60_000 }, 1],
  ] as const)('%s is what the client sees as unavailable', async (_what, fault, made) => {
    await fresh({});
    await fake.fail({ ...fault, count: 1 });
    const client = new HttpClient({ baseUrl: fake.url });
    const body = { key: '1', owner: 'o', name: 'ada' };
    const failed = client.request(
      { method: 'POST', path: '/accounts', body },
      { signal: new AbortController().signal, timeoutMs: 300 },
    );

    await expect(failed).rejects.toMatchObject({ kind: 'unavailable' });
    expect((await fake.accounts()).made).toBe(made);
  });
});
