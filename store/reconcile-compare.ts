import type { Queryable } from './database';

/** Only accounts that nobody has touched since the listing began: what moved meanwhile is not drift. */
const SETTLED = `a.wanted_version = a.applied_version and a.lease_holder is null
  and coalesce(a.last_write_at, '-infinity') < r.created_at and a.created_at < r.created_at`;

/** $1 = the comparison. Each answers kind, user, group, remote id, remote name, expected, actual. */
const DIFFERENCES: readonly string[] = [
  `select 'missing', a.user_id, null::uuid, a.remote_id, a.remote_name, jsonb_build_object('status', a.status), null::jsonb
   from r join accounts a on a.service_id = r.service_id
   where a.status in ('active', 'disabled') and a.remote_id is not null and ${SETTLED}
     and not exists (select from seen s where s.kind = 'account' and s.remote_id = a.remote_id)`,
  `select case when s.ours then 'not recorded' else 'unknown' end, case when s.ours then s.key end, null, s.remote_id, s.name, null,
     jsonb_strip_nulls(jsonb_build_object('enabled', s.enabled))
   from r join seen s on s.kind = 'account'
   where not exists (select from accounts a where a.service_id = r.service_id and a.remote_id = s.remote_id and a.status <> 'removed'
       and not (a.orphan and a.adopt is not null))
     and not exists (select from accounts a where s.ours and a.service_id = r.service_id and a.user_id = s.key
       and (a.lease_holder is not null or a.last_write_at >= r.created_at or a.intent is not null))`,
  `select 'name', a.user_id, null, a.remote_id, s.name, jsonb_build_object('name', a.remote_name), jsonb_build_object('name', s.name)
   from r join accounts a on a.service_id = r.service_id join seen s on s.kind = 'account' and s.remote_id = a.remote_id
   where a.status in ('active', 'disabled') and ${SETTLED} and a.remote_name is distinct from s.name`,
  `select 'enabled', a.user_id, null, a.remote_id, s.name, jsonb_build_object('enabled', a.status = 'active'), jsonb_build_object('enabled', s.enabled)
   from r join accounts a on a.service_id = r.service_id join seen s on s.kind = 'account' and s.remote_id = a.remote_id
   where a.status in ('active', 'disabled') and ${SETTLED} and s.enabled is distinct from null and s.enabled <> (a.status = 'active')`,
  `select 'groups', a.user_id, null, a.remote_id, s.name, jsonb_build_object('groups', wanted.names), jsonb_build_object('groups', actual.names, 'ids', actual.ids)
   from r join services v on v.id = r.service_id and v.membership = 'by account'
   join accounts a on a.service_id = r.service_id join seen s on s.kind = 'account' and s.remote_id = a.remote_id
   cross join lateral (select coalesce(array_agg(g.id order by g.id), '{}') as ids, coalesce(array_agg(g.name order by g.id), '{}') as names
     from remote_groups g where g.service_id = r.service_id and g.remote_id is not null and g.id = any(a.applied_groups)) wanted
   cross join lateral (select coalesce(array_agg(g.id order by g.id), '{}') as ids, coalesce(array_agg(g.name order by g.id), '{}') as names
     from remote_groups g where g.service_id = r.service_id and g.remote_id = any(s.groups)) actual
   where a.status = 'active' and ${SETTLED} and a.applied_groups is not null and s.groups is not null and wanted.ids <> actual.ids`,
  `select 'group missing', null, g.id, g.remote_id, g.remote_name, null, null
   from r join remote_groups g on g.service_id = r.service_id
   where g.remote_id is not null and g.wanted_version = g.applied_version and g.updated_at < r.created_at and r.lists_groups
     and not exists (select from seen s where s.kind = 'group' and s.remote_id = g.remote_id)`,
  `select 'group name', null, g.id, g.remote_id, s.name, jsonb_build_object('name', g.remote_name), jsonb_build_object('name', s.name)
   from r join remote_groups g on g.service_id = r.service_id join seen s on s.kind = 'group' and s.remote_id = g.remote_id
   where g.wanted_version = g.applied_version and g.updated_at < r.created_at and g.remote_name is distinct from s.name
     and not exists (select from remote_groups o where o.service_id = g.service_id and o.name = s.name)`,
  `select 'group not recorded', null, null, s.remote_id, s.name, null, null
   from r join seen s on s.kind = 'group' and s.ours
   where not exists (select from remote_groups g where g.service_id = r.service_id and g.remote_id = s.remote_id)`,
];

/** Writes down every difference between what was listed and what is recorded. */
export async function compareWithSeen(db: Queryable, reconciliationId: string): Promise<void> {
  for (const difference of DIFFERENCES) {
    await db.query(
      `with r as (select * from reconciliations where id = $1),
         seen as (select * from reconciliation_seen where reconciliation_id = $1)
       insert into reconciliation_items (reconciliation_id, kind, user_id, remote_group_id, remote_id, remote_name, expected, actual)
       select $1, d.kind, d.user_id::uuid, d.group_id::uuid, d.remote_id, d.remote_name, d.expected::jsonb, d.actual::jsonb
       from (${difference}) d (kind, user_id, group_id, remote_id, remote_name, expected, actual)`,
      [reconciliationId],
    );
  }
}

/** A list in which so many are missing is more likely wrong than the accounts: nothing of it is put right by itself. */
const TOO_MANY_MISSING = `(select count(*) from items where kind = 'missing') > greatest(10, (select count(*) / 2 from accounts
  where service_id = r.service_id and status in ('active', 'disabled')))`;

/**
 * Records what the far side really has, and makes exactly those accounts and groups due that differ; convergence then does
 * what is right, and asks the guard where that takes something away. Unknown accounts and groups are never touched.
 * Answers how many were made due.
 */
export async function repairDifferences(db: Queryable, reconciliationId: string): Promise<number> {
  const repaired = await db.query<{ user_id: string }>(
    `with r as (select r.*, s.on_gone from reconciliations r join services s on s.id = r.service_id where r.id = $1),
     items as (select * from reconciliation_items where reconciliation_id = $1),
     wrong as (
       select user_id,
         bool_or(kind = 'missing') as missing, bool_or(kind = 'not recorded') as unrecorded,
         max(remote_name) filter (where kind = 'name') as name,
         bool_or((actual ->> 'enabled')::boolean) filter (where kind = 'enabled') as enabled,
         (array_agg(actual -> 'ids') filter (where kind = 'groups'))[1] as groups
       from items, r where user_id is not null and not (kind = 'missing' and (r.on_gone = 'drop' or ${TOO_MANY_MISSING}))
       group by user_id order by user_id
     )
     update accounts a set
       verify = a.verify or w.missing or w.unrecorded,
       remote_name = coalesce(w.name, a.remote_name),
       applied_profile = case when w.name is not null then null else a.applied_profile end,
       status = case when w.enabled then 'active' when not w.enabled then 'disabled' else a.status end,
       applied_groups = case when w.groups is not null then array(select jsonb_array_elements_text(w.groups)::uuid) else a.applied_groups end,
       wanted_version = nextval('version_seq'), next_try = null, attention = null,
       due_reasons = array(select distinct e from unnest(a.due_reasons || array['reconfigured', 'validateUser']) e)
     from wrong w, r where a.service_id = r.service_id and a.user_id = w.user_id and a.lease_holder is null
     returning a.user_id`,
    [reconciliationId],
  );
  return repaired.rows.length + (await repairGroups(db, reconciliationId));
}

async function repairGroups(db: Queryable, reconciliationId: string): Promise<number> {
  const renamed = await db.query(
    `update remote_groups g set remote_name = i.remote_name, wanted_version = nextval('version_seq'), next_try = null
     from reconciliation_items i where i.reconciliation_id = $1 and i.kind = 'group name' and g.id = i.remote_group_id`,
    [reconciliationId],
  );
  return renamed.rowCount ?? 0;
}

/** Groups that are gone at the far side: service and remote id. */
export async function missingGroups(
  db: Queryable,
  reconciliationId: string,
): Promise<readonly { readonly serviceId: string; readonly remoteId: string }[]> {
  const found = await db.query<{ serviceId: string; remoteId: string }>(
    `select r.service_id as "serviceId", i.remote_id as "remoteId" from reconciliation_items i
     join reconciliations r on r.id = i.reconciliation_id where r.id = $1 and i.kind = 'group missing'`,
    [reconciliationId],
  );
  return found.rows;
}
