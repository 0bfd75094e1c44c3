import type { CountedFailure, FailureStreak } from '../domain/breaker';
import type { Queryable } from './database';
import { oneRow } from './database';

/** A streak this long ago says nothing about now. */
const STALE = `interval '15 minutes'`;

/** Counts one more failure in a row, over all workers. `subject`: the account or the group that it happened to. */
export async function countFailure(
  db: Queryable,
  failure: { readonly serviceId: string; readonly kind: CountedFailure; readonly subject: string },
): Promise<FailureStreak> {
  const counted = await db.query<{ failures: number; accounts: number }>(
    `insert into breaker_counts as b (service_id, kind, failures, subjects) values ($1, $2, 1, array[$3::uuid])
     on conflict (service_id, kind) do update set
       failures = case when b.last_at < clock_timestamp() - ${STALE} then 1 else b.failures + 1 end,
       subjects = case when b.last_at < clock_timestamp() - ${STALE} then excluded.subjects
         when $3::uuid = any(b.subjects) or cardinality(b.subjects) >= 1000 then b.subjects
         else b.subjects || excluded.subjects end,
       since = case when b.last_at < clock_timestamp() - ${STALE} then clock_timestamp() else b.since end,
       last_at = clock_timestamp()
     returning failures, cardinality(subjects)::integer as accounts`,
    [failure.serviceId, failure.kind, failure.subject],
  );
  return oneRow(counted);
}

/** The service has answered: the streak is over. With `kind` only that one. While it is paused, the streak says whom to try again. */
export async function endStreak(db: Queryable, serviceId: string, kind?: CountedFailure): Promise<void> {
  await db.query(
    `delete from breaker_counts where service_id = $1 and ($2::text is null or kind = $2)
       and exists (select from services where id = $1 and paused_reason is null)`,
    [serviceId, kind ?? null],
  );
}

/**
 * Was anything written since the streak began, by whatever worker? Asked only when a breaker is about to open, since it
 * reads every account of the service.
 */
export async function writtenSinceStreak(db: Queryable, serviceId: string, kind: CountedFailure): Promise<boolean> {
  const found = await db.query(
    `select from breaker_counts b join accounts a on a.service_id = b.service_id and a.last_write_at > b.since
       and a.last_error is null
     where b.service_id = $1 and b.kind = $2 limit 1`,
    [serviceId, kind],
  );
  return found.rows.length > 0;
}

/** An account to try a quarantined service with: any of the first that wait, so that a single bad one cannot keep it closed. */
export async function accountToTry(db: Queryable, serviceId: string): Promise<string | undefined> {
  const found = await db.query<{ user_id: string }>(
    `select user_id from (
       select user_id, failures, coalesce(intent_deadline > clock_timestamp(), false) as unsettled from accounts
       where service_id = $1 and wanted_version <> applied_version and (next_try is null or next_try < 'infinity')
         and (lease_until is null or lease_until < clock_timestamp())
       order by user_id limit 50
     ) waiting order by unsettled, failures, random() limit 1`,
    [serviceId],
  );
  return found.rows[0]?.user_id;
}
