import type { Queryable } from './database';

/** How far the accounts that a change concerns have come. `accounts` = done + running + waiting + failed + staged. */
export interface ChangeProgress {
  readonly changeId: number;
  /** False: not every account that it concerns is known yet. */
  readonly expanded: boolean;
  readonly accounts: number;
  readonly done: number;
  readonly running: number;
  /** A next try lies ahead, or a person must do something at the far side. */
  readonly waiting: number;
  /** The service refuses; nothing more happens until something changes. */
  readonly failed: number;
  /** The guard waits for a decision, or held it. */
  readonly staged: number;
}

/**
 * Counts at the moment of reading: nothing is kept. An account has seen a change when its applied version has reached the
 * one that was drawn after the change's commit.
 */
export async function changeProgress(db: Queryable, changeIds: readonly number[]): Promise<readonly ChangeProgress[]> {
  const found = await db.query<ChangeProgress & { [key: string]: unknown }>(
    `with wanted as (
       select id, first_version, expanded_at, (subject ->> 'serviceId')::uuid as service_id, (subject ->> 'groupId')::uuid as group_id,
         (subject ->> 'userId')::uuid as user_id, kind, kind in ('state', 'service') or (kind = 'grant' and subject ? 'stateId') as everybody
       from changes where id = any($1::bigint[])
     ), concerned as (
       select w.id as change_id, c.user_id from wanted w cross join lateral (
         select user_id from change_users where change_id = w.id
         union select user_id from members where w.kind in ('group', 'grant') and group_id = w.group_id
         union select w.user_id where w.kind = 'grant' and w.user_id is not null) c
       where not w.everybody
     ), rows as (
       select w.id as change_id, a.applied_version < w.first_version and a.wanted_version <> a.applied_version as open,
         case when a.next_try > clock_timestamp() then a.attention end as attention
       from concerned c join wanted w on w.id = c.change_id join accounts a on a.user_id = c.user_id
       where a.wanted_version >= w.first_version and (w.service_id is null or a.service_id = w.service_id)
       union all
       select w.id, a.applied_version < w.first_version and a.wanted_version <> a.applied_version,
         case when a.next_try > clock_timestamp() then a.attention end
       from wanted w join accounts a on a.wanted_version >= w.first_version and (w.service_id is null or a.service_id = w.service_id)
       where w.everybody
     )
     select w.id as "changeId", w.expanded_at is not null as expanded, count(r.change_id)::integer as accounts,
       count(*) filter (where not r.open)::integer as done,
       count(*) filter (where r.open and r.attention is null)::integer as running,
       count(*) filter (where r.open and r.attention in ('waiting', 'action required'))::integer as waiting,
       count(*) filter (where r.open and r.attention = 'rejected')::integer as failed,
       count(*) filter (where r.open and r.attention in ('staged', 'held'))::integer as staged
     from wanted w left join rows r on r.change_id = w.id
     group by w.id, w.expanded_at`,
    [changeIds],
  );
  return found.rows;
}

export type ChangeStatus = 'running' | 'waiting' | 'succeeded' | 'failed';

/** The status of a change's operation: succeeded when nothing is open, failed when all that is open is refused. */
export function changeStatus(progress: ChangeProgress): ChangeStatus {
  if (!progress.expanded || progress.running > 0) return 'running';
  if (progress.waiting > 0 || progress.staged > 0) return 'waiting';
  return progress.failed > 0 ? 'failed' : 'succeeded';
}

/** The outcome in words, e.g. `3 accounts up to date, 1 refused`. */
export function changeOutcome(progress: ChangeProgress): string {
  const parts = [
    [progress.done, 'up to date'],
    [progress.running, 'on the way'],
    [progress.waiting, 'waiting'],
    [progress.failed, 'refused'],
    [progress.staged, 'staged by the guard'],
  ] as const;
  const told = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return told.length === 0 ? 'no account is concerned' : `accounts: ${told.join(', ')}`;
}
