import { oneRow } from './database';
import type { Queryable } from './database';

/** How failed logins slow down the next ones. */
export interface AttemptRules {
  /** So many failures cost nothing. */
  readonly free: number;
  /** The first wait; each further failure doubles it. */
  readonly firstWaitS: number;
  readonly longestWaitS: number;
  /** Failures older than this are forgotten. */
  readonly forgetS: number;
}

/**
 * Counts one attempt before its password is looked at, so that many at once cannot slip through. Answers undefined when it may
 * go on, or the seconds to wait. A login that succeeds takes it back with `forgetAttempts`.
 */
export async function countAttempt(db: Queryable, key: string, rules: AttemptRules): Promise<number | undefined> {
  const counted = await db.query(
    `insert into login_attempts as a (key, failures) values ($1, 1)
     on conflict (key) do update set
       failures = case when a.last_at < clock_timestamp() - make_interval(secs => $5) then 1 else a.failures + 1 end,
       blocked_until = case when a.last_at >= clock_timestamp() - make_interval(secs => $5) and a.failures + 1 >= $2
         then clock_timestamp() + make_interval(secs => least($4, $3 * power(2, least(a.failures + 1 - $2, 30)))) end,
       last_at = clock_timestamp()
     where a.blocked_until is null or a.blocked_until <= clock_timestamp()`,
    [key, rules.free, rules.firstWaitS, rules.longestWaitS, rules.forgetS],
  );
  if (counted.rowCount === 1) return undefined;
  const wait = await db.query<{ seconds: number }>(
    `select coalesce(max(extract(epoch from blocked_until - clock_timestamp()))::double precision, 0) as seconds
     from login_attempts where key = $1`,
    [key],
  );
  return Math.max(1, Math.ceil(oneRow(wait).seconds));
}

/** A login succeeded: what failed before under this key does not count any more. */
export async function forgetAttempts(db: Queryable, key: string): Promise<void> {
  await db.query(`delete from login_attempts where key = $1`, [key]);
}

/** A login succeeded: this one attempt is taken back, the failures of others from the same place stay. */
export async function uncountAttempt(db: Queryable, key: string): Promise<void> {
  await db.query(`update login_attempts set failures = greatest(failures - 1, 0) where key = $1`, [key]);
}
