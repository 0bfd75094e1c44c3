import type { DueReason } from '../domain/words';
import { GATHER_S } from './group-members';
import { prepared } from './database';
import type { Queryable } from './database';

/** Work that waits for nobody (rule 2): a difference of versions, no next try ahead, no writer, service neither paused nor blocked. */
export interface DueAccountRow {
  readonly serviceId: string;
  readonly service: string;
  readonly userId: string;
  readonly reasons: readonly DueReason[];
}

export interface DueCount {
  readonly serviceId: string;
  readonly service: string;
  readonly due: number;
}

export interface DueRemoteGroup {
  readonly serviceId: string;
  readonly service: string;
  readonly remoteGroupId: string;
}

const SERVICE_OPEN = `s.paused_reason is null and s.first_run = 'write' and (s.blocked_until is null or s.blocked_until <= clock_timestamp())`;

/**
 * A live bulk sync does by itself what was due when it was staged; what became due since must not wait for its end. While
 * it is being staged, nothing else is sent; what a paused one has left waits with it.
 */
const LIVE_SYNC = `left join lateral (
  select max(coalesce(y.staged_version, 9223372036854775807)) as version from syncs y
  where y.service_id = s.id and y.status in ('staging', 'running', 'paused') and not y.dry_run) live on true`;
const NOT_IN_SYNC = `(live.version is null or wanted_version > live.version)`;

// The first condition is the predicate of the index: without it every account would be read.
const ROW_DUE = `wanted_version <> applied_version
  and (next_try is null or next_try <= clock_timestamp())
  and (lease_until is null or lease_until < clock_timestamp())`;

/** Due accounts, of every service at most `limit`. */
export async function dueAccounts(
  db: Queryable,
  options: { readonly limit: number },
): Promise<readonly DueAccountRow[]> {
  const found = await db.query<DueAccountRow & { [key: string]: unknown }>(
    `select s.id as "serviceId", s.name as service, a.user_id as "userId", a.due_reasons as reasons
     from services s
     ${LIVE_SYNC}
     cross join lateral (
       select user_id, due_reasons from accounts
       where service_id = s.id and ${ROW_DUE} and ${NOT_IN_SYNC} order by user_id limit $1
     ) a
     where ${SERVICE_OPEN}
     order by s.name, a.user_id`,
    [options.limit],
  );
  return found.rows;
}

/** How many accounts are due on each service that has any. */
export async function dueCounts(db: Queryable): Promise<readonly DueCount[]> {
  const found = await db.query<DueCount & { [key: string]: unknown }>(
    `select s.id as "serviceId", s.name as service, a.due
     from services s
     ${LIVE_SYNC}
     cross join lateral (
       select count(*)::integer as due from accounts where service_id = s.id and ${ROW_DUE} and ${NOT_IN_SYNC}
     ) a
     where a.due > 0 and ${SERVICE_OPEN}
     order by s.name`,
  );
  return found.rows;
}

/** Where members are kept by group, groups wait for the accounts that a bulk run makes; but not long. */
const GATHERS = `(s.membership = 'by group' and exists (
  select from syncs y where y.service_id = s.id and y.status in ('staging', 'running') and not y.dry_run
    and y.created_at > clock_timestamp() - make_interval(secs => ${GATHER_S})))`;

/** Due remote groups, of every service at most `limit`. They go before their members, so a running sync does not stop them. */
export async function dueRemoteGroups(db: Queryable, limit: number): Promise<readonly DueRemoteGroup[]> {
  const found = await db.query<DueRemoteGroup & { [key: string]: unknown }>(
    `select s.id as "serviceId", s.name as service, g.id as "remoteGroupId"
     from services s
     cross join lateral (select id from remote_groups where service_id = s.id and ${ROW_DUE} order by id limit $1) g
     where ${SERVICE_OPEN} and s.has_manager and s.membership <> 'none' and not ${GATHERS}
     order by s.name, g.id`,
    [limit],
  );
  return found.rows;
}

/** Due remote groups of one service that nobody works on: at most `limit`. */
export async function dueGroupsOf(db: Queryable, serviceId: string, limit: number): Promise<readonly string[]> {
  const found = await db.query<{ id: string }>(
    `select g.id from services s
     cross join lateral (select id from remote_groups where service_id = s.id and ${ROW_DUE} order by id limit $2) g
     where s.id = $1 and not ${GATHERS}`,
    [serviceId, limit],
  );
  return found.rows.map((row) => row.id);
}

/** Whether somebody works on a due group of the service at this moment. */
export async function groupsInWork(db: Queryable, serviceId: string): Promise<boolean> {
  const found = await db.query(
    `select from remote_groups where service_id = $1 and wanted_version <> applied_version
       and lease_until > clock_timestamp() limit 1`,
    [serviceId],
  );
  return found.rows.length > 0;
}

/** Which of these accounts have something to be done, whether its time has come or not; an account that does not exist is missing. */
export async function whetherDue(
  db: Queryable,
  serviceId: string,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, boolean>> {
  const found = await db.query<{ userId: string; isDue: boolean }>(
    prepared(`select user_id as "userId", wanted_version <> applied_version as "isDue" from accounts
     where service_id = $1 and user_id = any($2::uuid[])`),
    [serviceId, userIds],
  );
  return new Map(found.rows.map((row) => [row.userId, row.isDue]));
}
