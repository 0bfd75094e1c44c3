import { uuidv7 } from 'uuidv7';
import type { RosterBatch, RosterMode } from '../domain/roster';
import type { Queryable } from './database';
import { oneRow } from './database';
import type { ErrorItem } from './errors';

/**
 * What an import would alter, worked out set by set in temporary tables of one transaction, before anything is touched:
 * roster_users (the file), roster_plan (people who become or stay what it says), roster_groups, roster_members (the
 * memberships that come and go).
 */

/** One kind of alteration: how many, and the first of them by name. */
export interface DifferencePart {
  readonly count: number;
  readonly names: readonly string[];
}

export interface RosterDifference {
  readonly created: DifferencePart;
  /** Profile or source state. */
  readonly updated: DifferencePart;
  readonly renamed: DifferencePart;
  readonly deactivated: DifferencePart;
  readonly reactivated: DifferencePart;
  /** Inactive people who give up their username to somebody new. */
  readonly released: DifferencePart;
  readonly groupsCreated: DifferencePart;
  /** `names` are the people's. */
  readonly membershipsAdded: DifferencePart;
  readonly membershipsRemoved: DifferencePart;
  /** People of the roster about whom nothing is altered. */
  readonly unchanged: number;
}

const NAMES_SHOWN = 100;

/** Makes the tables of this transaction. */
export async function createStaging(client: Queryable): Promise<void> {
  await client.query(
    `create temp table roster_users (
       line integer not null, external_id text, username text not null, display_name text, email text, email_given boolean not null,
       active boolean, state_id uuid, state_given boolean not null, attributes jsonb, groups text[],
       user_id uuid not null, matched boolean not null default false
     ) on commit drop`,
  );
}

/** Loads one batch; each person gets the id that they will have if they are new. */
export async function stageBatch(client: Queryable, batch: RosterBatch): Promise<void> {
  await client.query(
    `insert into roster_users (line, external_id, username, display_name, email, email_given, active, state_id, state_given, attributes, groups, user_id)
     select (p ->> 'line')::integer, p ->> 'externalId', p ->> 'username', p ->> 'displayName', p ->> 'email', p ? 'email',
       (p ->> 'active')::boolean, s.id, p ? 'state', p -> 'attributes',
       case when p ? 'groups' then array(select jsonb_array_elements_text(p -> 'groups')) end, i.id
     from jsonb_array_elements($1::jsonb) with ordinality e (p, n)
     join unnest($2::uuid[]) with ordinality i (id, n) on i.n = e.n
     left join states s on s.name = p ->> 'state'`,
    [batch.text, Array.from({ length: batch.size }, () => uuidv7())],
  );
}

/** Works out the whole plan. The lines that contradict each other or the database are answered; then there is no plan. */
export async function planImport(
  client: Queryable,
  mode: RosterMode,
  groups: readonly string[],
): Promise<readonly ErrorItem[]> {
  await client.query(`create index on roster_users (lower(username))`);
  await matchByExternalId(client);
  await client.query(`create index on roster_users (user_id)`);
  await matchByUsername(client);
  await client.query(`analyze roster_users`);
  const repeated = await repeatedNames(client);
  if (repeated.length > 0) return repeated;
  await planPeople(client);
  if (mode === 'replace') await planMissing(client);
  await planReleased(client);
  const taken = await takenNames(client);
  if (taken.length > 0) return taken;
  await planGroups(client, groups);
  await planMembers(client, mode);
  return [];
}

async function matchByExternalId(client: Queryable): Promise<void> {
  await client.query(
    `update roster_users r set user_id = u.id, matched = true from users u where u.external_id = r.external_id`,
  );
}

/** The username tells who it is only where no two externalIds contradict each other. */
async function matchByUsername(client: Queryable): Promise<void> {
  await client.query(
    `update roster_users r set user_id = u.id, matched = true from users u
     where not r.matched and lower(u.username) = lower(r.username) and (u.external_id is null or r.external_id is null)
       and not exists (select from roster_users o where o.matched and o.user_id = u.id)`,
  );
}

async function planPeople(client: Queryable): Promise<void> {
  await client.query(
    `create temp table roster_plan on commit drop as
     select n.*, u.username as old_username, u.id is null as created, false as released,
       u.id is not null and u.username <> n.username as renamed,
       u.id is not null and (u.external_id, u.display_name, u.email, u.attributes)
         is distinct from (n.external_id, n.display_name, n.email, n.attributes) as profile,
       u.id is not null and u.source_state_id is distinct from n.source_state_id as restated,
       coalesce(u.active and not n.active, false) as deactivated, coalesce(not u.active and n.active, false) as reactivated
     from (
       select r.user_id, coalesce(r.external_id, u.external_id) as external_id, r.username,
         coalesce(r.display_name, u.display_name, r.username) as display_name,
         case when r.email_given then r.email else u.email end as email, coalesce(r.active, u.active, true) as active,
         case when r.state_given then r.state_id else u.source_state_id end as source_state_id,
         coalesce(r.attributes, u.attributes, '{}') as attributes
       from roster_users r left join users u on u.id = r.user_id and r.matched
     ) n left join users u on u.id = n.user_id`,
  );
  await client.query(`create unique index on roster_plan (user_id)`);
  await client.query(`analyze roster_plan`);
}

/** The roster is the whole truth: who is missing is deactivated, with everything else left as it is. */
async function planMissing(client: Queryable): Promise<void> {
  await client.query(
    `insert into roster_plan (user_id, external_id, username, display_name, email, active, source_state_id, attributes, old_username,
       created, released, renamed, profile, restated, deactivated, reactivated)
     select u.id, u.external_id, u.username, u.display_name, u.email, false, u.source_state_id, u.attributes, u.username,
       false, false, false, false, false, true, false
     from users u where u.active and not exists (select from roster_users r where r.user_id = u.id)`,
  );
}

/** Somebody new may have the username of somebody who left: that one keeps it with a mark, so that both can be told apart. */
async function planReleased(client: Queryable): Promise<void> {
  await client.query(
    `insert into roster_plan (user_id, external_id, username, display_name, email, active, source_state_id, attributes, old_username,
       created, released, renamed, profile, restated, deactivated, reactivated)
     select u.id, u.external_id, left(u.username, 180) || '~' || right(u.id::text, 12), u.display_name, u.email, false, u.source_state_id,
       u.attributes, u.username, false, true, false, false, false, false, false
     from roster_users r join users u on lower(u.username) = lower(r.username) and u.id <> r.user_id
     left join roster_plan p on p.user_id = u.id
     where not exists (select from roster_users o where o.user_id = u.id) and not coalesce(p.active, u.active)
     on conflict (user_id) do update set username = excluded.username, released = true`,
  );
}

/** PostgreSQL folds some letters that the reader of the file does not. */
async function repeatedNames(client: Queryable): Promise<readonly ErrorItem[]> {
  const rows = await client.query<{ line: number; username: string }>(
    `select r.line, r.username from roster_users r
     where exists (select from roster_users o where lower(o.username) = lower(r.username) and o.ctid < r.ctid) order by r.line limit 1000`,
  );
  return rows.rows.map((row) => ({
    pointer: `line ${row.line}`,
    detail: `the username "${row.username}" stands twice`,
  }));
}

/** Only in a merge: an active person who is not in the file has the username. */
async function takenNames(client: Queryable): Promise<readonly ErrorItem[]> {
  const rows = await client.query<{ line: number; username: string }>(
    `select r.line, r.username from roster_users r join users u on lower(u.username) = lower(r.username) and u.id <> r.user_id
     where not exists (select from roster_plan p where p.user_id = u.id) order by r.line limit 1000`,
  );
  return rows.rows.map((row) => ({
    pointer: `line ${row.line}`,
    detail: `the username "${row.username}" belongs to another active person, who is not in this file`,
  }));
}

async function planGroups(client: Queryable, groups: readonly string[]): Promise<void> {
  await client.query(
    `create temp table roster_groups on commit drop as
     select n.name, lower(n.name) as key, g.id as group_id, g.id is null as created
     from (select distinct on (lower(name)) name from (
         select unnest(groups) as name, line from roster_users union all select unnest($1::text[]), 0
       ) named order by lower(name), line, name) n
     left join groups g on lower(g.name) = lower(n.name)`,
    [groups],
  );
  const created = await client.query<{ key: string }>(`select key from roster_groups where created order by key`);
  await client.query(
    `update roster_groups r set group_id = i.id from unnest($1::text[], $2::uuid[]) i (key, id) where i.key = r.key`,
    [created.rows.map((row) => row.key), created.rows.map(() => uuidv7())],
  );
}

/** In a whole roster the memberships of the people it names are exactly those given; a merge only adds. */
async function planMembers(client: Queryable, mode: RosterMode): Promise<void> {
  await client.query(
    `create temp table roster_wanted on commit drop as
     select distinct g.group_id, r.user_id from roster_users r cross join unnest(r.groups) n join roster_groups g on g.key = lower(n)`,
  );
  await client.query(`analyze roster_wanted`);
  await client.query(
    `create temp table roster_members on commit drop as
     select w.group_id, w.user_id, true as added from roster_wanted w
     left join members m on m.group_id = w.group_id and m.user_id = w.user_id where m.user_id is null
     union all
     select m.group_id, m.user_id, false from roster_users r join members m on m.user_id = r.user_id
     left join roster_wanted w on w.group_id = m.group_id and w.user_id = m.user_id
     where $1 and r.groups is not null and w.user_id is null`,
    [mode === 'replace'],
  );
  await client.query(`analyze roster_members`);
}

/** The plan in numbers and names. */
export async function readDifference(client: Queryable): Promise<RosterDifference> {
  const people = await client.query<PeopleRow>(
    `select ${PARTS.map(([name, condition, shown]) => partSql(name, condition, shown)).join(', ')},
       (count(*) filter (where not (created or ${ALTERED}) and user_id in (select user_id from roster_users)
         and user_id not in (select user_id from roster_members)))::integer as unchanged
     from roster_plan`,
  );
  const groups = await client.query<PartRow>(
    `select count(*)::integer as count, coalesce((array_agg(name order by key))[1:${NAMES_SHOWN}], '{}') as names from roster_groups where created`,
  );
  const row = oneRow(people);
  return {
    created: row.created,
    updated: row.updated,
    renamed: row.renamed,
    deactivated: row.deactivated,
    reactivated: row.reactivated,
    released: row.released,
    groupsCreated: oneRow(groups),
    membershipsAdded: await memberPart(client, true),
    membershipsRemoved: await memberPart(client, false),
    unchanged: row.unchanged,
  };
}

/** True when nothing at all is to be altered. */
export function isNoDifference(difference: RosterDifference): boolean {
  const { unchanged: _unchanged, ...parts } = difference;
  return Object.values(parts).every((part) => part.count === 0);
}

/** A person of the plan about whom something is altered (besides memberships). */
export const ALTERED = '(renamed or released or profile or restated or deactivated or reactivated)';

type PartRow = DifferencePart & { readonly [key: string]: unknown };
type PartName = 'created' | 'updated' | 'renamed' | 'deactivated' | 'reactivated' | 'released';
type PeopleRow = Readonly<Record<PartName, DifferencePart>> & {
  readonly unchanged: number;
  readonly [key: string]: unknown;
};

const PARTS: readonly (readonly [PartName, string, string])[] = [
  ['created', 'created', 'username'],
  ['updated', '(profile or restated)', 'username'],
  ['renamed', 'renamed', `old_username || ' → ' || username`],
  ['deactivated', 'deactivated', 'old_username'],
  ['reactivated', 'reactivated', 'username'],
  ['released', 'released', `old_username || ' → ' || username`],
];

function partSql(name: PartName, condition: string, shown: string): string {
  return `json_build_object('count', count(*) filter (where ${condition}),
    'names', coalesce((array_agg(${shown} order by lower(username)) filter (where ${condition}))[1:${NAMES_SHOWN}], '{}')) as ${name}`;
}

async function memberPart(client: Queryable, added: boolean): Promise<DifferencePart> {
  const row = await client.query<PartRow>(
    `select (select count(*) from roster_members where added = $1)::integer as count, coalesce((select array_agg(username) from (
       select distinct p.username from roster_members m join roster_plan p using (user_id) where m.added = $1
       order by p.username limit ${NAMES_SHOWN}) shown), '{}') as names`,
    [added],
  );
  return oneRow(row);
}
