import { uuidv7 } from 'uuidv7';
import type { Queryable } from './database';
import { oneRow } from './database';

export type ReconcileMode = 'report' | 'repair';

export interface Reconciliation {
  readonly id: string;
  readonly serviceId: string;
  readonly service: string;
  readonly mode: ReconcileMode;
  readonly status: 'running' | 'succeeded' | 'failed';
  readonly actor: string;
  readonly reason: string | null;
  readonly accounts: number;
  readonly groups: number;
  /** By kind of difference, how many. */
  readonly found: Readonly<Record<string, number>>;
  /** Accounts and groups that were made due to be put right. */
  readonly repaired: number;
  readonly error: string | null;
  readonly workflowId: string;
  /** What is being listed now, and where it goes on. */
  readonly phase: 'accounts' | 'groups' | 'compare';
  readonly cursor: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

const COLUMNS = `r.id, r.service_id as "serviceId", s.name as service, r.mode, r.status, r.actor, r.reason, r.accounts, r.groups, r.found,
  r.repaired, r.error, r.workflow_id as "workflowId", r.phase, r.cursor, r.created_at as "createdAt", r.finished_at as "finishedAt"`;

type Row = Reconciliation & { readonly [key: string]: unknown };

/** Begins a comparison, or answers the one that is running. */
export async function beginReconciliation(
  db: Queryable,
  request: {
    readonly serviceId: string;
    readonly service: string;
    readonly mode: ReconcileMode;
    readonly actor: string;
    readonly reason?: string | undefined;
  },
): Promise<string> {
  const id = uuidv7();
  const { serviceId, service, mode, actor, reason = null } = request;
  const begun = await db.query<{ id: string }>(
    `with made as (
       insert into reconciliations (id, service_id, mode, actor, reason, workflow_id) values ($1, $2, $3, $4, $5, $6)
       on conflict (service_id) where finished_at is null do nothing returning id
     )
     select id from made union all select id from reconciliations where service_id = $2 and finished_at is null limit 1`,
    [id, serviceId, mode, actor, reason, `reconcile/${service}/${id}`],
  );
  return oneRow(begun).id;
}

/** Services that are switched on, not paused, and not kept out of the nightly comparison. */
export async function servicesToReconcile(
  db: Queryable,
): Promise<
  readonly { readonly id: string; readonly name: string; readonly connector: string; readonly mode: ReconcileMode }[]
> {
  const found = await db.query<{ id: string; name: string; connector: string; mode: ReconcileMode }>(
    `select id, name, connector, coalesce(reconcile ->> 'mode', 'report') as mode from services
     where enabled and paused_reason is null and reconcile ->> 'mode' is distinct from 'off' order by name`,
  );
  return found.rows;
}

/** undefined = there is none. */
export async function readReconciliation(db: Queryable, id: string): Promise<Reconciliation | undefined> {
  const found = await db.query<Row>(
    `select ${COLUMNS} from reconciliations r join services s on s.id = r.service_id where r.id = $1`,
    [id],
  );
  return found.rows[0];
}

/** A page, newest first. */
export async function listReconciliations(
  db: Queryable,
  filter: { readonly serviceId: string; readonly after?: string | undefined; readonly limit: number },
): Promise<readonly Reconciliation[]> {
  const found = await db.query<Row>(
    `select ${COLUMNS} from reconciliations r join services s on s.id = r.service_id
     where r.service_id = $1 and ($2::uuid is null or r.id < $2) order by r.id desc limit $3`,
    [filter.serviceId, filter.after ?? null, filter.limit],
  );
  return found.rows;
}

/** Those that have not ended: a sweep starts again what lost its workflow. */
export async function openReconciliations(db: Queryable): Promise<readonly Reconciliation[]> {
  const found = await db.query<Row>(
    `select ${COLUMNS} from reconciliations r join services s on s.id = r.service_id where r.finished_at is null`,
  );
  return found.rows;
}

export interface SeenThing {
  readonly remoteId: string;
  readonly name: string;
  readonly key: string | null;
  readonly ours: boolean;
  readonly email: string | null;
  readonly enabled: boolean | null;
  readonly groups: readonly string[] | null;
}

export interface SeenPage {
  readonly id: string;
  readonly kind: 'account' | 'group';
  readonly items: readonly SeenThing[];
  readonly phase: Reconciliation['phase'];
  readonly cursor: string | null;
}

/** Keeps one page of the listing together with where it goes on: a crash repeats one page at most. */
export async function recordPage(db: Queryable, page: SeenPage): Promise<void> {
  await db.query(
    `with listed as (
       insert into reconciliation_seen (reconciliation_id, kind, remote_id, name, key, ours, enabled, groups, email)
       select distinct on (t."remoteId") $1::uuid, $2, t."remoteId", t.name,
         case when t.key ~ '^[0-9a-fA-F-]{36}$' then t.key::uuid end, t.ours, t.enabled, t.groups, t.email
       from jsonb_to_recordset($3::jsonb) t ("remoteId" text, name text, key text, ours boolean, enabled boolean, groups text[], email text)
       on conflict (reconciliation_id, kind, remote_id) do nothing
       returning kind
     )
     update reconciliations set phase = $4, cursor = $5, lists_groups = lists_groups or $2 = 'group',
       accounts = accounts + (select count(*) from listed where kind = 'account')::integer,
       groups = groups + (select count(*) from listed where kind = 'group')::integer
     where id = $1`,
    [page.id, page.kind, JSON.stringify(page.items), page.phase, page.cursor],
  );
}

/** Ends a comparison and forgets what was listed. */
export async function endReconciliation(
  db: Queryable,
  id: string,
  ending: { readonly error: string | null; readonly repaired: number },
): Promise<void> {
  await db.query(
    `with forgotten as (delete from reconciliation_seen where reconciliation_id = $1)
     update reconciliations set status = case when $2::text is null then 'succeeded' else 'failed' end, error = $2, repaired = $3,
       finished_at = clock_timestamp(),
       found = (select coalesce(jsonb_object_agg(kind, n), '{}') from (
         select kind, count(*) as n from reconciliation_items where reconciliation_id = $1 group by kind) c)
     where id = $1 and finished_at is null`,
    [id, ending.error, ending.repaired],
  );
}

export interface ReconciliationItem {
  readonly seq: number;
  readonly kind: string;
  readonly userId: string | null;
  readonly username: string | null;
  readonly remoteGroupId: string | null;
  readonly remoteId: string | null;
  readonly remoteName: string | null;
  readonly expected: Readonly<Record<string, unknown>> | null;
  readonly actual: Readonly<Record<string, unknown>> | null;
}

/** A page of what was found, in the order of the comparison. */
export async function listReconciliationItems(
  db: Queryable,
  filter: {
    readonly id: string;
    readonly kind?: string | undefined;
    readonly after?: number | undefined;
    readonly limit: number;
  },
): Promise<readonly ReconciliationItem[]> {
  const found = await db.query<ReconciliationItem & { readonly [key: string]: unknown }>(
    `select i.seq, i.kind, i.user_id as "userId", coalesce(u.username, a.username) as username, i.remote_group_id as "remoteGroupId",
       i.remote_id as "remoteId", i.remote_name as "remoteName", i.expected, i.actual - 'ids' as actual
     from reconciliation_items i join reconciliations r on r.id = i.reconciliation_id
     left join users u on u.id = i.user_id left join accounts a on a.service_id = r.service_id and a.user_id = i.user_id
     where r.id = $1 and ($2::text is null or i.kind = $2) and i.seq > $3 order by i.seq limit $4`,
    [filter.id, filter.kind ?? null, filter.after ?? 0, filter.limit],
  );
  return found.rows;
}
