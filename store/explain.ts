import { isWanted } from '../domain/decide';
import { chooseFormat, formatName } from '../domain/names';
import type { AccountBegins, Attributes } from '../domain/words';
import { readAccount } from './accounts';
import type { Account } from './accounts';
import { oneRow } from './database';
import { PAUSED_DETAIL, PAUSED_REASON } from './first-run';
import type { Queryable } from './database';
import { readEntitlement } from './entitlement';
import { explainGroups } from './explain-groups';
import type { ExplainedGroups } from './explain-groups';
import { whyNextTry, whyWanted } from './explain-sentences';
import type { ExplainedGrant, NextTry, ServiceStanding } from './explain-sentences';
import type { StagedTaking } from './guard-decisions';
import { listOperations } from './operations';
import type { Operation, StoreEvent } from './operations';

/** Steps and operations shown at most. */
const LATEST = 20;

export interface ExplainRequest {
  readonly serviceId: string;
  readonly userId: string;
  /** Default name format of the connector's hook, where it is known. */
  readonly hookFormat?: string | undefined;
}

/** Everything that says why an account is as it is (promise 9). */
export interface Explanation {
  readonly serviceId: string;
  readonly service: string;
  readonly userId: string;
  readonly username: string | null;
  readonly person: { readonly active: boolean; readonly state: string | null } | null;
  readonly wanted: boolean;
  readonly why: string;
  readonly entitled: boolean;
  readonly grants: readonly ExplainedGrant[];
  readonly begins: AccountBegins;
  readonly choice: 'wanted' | 'declined' | null;
  readonly serviceStanding: ServiceStanding & { readonly enabled: boolean };
  /** undefined: there never was one. */
  readonly account: Account | undefined;
  readonly name: ExplainedName;
  readonly groups: ExplainedGroups;
  readonly nextTry: NextTry;
  readonly staged: readonly Pick<StagedTaking, 'id' | 'kind' | 'decision' | 'stagedAt' | 'groups'>[];
  readonly held: readonly { readonly kind: string; readonly heldBy: string; readonly heldAt: Date }[];
  readonly events: readonly StoreEvent[];
  readonly operations: readonly Operation[];
}

export interface ExplainedName {
  readonly remoteName: string | null;
  /** Names kept for the account until their removal is confirmed. */
  readonly reserved: readonly string[];
  /** What the format gives now, before the service's own rules and before somebody else had it. null without a person. */
  readonly formatted: string | null;
  readonly format: string;
  /** Where the format comes from. */
  readonly from: string;
}

/** Explains one account, also one that is not there. @throws StoreError not-found (the service) */
export async function explainAccount(db: Queryable, request: ExplainRequest): Promise<Explanation> {
  const { serviceId, userId } = request;
  const entitlement = await readEntitlement(db, serviceId, userId);
  const account = await readAccount(db, serviceId, userId);
  const grants = await grantsOf(db, serviceId, userId);
  const standing = await readStanding(db, serviceId, userId);
  const choice = account?.choice ?? null;
  const { entitled, begins } = entitlement;
  return {
    serviceId,
    service: entitlement.service,
    userId,
    username: entitlement.username ?? account?.username ?? null,
    person: entitlement.username === null ? null : { active: entitlement.active, state: entitlement.state },
    wanted: isWanted({ entitled, begins, choice }),
    why: whyWanted(entitlement, choice, grants),
    entitled,
    grants,
    begins,
    choice,
    serviceStanding: { ...standing, enabled: entitlement.serviceEnabled },
    account,
    name: await explainName(db, request, account),
    groups: await explainGroups(db, request, account?.appliedGroups ?? null),
    nextTry: whyNextTry(account, standing, new Date()),
    staged: await stagedOf(db, serviceId, userId),
    held: await holdsOf(db, serviceId, userId),
    events: await latestEvents(db, serviceId, userId),
    operations: await listOperations(db, { serviceId, userId, limit: LATEST }),
  };
}

async function grantsOf(db: Queryable, serviceId: string, userId: string): Promise<readonly ExplainedGrant[]> {
  const found = await db.query<ExplainedGrant & { [key: string]: unknown }>(
    `select g.id, case when g.user_id is not null then 'user' when g.group_id is not null then 'group' else 'state' end as kind,
       coalesce(u.username, gr.name, st.name) as subject, g.created_by as "grantedBy", g.created_at as "grantedAt"
     from grants g
     left join users u on u.id = g.user_id
     left join groups gr on gr.id = g.group_id
     left join states st on st.id = g.state_id
     where g.service_id = $1 and exists (select from users where id = $2)
       and (g.user_id = $2 or g.state_id = effective_state($2)
         or exists (select from members m where m.group_id = g.group_id and m.user_id = $2))
     order by 2, 3`,
    [serviceId, userId],
  );
  return found.rows;
}

async function readStanding(db: Queryable, serviceId: string, userId: string): Promise<ServiceStanding> {
  const found = await db.query<ServiceStanding & { [key: string]: unknown }>(
    `select ${PAUSED_REASON} as "pausedReason", ${PAUSED_DETAIL} as "pausedDetail", s.probe_at as "probeAt",
       case when s.blocked_until > clock_timestamp() then s.blocked_until end as "blockedUntil",
       exists (select from syncs y where y.service_id = s.id and y.status in ('staging', 'running')) as "syncRunning",
       (select count(*) from changes c where c.expanded_at is null and (c.kind <> 'people'
         or exists (select from change_users cu where cu.change_id = c.id and cu.user_id = $2)))::integer as "unexpandedChanges"
     from services s where s.id = $1`,
    [serviceId, userId],
  );
  return oneRow(found);
}

async function explainName(
  db: Queryable,
  request: ExplainRequest,
  account: Account | undefined,
): Promise<ExplainedName> {
  const found = await db.query<NameFacts>(
    `select s.name_format, s.name_formats, coalesce(st.name, 'Guest') as state, u.username, u.display_name, u.attributes,
       array(select n.name from account_names n where n.service_id = s.id and n.user_id = $2 order by n.reserved_at) as reserved
     from services s left join users u on u.id = $2 left join states st on st.id = effective_state(u.id)
     where s.id = $1`,
    [request.serviceId, request.userId],
  );
  const row = oneRow(found);
  const settings = { nameFormats: row.name_formats, nameFormat: row.name_format, hookFormat: request.hookFormat };
  const { format, from } = chooseFormat(settings, row.state);
  const { username, attributes, state } = row;
  const input =
    username === null ? null : { username, displayName: row.display_name ?? '', state, attributes: attributes ?? {} };
  const formatted = input === null ? null : formatName(format, input);
  return { remoteName: account?.remoteName ?? null, reserved: row.reserved, formatted, format, from };
}

interface NameFacts {
  readonly [column: string]: unknown;
  readonly name_format: string | null;
  readonly name_formats: Readonly<Record<string, string>>;
  readonly state: string;
  readonly username: string | null;
  readonly display_name: string | null;
  readonly attributes: Attributes | null;
  readonly reserved: readonly string[];
}

async function stagedOf(db: Queryable, serviceId: string, userId: string): Promise<Explanation['staged']> {
  const found = await db.query<Explanation['staged'][number] & { [key: string]: unknown }>(
    `select g.id, g.kind, g.decision, g.staged_at as "stagedAt",
       array(select r.name from remote_groups r where r.id = any(g.groups) order by r.name) as groups
     from guard_staged g where g.service_id = $1 and g.user_id = $2 order by g.id desc limit ${LATEST}`,
    [serviceId, userId],
  );
  return found.rows;
}

async function holdsOf(db: Queryable, serviceId: string, userId: string): Promise<Explanation['held']> {
  const found = await db.query<Explanation['held'][number] & { [key: string]: unknown }>(
    `select kind, held_by as "heldBy", held_at as "heldAt" from guard_holds where service_id = $1 and user_id = $2 order by kind`,
    [serviceId, userId],
  );
  return found.rows;
}

/** Newest first. */
async function latestEvents(db: Queryable, serviceId: string, userId: string): Promise<readonly StoreEvent[]> {
  const found = await db.query<StoreEvent & { [key: string]: unknown }>(
    `select id, at, step, data from events where service_id = $1 and user_id = $2 order by id desc limit ${LATEST}`,
    [serviceId, userId],
  );
  return found.rows;
}
