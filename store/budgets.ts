import { BULK_AHEAD_MS, BULK_DUE_AHEAD_MS, BULK_SHARE, PERSON_AHEAD_MS } from '../domain/pacing';
import type { LearnedLimit } from '../domain/limit-learning';
import type { GrantedPermit, Pace, PermitRequest, RateLimit } from '../domain/pacing';
import { oneRow } from './database';
import type { Queryable } from './database';

/** A service's budget for one kind of call; `bucket` '' = every call. */
export interface BudgetKey {
  readonly serviceId: string;
  readonly bucket: string;
}

/** What became of a permit. */
export interface ArrivalReport {
  readonly token: number;
  /** When its call was believed to arrive at the latest, when the permit was given. */
  readonly believedMs: number;
  /** When it has arrived at the latest, by the database's clock; 0 = it was never made. */
  readonly atMs: number;
}

export interface Lease {
  /** The database's clock when the permits were given, in milliseconds since 1970. */
  readonly nowMs: number;
  /** Empty = none: ask again in `waitMs`. */
  readonly permits: readonly GrantedPermit[];
  readonly waitMs: number;
}

export interface LeaseRequest extends PermitRequest {
  readonly pace: Pace;
  readonly reports: readonly ArrivalReport[];
}

const AHEAD = {
  bulkAheadMs: BULK_AHEAD_MS,
  personAheadMs: PERSON_AHEAD_MS,
  bulkDueAheadMs: BULK_DUE_AHEAD_MS,
  bulkShare: BULK_SHARE,
};

/**
 * Takes permits, each with the moment from which it may be used. One statement under the lock of one row: exact over all
 * processes and restarts. A process that dies loses the permits that it holds, and nobody else's.
 */
export async function leasePermits(db: Queryable, key: BudgetKey, request: LeaseRequest): Promise<Lease> {
  const { lane, count, pace, reports } = request;
  const taken = await db.query<{ now: number; wait: number; at: number[]; tokens: number[] }>(
    `select now_ms as now, wait_ms as wait, at_ms as at, used_tokens as tokens
     from take_permits($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      key.serviceId,
      key.bucket,
      lane === 'bulk',
      count,
      { ...pace, ...AHEAD },
      reports.map((report) => report.token),
      reports.map((report) => report.believedMs),
      reports.map((report) => report.atMs),
    ],
  );
  const { now, wait, at, tokens } = oneRow(taken);
  return { nowMs: now, permits: at.map((atMs, place) => ({ atMs, token: tokens[place] ?? 0 })), waitMs: wait };
}

/** Closes a bucket for everybody; never shortens a closing that stands. */
export async function closeBucket(db: Queryable, { serviceId, bucket }: BudgetKey, ms: number): Promise<void> {
  await db.query(
    `insert into budgets (service_id, bucket, blocked_until)
     values ($1, $2, extract(epoch from clock_timestamp()) * 1000 + $3)
     on conflict (service_id, bucket) do update
       set blocked_until = greatest(budgets.blocked_until, excluded.blocked_until), version = budgets.version + 1`,
    [serviceId, bucket, ms],
  );
}

/** Remembers what the service said about its limit. False: that was known. */
export async function learnLimit(
  db: Queryable,
  { serviceId, bucket }: BudgetKey,
  learned: RateLimit,
): Promise<boolean> {
  const stored = await db.query(
    `insert into budgets (service_id, bucket, learned, learned_at) values ($1, $2, $3, clock_timestamp())
     on conflict (service_id, bucket) do update
       set learned = excluded.learned, learned_at = excluded.learned_at, version = budgets.version + 1
       where budgets.learned is distinct from excluded.learned`,
    [serviceId, bucket, learned],
  );
  return stored.rowCount === 1;
}

/**
 * Replaces a guess (or nothing) by another, if the one that stands is at least so old: many processes see the same
 * refusals, and one of them answers for all. What the service has told is never replaced. True if it was.
 */
export async function guessLimit(
  db: Queryable,
  { serviceId, bucket }: BudgetKey,
  { limit, afterMs }: { readonly limit: LearnedLimit; readonly afterMs: number },
): Promise<boolean> {
  const stored = await db.query(
    `insert into budgets (service_id, bucket, learned, learned_at) values ($1, $2, $3, clock_timestamp())
     on conflict (service_id, bucket) do update
       set learned = excluded.learned, learned_at = excluded.learned_at, version = budgets.version + 1
       where budgets.learned is null or ((budgets.learned ->> 'guessed')::boolean
         and budgets.learned_at < clock_timestamp() - make_interval(secs => $4 / 1000.0))`,
    [serviceId, bucket, limit, afterMs],
  );
  return stored.rowCount === 1;
}

/** The database's clock, in milliseconds since 1970. */
export async function databaseNow(db: Queryable): Promise<number> {
  const now = await db.query<{ now: number }>(
    `select (extract(epoch from clock_timestamp()) * 1000)::double precision as now`,
  );
  return oneRow(now).now;
}

export interface KnownBucket {
  readonly bucket: string;
  readonly learned: LearnedLimit | null;
  /** How long it is still closed; 0 = open. */
  readonly blockedMs: number;
}

/** What is known about the buckets of a service. */
export async function readBuckets(db: Queryable, serviceId: string): Promise<readonly KnownBucket[]> {
  const found = await db.query<KnownBucket & { readonly [key: string]: unknown }>(
    `select bucket, learned, greatest(0, blocked_until - extract(epoch from clock_timestamp()) * 1000) as "blockedMs"
     from budgets where service_id = $1 order by bucket`,
    [serviceId],
  );
  return found.rows;
}
