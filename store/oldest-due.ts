import type { Queryable } from './database';

/** The account of a service that has been due for longest. */
export interface OldestDue {
  readonly service: string;
  readonly userId: string;
  readonly username: string;
  /** When what it waits for was asked; as near as the change, sync or operation that asked tells. */
  readonly since: Date | null;
}

/** Versions are drawn in order, so the lowest wanted one is the oldest wish; whoever drew it says when. */
const SINCE = `case when a.wanted_version = a.asked_version then
    (select coalesce(y.started_at, y.created_at) from syncs y
     where y.service_id = s.id and y.staged_version >= a.wanted_version order by y.staged_version limit 1)
  else greatest(
    (select c.committed_at from changes c where c.first_version <= a.wanted_version order by c.id desc limit 1),
    (select max(o.created_at) from operations o where o.service_id = s.id and o.user_id = a.user_id
       and o.status in ('running', 'waiting') and o.version <= a.wanted_version)) end`;

/** For one service, or for all (undefined) on which something is due. */
export async function readOldestDue(db: Queryable, serviceId?: string): Promise<readonly OldestDue[]> {
  const found = await db.query<OldestDue & { [key: string]: unknown }>(
    `select s.name as service, a.user_id as "userId", a.username, ${SINCE} as since
     from services s cross join lateral (
       select user_id, username, wanted_version, asked_version from accounts
       where service_id = s.id and wanted_version <> applied_version and attention is null
         and coalesce(next_try, '-infinity') <= clock_timestamp() and not orphan
       order by wanted_version limit 1) a
     where $1::uuid is null or s.id = $1 order by s.name`,
    [serviceId ?? null],
  );
  return found.rows;
}
