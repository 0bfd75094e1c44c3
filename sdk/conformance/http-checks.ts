import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ServiceErrorKind } from '../errors';
import type { CannedAnswer } from '../testing/http-proxy';
import type { Bench } from './bench';
import type { Check } from './check';

/** Longest that a call may go on after its time. */
const GRACE_MS = 5000;
const RETRY_AFTER_S = 7;

interface Fault {
  readonly title: string;
  readonly answer: CannedAnswer;
  readonly kinds: readonly ServiceErrorKind[];
}

const FAULTS: readonly Fault[] = [
  { title: 'a 401 is the configuration', answer: { status: 401 }, kinds: ['misconfigured'] },
  { title: 'a 403 is not tried again', answer: { status: 403 }, kinds: ['misconfigured', 'rejected'] },
  { title: 'a 500 is tried again later', answer: { status: 500 }, kinds: ['unavailable'] },
  { title: 'a 503 is tried again later', answer: { status: 503, body: 'busy' }, kinds: ['unavailable'] },
  { title: 'a connection that breaks is tried again later', answer: 'reset', kinds: ['unavailable'] },
  {
    title: 'an answer that is no JSON is tried again later',
    answer: { status: 200, body: '<html>maintenance</html>' },
    kinds: ['unavailable'],
  },
  {
    title: 'a redirect is not followed with our credentials',
    answer: { status: 302, headers: { location: 'http://127.0.0.1:9/' } },
    kinds: ['misconfigured'],
  },
];

/** What holds for managers over HTTP, whatever the far side answers; for subjects that say `transport: 'http'`. */
export const httpChecks: readonly Check[] = [
  ...FAULTS.map(({ title, answer, kinds }): Check => ({
    title,
    needs: [],
    run: async (bench) => {
      inject(bench, answer);
      await bench.failure(read(bench), ...kinds);
      await read(bench);
    },
  })),
  { title: 'a throttle carries the time that the service names', needs: [], run: throttled },
  { title: 'a body that does not end is cut off at the end of the call', needs: [], run: slowBody },
  {
    title: 'a creation that failed at the far side is made good by the next',
    needs: ['createAccount'],
    run: failedCreate,
  },
];

async function throttled(bench: Bench): Promise<void> {
  const { answer, retryAfterMs } = bench.target.throttle ?? {
    answer: { status: 429, headers: { 'retry-after': String(RETRY_AFTER_S) } },
    retryAfterMs: RETRY_AFTER_S * 1000,
  };
  inject(bench, answer);

  const error = await bench.failure(read(bench), 'throttled');

  assert(error.kind === 'throttled');
  assert.equal(error.retryAfterMs, retryAfterMs, 'the time comes from the answer, in milliseconds');
  await read(bench);
}

async function slowBody(bench: Bench): Promise<void> {
  inject(bench, 'slow body');
  const startedAt = Date.now();

  await bench.failure(read(bench, 300), 'unavailable');

  assert(Date.now() - startedAt < GRACE_MS, 'the call went on after its time');
}

async function failedCreate(bench: Bench): Promise<void> {
  const account = bench.person();
  inject(bench, { status: 500 });

  await bench.failure(bench.manager.createAccount(account, bench.call()), 'unavailable');
  const ref = await bench.create(account);

  assert.deepEqual(
    (await bench.seenByName(ref.name)).map(({ remoteId }) => remoteId),
    [ref.remoteId],
  );
}

function inject(bench: Bench, answer: CannedAnswer): void {
  assert(bench.target.answerNext !== undefined, "a subject with transport: 'http' must have answerNext()");
  bench.target.answerNext(answer);
}

/** One look that changes nothing, with whatever the manager has for it. */
async function read(bench: Bench, timeoutMs = 15_000): Promise<void> {
  const call = { signal: AbortSignal.timeout(timeoutMs), timeoutMs };
  const { manager } = bench;
  // Read as optional: a check without `needs` meets managers that have few of the methods.
  const { findAccount, listAccounts }: Partial<typeof manager> = manager;
  if (findAccount !== undefined) await findAccount.call(manager, { userId: randomUUID(), owner: bench.owner }, call);
  else if (listAccounts !== undefined) await listAccounts.call(manager, undefined, call);
  else await manager.testConnection(call);
}
