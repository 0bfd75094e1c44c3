import { oneRow } from './database';
import type { Queryable } from './database';

/** One use of an Idempotency-Key by one principal. */
export interface KeyedRequest {
  readonly principal: string;
  readonly key: string;
  /** Keyed hash of method, path, query and body: never the body itself. */
  readonly requestHash: string;
}

export interface KeptAnswer {
  readonly status: number;
  readonly location: string | null;
  /** null where nothing was kept, e.g. because the answer held a secret. */
  readonly response: unknown;
}

export type Claim =
  /** Ours: do the work, then keep or release. */
  | { readonly outcome: 'claimed' }
  | { readonly outcome: 'answered'; readonly answer: KeptAnswer }
  | { readonly outcome: 'in progress' }
  | { readonly outcome: 'other request' };

/** A claim that was not refreshed for so long belongs to a process that died. */
const ABANDONED_SECONDS = 30;
const KEEP_HOURS = 24;

/** Claims the key for this request, or says what became of the request that has it. */
export async function claimKey(db: Queryable, request: KeyedRequest): Promise<Claim> {
  const { principal, key, requestHash } = request;
  const claimed = await db.query(
    `insert into idempotency_keys as k (principal, key, request_hash) values ($1, $2, $3)
     on conflict (principal, key) do update
       set request_hash = excluded.request_hash, created_at = clock_timestamp(), status = null, location = null, response = null
       where (k.status is null and k.request_hash = excluded.request_hash
              and k.created_at < clock_timestamp() - make_interval(secs => $4))
          or k.created_at < clock_timestamp() - make_interval(hours => $5)
     returning key`,
    [principal, key, requestHash, ABANDONED_SECONDS, KEEP_HOURS],
  );
  if (claimed.rows.length > 0) return { outcome: 'claimed' };
  return readClaim(db, request);
}

async function readClaim(db: Queryable, { principal, key, requestHash }: KeyedRequest): Promise<Claim> {
  const found = await db.query<{
    request_hash: string;
    status: number | null;
    location: string | null;
    response: unknown;
  }>('select request_hash, status, location, response from idempotency_keys where principal = $1 and key = $2', [
    principal,
    key,
  ]);
  const row = found.rows[0];
  // Released between the two statements: the caller may come again at once.
  if (row === undefined) return { outcome: 'in progress' };
  if (row.request_hash !== requestHash) return { outcome: 'other request' };
  if (row.status === null) return { outcome: 'in progress' };
  return { outcome: 'answered', answer: { status: row.status, location: row.location, response: row.response } };
}

/** Says that the claim's owner is still at work. */
export async function refreshKey(db: Queryable, { principal, key }: KeyedRequest): Promise<void> {
  await db.query(
    'update idempotency_keys set created_at = clock_timestamp() where principal = $1 and key = $2 and status is null',
    [principal, key],
  );
}

/** Keeps the answer for repetitions. Never give it an answer that holds a secret. */
export async function keepAnswer(db: Queryable, { principal, key }: KeyedRequest, answer: KeptAnswer): Promise<void> {
  const response = answer.response === undefined || answer.response === null ? null : JSON.stringify(answer.response);
  await db.query(
    `update idempotency_keys set status = $3, location = $4, response = $5::jsonb, created_at = clock_timestamp()
     where principal = $1 and key = $2`,
    [principal, key, answer.status, answer.location, response],
  );
}

/** Gives the key back: the request failed in a way that the same request may survive the next time. */
export async function releaseKey(db: Queryable, { principal, key }: KeyedRequest): Promise<void> {
  await db.query('delete from idempotency_keys where principal = $1 and key = $2 and status is null', [principal, key]);
}

/** Removes keys past their day; returns how many. Meant to be called now and then by any process. */
export async function removeOldKeys(db: Queryable): Promise<number> {
  const removed = await db.query<{ count: number }>(
    `with removed as (
       delete from idempotency_keys where created_at < clock_timestamp() - make_interval(hours => $1) returning 1
     ) select count(*) as count from removed`,
    [KEEP_HOURS],
  );
  return oneRow(removed).count;
}
