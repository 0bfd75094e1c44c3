import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { claimKey, keepAnswer, refreshKey, releaseKey } from '../store/idempotency';
import { PROBLEMS } from './problem-codes';
import { Problem } from './problem';
import { toProblem } from './problems';
import type { KeptAnswer, KeyedRequest } from '../store/idempotency';
import type { ApiContext } from './context';
import type { Answer, Route, RouteRequest } from './route';

const REFRESH_MS = 5_000;

export interface OnceInput {
  readonly route: Route;
  readonly request: RouteRequest;
  readonly method: string;
  readonly bytes: Buffer;
}

type Run = (request: RouteRequest) => Promise<Answer>;

/** What a key may look like. */
export const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * Honours Idempotency-Key on writes: the same key and request give the same answer, without doing the work again.
 * Answers of the kinds 2xx and 4xx are kept for a day; after a 5xx the key is free again.
 * @throws Problem idempotency-mismatch, idempotency-in-progress, secret-not-repeated, invalid-idempotency-key
 */
export async function runOnce(input: OnceInput, run: Run): Promise<Answer> {
  const key = input.request.headers['idempotency-key'];
  if (key === undefined || input.route.method === 'get' || input.route.acl === 'public') return run(input.request);
  if (!IDEMPOTENCY_KEY.test(key))
    throw new Problem('invalid-idempotency-key', 'The Idempotency-Key has characters or a length that is not taken.');
  const spool = input.route.stream === undefined ? undefined : await spoolStream(input.request);
  try {
    const digest = spool?.digest ?? createHash('sha256').update(input.bytes).digest('hex');
    const keyed = keyedRequest(input, key, digest);
    const request = spool === undefined ? input.request : { ...input.request, stream: createReadStream(spool.file) };
    return await claimAndRun({ keyed, route: input.route, request, run });
  } finally {
    if (spool !== undefined) await rm(spool.file, { force: true });
  }
}

function keyedRequest({ request, method }: OnceInput, key: string, digest: string): KeyedRequest {
  // The body may hold a password: a plain hash of it could be guessed, a keyed one cannot.
  const text = JSON.stringify([method, request.url, digest]);
  return {
    // Not the actor: two clients must never share a key, whatever they are called.
    principal: request.principal.clientId ?? request.principal.actor,
    key,
    requestHash: request.context.sealer.fingerprint(text, 'idempotency'),
  };
}

interface Once {
  readonly keyed: KeyedRequest;
  readonly route: Route;
  readonly request: RouteRequest;
  readonly run: Run;
}

async function claimAndRun(once: Once): Promise<Answer> {
  const claim = await claimKey(once.request.context.db, once.keyed);
  if (claim.outcome === 'claimed') return runClaimed(once);
  if (claim.outcome === 'answered') return repeat(claim.answer, once.route);
  if (claim.outcome === 'in progress') {
    throw new Problem('idempotency-in-progress', 'A request with this Idempotency-Key is being worked on.', {
      headers: { 'Retry-After': '1' },
    });
  }
  throw new Problem(
    'idempotency-mismatch',
    'This Idempotency-Key belongs to a request with another method, path or body.',
  );
}

async function runClaimed({ keyed, route, request, run }: Once): Promise<Answer> {
  const { context } = request;
  const refresh = setInterval(() => void quietly(context, () => refreshKey(context.db, keyed)), REFRESH_MS);
  try {
    const answer = await run(request);
    await keep(context, keyed, {
      status: answer.status,
      location: answer.headers?.['Location'] ?? null,
      response: route.secret === true ? null : answer.body,
    });
    return answer;
  } catch (error) {
    await keepRefusal(context, keyed, error);
    throw error;
  } finally {
    clearInterval(refresh);
  }
}

/** A refusal is an answer as well; what may go away by itself is not kept. */
async function keepRefusal(context: ApiContext, keyed: KeyedRequest, error: unknown): Promise<void> {
  const problem = toProblem(error);
  const { status, title, actor } = PROBLEMS[problem.code];
  const isLasting = status < 500 && actor === 'caller';
  if (!isLasting) {
    await quietly(context, () => releaseKey(context.db, keyed));
    return;
  }
  const { code, detail, errors } = problem;
  await keep(context, keyed, { status, location: null, response: { problem: { code, title, detail, errors } } });
}

/** The work is done: trouble with remembering it must not turn the answer into an error. */
async function keep(context: ApiContext, keyed: KeyedRequest, answer: KeptAnswer): Promise<void> {
  await quietly(context, () => keepAnswer(context.db, keyed, answer));
}

async function quietly(context: ApiContext, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    context.log.warn({ err: error }, 'idempotency key not updated');
  }
}

function repeat(kept: KeptAnswer, route: Route): Answer {
  if (route.secret === true && kept.status < 400) {
    throw new Problem('secret-not-repeated', 'This request was answered with a secret, which is shown only once.');
  }
  const refusal = refusalOf(kept);
  if (refusal !== undefined) throw refusal;
  return {
    status: kept.status,
    ...(kept.response === null ? {} : { body: kept.response }),
    headers: { 'Idempotency-Replayed': 'true', ...(kept.location === null ? {} : { Location: kept.location }) },
  };
}

function refusalOf(kept: KeptAnswer): Problem | undefined {
  if (kept.status < 400) return undefined;
  const { problem } = kept.response as { readonly problem: Pick<Problem, 'code' | 'detail' | 'errors'> };
  return new Problem(problem.code, problem.detail, {
    errors: problem.errors,
    headers: { 'Idempotency-Replayed': 'true' },
  });
}

/** A streamed body must be known whole before it can be compared: it goes through a file that only we can read. */
async function spoolStream(request: RouteRequest): Promise<{ readonly file: string; readonly digest: string }> {
  const file = join(tmpdir(), `muster-${randomUUID()}`);
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await pipeline(request.stream, hashing, createWriteStream(file, { mode: 0o600 }));
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
  return { file, digest: hash.digest('hex') };
}
