import type { Queryable } from './database';
import type { AccountPlace } from './guard';

/** Accounts that one sweep makes due for their deletion. */
const PER_SWEEP = 1_000;

/**
 * Sets when a disabled account is to be deleted, counted from when it was disabled; null days take the time away. Answers
 * whether the time has come. The time stands in the row: no process has to live until then.
 */
export async function planDeletion(
  db: Queryable,
  account: AccountPlace & { readonly deleteAfterDays: number | null },
): Promise<boolean> {
  const planned = await db.query<{ over: boolean }>(
    `update accounts set disabled_at = coalesce(disabled_at, clock_timestamp()),
       delete_at = coalesce(disabled_at, clock_timestamp()) + make_interval(days => $3::integer)
     where service_id = $1 and user_id = $2
     returning coalesce(delete_at <= clock_timestamp(), false) as over`,
    [account.serviceId, account.userId, account.deleteAfterDays],
  );
  return planned.rows[0]?.over ?? false;
}

/** It is not to be deleted any more, or is gone. */
export async function forgetDeletion(db: Queryable, account: AccountPlace): Promise<void> {
  await db.query(`update accounts set disabled_at = null, delete_at = null where service_id = $1 and user_id = $2`, [
    account.serviceId,
    account.userId,
  ]);
}

/**
 * Makes accounts due whose grace has ended. Each is decided anew then: the right may be back, and the guard is asked again.
 * One whose deletion was rejected stays as it is until something else changes.
 */
export async function bumpEndedGrace(db: Queryable): Promise<number> {
  const bumped = await db.query(
    `update accounts a set wanted_version = nextval('version_seq'), due_reasons = array['validateUser'], next_try = null
     from (select service_id, user_id from accounts
       where delete_at <= clock_timestamp() and wanted_version = applied_version and attention is distinct from 'held'
       order by delete_at limit ${PER_SWEEP} for update skip locked) ended
     where a.service_id = ended.service_id and a.user_id = ended.user_id`,
  );
  return bumped.rowCount ?? 0;
}
