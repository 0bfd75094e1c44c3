import type { OrphanPolicy, UnclaimedAccount } from '../domain/orphans';
import type { Attributes } from '../domain/words';
import { assessTakings } from './guard';
import type { AccountPlace } from './guard';
import { oneRow } from './database';
import type { Queryable } from './database';

/** An account that was listed, carries no key, and is recorded as nobody's. */
export interface ListedStranger extends UnclaimedAccount {
  readonly enabled: boolean | null;
}

/** The accounts without a key that a comparison was told of. What carries the key of another owner is not among them. */
export async function listedStrangers(db: Queryable, reconciliationId: string): Promise<readonly ListedStranger[]> {
  const found = await db.query<ListedStranger & { [key: string]: unknown }>(
    `select s.remote_id as "remoteId", s.name, s.email, s.enabled
     from reconciliation_seen s join reconciliations r on r.id = s.reconciliation_id
     where s.reconciliation_id = $1 and s.kind = 'account' and s.key is null
       and not exists (select from accounts a where a.service_id = r.service_id and a.remote_id = s.remote_id and a.status <> 'removed'
         and not (a.orphan and a.adopt is not null))
     order by s.remote_id`,
    [reconciliationId],
  );
  return found.rows;
}

/** Somebody who has a right to the service, wants it, and has no account there. */
export interface Accountless {
  readonly userId: string;
  readonly username: string;
  readonly displayName: string;
  readonly email: string | null;
  readonly attributes: Attributes;
  readonly state: string;
}

export async function accountlessPeople(db: Queryable, serviceId: string): Promise<readonly Accountless[]> {
  const found = await db.query<Accountless & { [key: string]: unknown }>(
    `select u.id as "userId", u.username, u.display_name as "displayName", u.email, u.attributes, coalesce(st.name, 'Guest') as state
     from accounts a join services s on s.id = a.service_id join users u on u.id = a.user_id
     left join states st on st.id = effective_state(u.id)
     where a.service_id = $1 and a.status in ('none', 'removed') and a.remote_id is null and a.intent is null and u.active
       and s.enabled and a.choice is distinct from 'declined' and (s.begins = 'automatic' or a.choice = 'wanted')
       and (s.hook_decides or entitling_grant(s.id, u.id) is not null or coalesce(st.name = any(s.hook_states), false))
     order by u.id`,
    [serviceId],
  );
  return found.rows;
}

export interface Adoption {
  readonly userId: string;
  readonly account: ListedStranger;
}

/**
 * Gives accounts to people: their next convergence puts our key on it instead of making a new one. Whether they still have
 * the right is asked then. Answers how many.
 */
export async function assignAccounts(
  client: Queryable,
  serviceId: string,
  adoptions: readonly Adoption[],
): Promise<number> {
  if (adoptions.length === 0) return 0;
  const rows = adoptions.map(({ userId, account: { email: _email, ...adopt } }) => ({ userId, adopt }));
  await client.query(
    `delete from accounts where service_id = $1 and orphan and adopt is not null and remote_id = any($2::text[]) and lease_holder is null`,
    [serviceId, adoptions.map(({ account }) => account.remoteId)],
  );
  // Its name was a stranger's until now.
  await client.query(`delete from account_names where service_id = $1 and taken and name = any($2::text[])`, [
    serviceId,
    adoptions.map(({ account }) => account.name),
  ]);
  const assigned = await client.query(
    `update accounts a set adopt = t.adopt, wanted_version = nextval('version_seq'), next_try = null, attention = null,
       due_reasons = array(select distinct e from unnest(a.due_reasons || array['createAccount']) e)
     from jsonb_to_recordset($2::jsonb) t ("userId" uuid, adopt jsonb)
     where a.service_id = $1 and a.user_id = t."userId" and a.remote_id is null and a.lease_holder is null`,
    [serviceId, JSON.stringify(rows)],
  );
  return assigned.rowCount ?? 0;
}

export interface OrphanOrder {
  readonly serviceId: string;
  readonly policy: Exclude<OrphanPolicy, 'report'>;
  readonly accounts: readonly ListedStranger[];
}

/**
 * Makes accounts that are nobody's due to be taken away: each becomes an account of a person who does not exist. The guard looks at all
 * of them as a whole, before the first. Answers how many are due by this.
 */
export async function takeOrphans(client: Queryable, { serviceId, policy, accounts }: OrphanOrder): Promise<number> {
  if (accounts.length === 0) return 0;
  const rows = accounts.map(({ email: _email, ...adopt }) => ({
    remoteId: adopt.remoteId,
    name: adopt.name,
    enabled: adopt.enabled ?? true,
    adopt,
  }));
  await client.query(
    `insert into accounts (service_id, user_id, username, status, remote_id, remote_name, orphan, adopt, notify_user, wanted_version, due_reasons)
     select $1, gen_random_uuid(), t.name, case when t.enabled then 'active' else 'disabled' end, t."remoteId", t.name, true, t.adopt, false,
       nextval('version_seq'), array['validateUser']
     from jsonb_to_recordset($2::jsonb) t ("remoteId" text, name text, enabled boolean, adopt jsonb)
     on conflict do nothing`,
    [serviceId, JSON.stringify(rows)],
  );
  const due = await client.query<{ userId: string; username: string; version: number }>(
    `update accounts a set wanted_version = nextval('version_seq'), due_reasons = array['validateUser'], next_try = null
     where service_id = $1 and orphan and adopt is not null and remote_id = any($2::text[]) and lease_holder is null
       and attention is distinct from 'held' and attention is distinct from 'staged'
     returning user_id as "userId", username, wanted_version as version`,
    [serviceId, accounts.map(({ remoteId }) => remoteId)],
  );
  const kind = policy === 'remove' ? ('removal' as const) : ('disable' as const);
  const takings = due.rows.map(({ userId, username }) => ({ userId, username, kind, amount: 1, groups: [] }));
  const version = Math.max(0, ...due.rows.map((row) => row.version));
  await assessTakings(client, { serviceId, version, changeId: null, takings });
  return due.rows.length;
}

/**
 * Accounts that carry our key and of which nothing is recorded, after a restore for example: a row for each, so that its next
 * convergence reads it back. Whose person is gone is an orphan, which policy decides about. Answers how many.
 */
export async function recordForgotten(client: Queryable, reconciliationId: string): Promise<number> {
  const recorded = await client.query(
    `insert into accounts (service_id, user_id, username, orphan, verify, notify_user, wanted_version, due_reasons)
     select r.service_id, s.key, coalesce(u.username, s.name), u.id is null, true, false, nextval('version_seq'), array['validateUser']
     from reconciliation_seen s join reconciliations r on r.id = s.reconciliation_id left join users u on u.id = s.key
     where s.reconciliation_id = $1 and s.kind = 'account' and s.ours
       and not exists (select from accounts a where a.service_id = r.service_id and (a.user_id = s.key or a.remote_id = s.remote_id and a.status <> 'removed'))
     order by s.key on conflict do nothing`,
    [reconciliationId],
  );
  return recorded.rowCount ?? 0;
}

/** Says in the report whose these accounts are by the rule. */
export async function noteAdoptions(
  client: Queryable,
  reconciliationId: string,
  adoptions: readonly Adoption[],
): Promise<void> {
  await client.query(
    `update reconciliation_items i set user_id = t."userId", expected = jsonb_build_object('adopt', true)
     from jsonb_to_recordset($2::jsonb) t ("userId" uuid, "remoteId" text)
     where i.reconciliation_id = $1 and i.kind = 'unknown' and i.remote_id = t."remoteId"`,
    [
      reconciliationId,
      JSON.stringify(adoptions.map(({ userId, account }) => ({ userId, remoteId: account.remoteId }))),
    ],
  );
}

/** The account carries our key now. Part of the transaction that records so. */
export async function adopted(client: Queryable, { serviceId, userId }: AccountPlace): Promise<void> {
  await client.query(`update accounts set adopt = null where service_id = $1 and user_id = $2`, [serviceId, userId]);
}

/** It cannot be had: a person gets an account of their own, an orphan is forgotten. */
export async function forgetAdoption(db: Queryable, { serviceId, userId }: AccountPlace): Promise<void> {
  const forgotten = await db.query(
    `update accounts set adopt = null, status = case when orphan then 'removed' else status end,
       remote_id = case when orphan then null else remote_id end, remote_name = case when orphan then null else remote_name end
     where service_id = $1 and user_id = $2 returning user_id`,
    [serviceId, userId],
  );
  oneRow(forgotten);
}
