import type { GuardKind } from '../domain/guard';
import type { CleanRules } from '../domain/names';
import type { ChangeKind, ChangeSubject } from './changes';
import type { Database, Queryable } from './database';
import { assessTakings } from './guard';
import type { Taking } from './guard';
import { refreshMapping } from './mapping';
import { oneRow } from './database';

/** People a page looks at; each page is its own commit, so that nobody waits long behind it (rule 1). */
const PAGE_ROWS = 2_000;

export interface ExpandOptions {
  /** How group names must look on a kind of service. */
  readonly groupRules: (connector: string) => CleanRules | undefined;
  /** Stop after so many pages, leaving the rest to the next call. Default: all. */
  readonly maxPages?: number;
}

export interface StagedOnService {
  readonly serviceId: string;
  readonly count: number;
}

export interface DueAccount {
  readonly serviceId: string;
  readonly userId: string;
}

export interface Expansion {
  readonly finished: boolean;
  /** Accounts that became due in this call. */
  readonly accounts: readonly DueAccount[];
  /** Services on which something was staged by the guard. */
  readonly staged: readonly StagedOnService[];
}

interface ChangeRow {
  readonly id: number;
  readonly kind: ChangeKind;
  readonly subject: ChangeSubject;
  readonly reasons: readonly string[];
  readonly first_version: number | null;
  readonly cursor: string | null;
}

/**
 * Turns a committed change into due accounts: inserts the missing rows and bumps the others, a page at a time. May be run
 * by several processes at once and again after a crash: each page locks the change and goes on where the last one ended.
 */
export async function expandChange(db: Database, changeId: number, options: ExpandOptions): Promise<Expansion> {
  const staged = await prepare(db, changeId, options);
  const accounts: DueAccount[] = [];
  for (let page = 0; page < (options.maxPages ?? Number.POSITIVE_INFINITY); page += 1) {
    const result = await db.transaction((client) => expandPage(client, changeId));
    accounts.push(...result.accounts);
    if (result.finished) return { finished: true, accounts, staged };
  }
  return { finished: false, accounts, staged };
}

/** Unexpanded changes, oldest first. */
export async function unexpandedChanges(db: Queryable, limit: number): Promise<readonly number[]> {
  const found = await db.query<{ id: number }>(
    `select id from changes where expanded_at is null order by id limit $1`,
    [limit],
  );
  return found.rows.map((row) => row.id);
}

/** Once per change: brings the mapping up to date, draws the version, and lets the guard look at the whole of it. */
async function prepare(db: Database, changeId: number, options: ExpandOptions): Promise<Expansion['staged']> {
  return db.transaction(async (client) => {
    const change = await lockChange(client, changeId);
    if (change === undefined || change.first_version !== null) return [];
    const services = await client.query<{ id: string; connector: string }>(
      `select id, connector from services where ($1::uuid is null or id = $1) order by id`,
      [change.subject.serviceId ?? null],
    );
    if (touchesMapping(change)) {
      for (const service of services.rows)
        await refreshMapping(client, service.id, options.groupRules(service.connector));
    }
    const drawn = await client.query<{ version: number }>(`select nextval('version_seq') as version`);
    const version = oneRow(drawn).version;
    const staged: StagedOnService[] = [];
    for (const service of services.rows) {
      const takings = await takingsOf(client, change, service.id);
      const count = await assessTakings(client, { serviceId: service.id, version, changeId, takings });
      if (count === 0) continue;
      staged.push({ serviceId: service.id, count });
    }
    await client.query(`update changes set first_version = $2 where id = $1`, [changeId, version]);
    return staged;
  });
}

/** A single person's change cannot alter which groups exist; everything else may (an import creates groups). */
function touchesMapping(change: ChangeRow): boolean {
  return change.kind !== 'people' || change.subject.userId === undefined;
}

async function lockChange(client: Queryable, changeId: number): Promise<ChangeRow | undefined> {
  const locked = await client.query<ChangeRow & { [key: string]: unknown }>(
    `select id, kind, subject, reasons, first_version, cursor from changes where id = $1 and expanded_at is null for update`,
    [changeId],
  );
  return locked.rows[0];
}

interface PageResult {
  readonly finished: boolean;
  readonly accounts: readonly DueAccount[];
}

async function expandPage(client: Queryable, changeId: number): Promise<PageResult> {
  const change = await lockChange(client, changeId);
  if (change === undefined) return { finished: true, accounts: [] };
  const users = await candidates(client, change, await pageSize(client, change));
  const last = users.ids.at(-1);
  const bumped = last === undefined ? [] : await bump(client, change, users.ids);
  await client.query(
    `update changes set cursor = coalesce($2, cursor), expanded_at = case when $3 then clock_timestamp() end where id = $1`,
    [changeId, last ?? null, users.finished],
  );
  return { finished: users.finished, accounts: bumped };
}

/** So many people that a page stays below PAGE_ROWS accounts over all services concerned. */
async function pageSize(client: Queryable, change: ChangeRow): Promise<number> {
  if (change.subject.serviceId !== undefined) return PAGE_ROWS;
  const counted = await client.query<{ services: number }>(`select count(*)::integer as services from services`);
  return Math.max(1, Math.floor(PAGE_ROWS / Math.max(1, oneRow(counted).services)));
}

async function candidates(
  client: Queryable,
  change: ChangeRow,
  limit: number,
): Promise<{ readonly ids: readonly string[]; readonly finished: boolean }> {
  const found = await client.query<{ id: string }>(
    `select id from (${candidateSql(change)}) c where ($2::uuid is null or id > $2) and $1::bigint is not null and $3::jsonb is not null order by id limit $4`,
    [change.id, change.cursor, change.subject, limit],
  );
  return { ids: found.rows.map((row) => row.id), finished: found.rows.length < limit };
}

/** Whom a change concerns. $1 = change id, $3 = subject. */
function candidateSql(change: ChangeRow): string {
  const listed = `select user_id as id from change_users where change_id = $1`;
  const groupMembers = `select user_id as id from members where group_id = ($3::jsonb ->> 'groupId')::uuid`;
  if (change.kind === 'people') return listed;
  if (change.kind === 'group') return `${listed} union ${groupMembers}`;
  if (change.kind === 'state') return `select id from users`;
  if (change.kind === 'service') {
    return `select id from users union select user_id from accounts where service_id = ($3::jsonb ->> 'serviceId')::uuid`;
  }
  if (change.subject.groupId !== undefined) return `${listed} union ${groupMembers}`;
  if (change.subject.stateId !== undefined) {
    return `${listed} union select id from users where effective_state(id) = ($3::jsonb ->> 'stateId')::uuid`;
  }
  return `${listed} union select ($3::jsonb ->> 'userId')::uuid where $3::jsonb ? 'userId'`;
}

const ENTITLED = `(s.enabled and coalesce(u.active, false) and (s.hook_decides
  or entitling_grant(s.id, c.id) is not null
  or exists (select from states st where st.id = effective_state(c.id) and st.name = any(s.hook_states))))`;

async function bump(client: Queryable, change: ChangeRow, userIds: readonly string[]): Promise<readonly DueAccount[]> {
  const bumped = await client.query<DueAccount & { [key: string]: unknown }>(
    `with pairs as (
       select s.id as service_id, c.id as user_id, coalesce(u.username, a.username, '') as username, ${ENTITLED} as entitled,
         a.user_id is not null as known, s.begins,
         coalesce(a.status = 'removed' and a.intent is null and a.lease_holder is null, false) as tombstone
       from unnest($1::uuid[]) c (id)
       cross join services s
       left join users u on u.id = c.id
       left join accounts a on a.service_id = s.id and a.user_id = c.id
       where $2::uuid is null or s.id = $2
     )
     insert into accounts (service_id, user_id, username, wanted_version, due_reasons)
     select service_id, user_id, username, nextval('version_seq'), $3 from pairs
     where (known and (entitled or not tombstone)) or (not known and entitled and begins = 'automatic')
     order by service_id, user_id
     on conflict (service_id, user_id) do update set
       -- Drawn again under the row lock, so that versions of a row only grow.
       wanted_version = nextval('version_seq'), username = excluded.username,
       due_reasons = array(select distinct r from unnest(accounts.due_reasons || excluded.due_reasons) r),
       next_try = case when accounts.attention = 'waiting' then accounts.next_try end
     returning service_id as "serviceId", user_id as "userId"`,
    [userIds, change.subject.serviceId ?? null, change.reasons],
  );
  await bumpRemoteGroups(client, change, userIds);
  return bumped.rows;
}

/** Where membership is set by group, the groups of these people are due too. */
async function bumpRemoteGroups(client: Queryable, change: ChangeRow, userIds: readonly string[]): Promise<void> {
  await client.query(
    `with concerned as materialized (
       select unnest(desired_groups(s.id, c.id) || coalesce(a.applied_groups, '{}')) as id
       from services s cross join unnest($1::uuid[]) c (id)
       left join accounts a on a.service_id = s.id and a.user_id = c.id
       where s.membership = 'by group' and ($2::uuid is null or s.id = $2)
     ), locked as (
       -- In one order, so that two changes never wait for each other.
       select id from remote_groups where id in (select id from concerned) order by id for update
     )
     update remote_groups rg set wanted_version = nextval('version_seq'),
       next_try = case when rg.attention = 'waiting' then rg.next_try end
     from locked where rg.id = locked.id`,
    [userIds, change.subject.serviceId ?? null],
  );
}

/** What this change would take away from a service: accounts whose right is lost, and memberships. */
async function takingsOf(client: Queryable, change: ChangeRow, serviceId: string): Promise<readonly Taking[]> {
  const found = await client.query<{ userId: string; username: string; kind: GuardKind; groups: string[] }>(
    `with concerned as materialized (
       select a.user_id, coalesce(u.username, a.username) as username, a.status, a.applied_groups, a.choice, s.begins, s.on_loss,
         s.hook_decides, u.id is null as gone, ${ENTITLED} as entitled, desired_groups(s.id, c.id) as desired
       from (${candidateSql(change)}) c
       join accounts a on a.user_id = c.id and a.service_id = $2
       join services s on s.id = a.service_id
       left join users u on u.id = c.id
       where a.status in ('pending', 'active', 'disabled') and a.remote_id is not null and not a.orphan and $1::bigint is not null and $3::jsonb is not null
     ), judged as (
       select *, entitled and choice is distinct from 'declined' and (begins = 'automatic' or choice = 'wanted') as wanted,
         on_loss = 'disable' and not gone and choice is distinct from 'declined' as disables
       from concerned
     )
     select user_id as "userId", username, case when disables then 'disable' else 'removal' end as kind, '{}'::uuid[] as groups
     from judged where not wanted and not (disables and status = 'disabled')
     union all
     select user_id, username, 'group removal', array(select unnest(applied_groups) except select unnest(desired))
     from judged where wanted and applied_groups is not null and not applied_groups <@ desired`,
    [change.id, serviceId, change.subject],
  );
  return found.rows.map((row) => ({ ...row, amount: row.kind === 'group removal' ? row.groups.length : 1 }));
}
