import { uuidv7 } from 'uuidv7';
import type { Database, Queryable } from './database';
import { oneRow } from './database';

/** One person's part in an account that several people share. */
export interface SharePlace {
  readonly serviceId: string;
  readonly userId: string;
}

export interface ShareWish extends SharePlace {
  /** What those have in common who share one account; null = the service has no such rule, or it says nothing of this person. */
  readonly value: string | null;
  /** The person should have an account. */
  readonly wanted: boolean;
  /** The person's own row stands for an account at the far side. */
  readonly hasAccount: boolean;
}

/** An account that is shared, as one of those sees it who share it. */
export interface SharedAccount {
  readonly leadUserId: string;
  /** The user id in the key at the far side. */
  readonly keyId: string;
  /** null: it is not there yet. */
  readonly remoteId: string | null;
  readonly remoteName: string | null;
}

/**
 * What the person is to the account: `alone` (it is theirs only, the ordinary case), `leads` (theirs stands for all), `follows`
 * (another's does), `left` (they had a part, and others go on with the account), `waits` (somebody is just removing it).
 */
export type ShareRole =
  | { readonly role: 'alone' | 'left' | 'waits' }
  | { readonly role: 'leads'; readonly keyId: string }
  | { readonly role: 'follows'; readonly shared: SharedAccount };

interface Share extends SharedAccount {
  readonly [column: string]: unknown;
  readonly value: string;
  /** The lead has a part in it; if not, the account is being removed. */
  readonly leadShares: boolean;
  readonly leadIsBusy: boolean;
}

/** Makes the person's part what it should be, and makes the account due for whoever leads it where that changes its groups. */
export function settleShare(db: Database, wish: ShareWish): Promise<ShareRole> {
  return db.transaction(async (client) => {
    // All that concerns sharing on one service goes one after the other: it is rare, and the parts hang together.
    await client.query(`select pg_advisory_xact_lock(hashtextextended('shares:' || $1, 0))`, [wish.serviceId]);
    const current = await shareOf(client, wish);
    if (!wish.wanted) return current === undefined ? { role: 'alone' } : leave(client, wish, current);
    if (current?.leadUserId === wish.userId) return lead(client, wish, current);
    if (current !== undefined && current.value === wish.value) return follow(client, wish, current);
    if (current !== undefined) await leave(client, wish, current);
    // Who has an account of their own keeps it: nothing is taken away because a rule was set.
    if (wish.value === null || wish.hasAccount) return { role: 'alone' };
    return join(client, wish, wish.value);
  });
}

/** The removal of an account that nobody shares any more is confirmed. */
export async function endShare(client: Queryable, { serviceId, userId }: SharePlace): Promise<void> {
  await client.query(
    `delete from shared_accounts s where service_id = $1 and lead_user_id = $2
       and not exists (select from account_sharers a where a.service_id = s.service_id and a.value = s.value)`,
    [serviceId, userId],
  );
}

const SHARES = `
  select s.value, s.lead_user_id as "leadUserId", s.key_id as "keyId", a.remote_id as "remoteId", a.remote_name as "remoteName",
    exists (select from account_sharers m where m.service_id = s.service_id and m.user_id = s.lead_user_id) as "leadShares",
    coalesce(a.lease_holder is not null and a.lease_until > clock_timestamp() or a.intent is not null, false) as "leadIsBusy"
  from shared_accounts s left join accounts a on a.service_id = s.service_id and a.user_id = s.lead_user_id
  where s.service_id = $1 and `;

async function shareOf(client: Queryable, { serviceId, userId }: SharePlace): Promise<Share | undefined> {
  const found = await client.query<Share>(
    `${SHARES} s.value in (select value from account_sharers where service_id = $1 and user_id = $2
       union all select value from shared_accounts where service_id = $1 and lead_user_id = $2)`,
    [serviceId, userId],
  );
  return found.rows[0];
}

/** Keeps the account; who leads and has another value now leaves it to the others, or takes it along where it is theirs alone. */
async function lead(client: Queryable, wish: ShareWish, share: Share): Promise<ShareRole> {
  const { serviceId, value } = wish;
  const stays: ShareRole = { role: 'leads', keyId: share.keyId };
  if (value === null || value === share.value) {
    await addSharer(client, wish, share.value);
    return stays;
  }
  if ((await heirOf(client, wish, share)) !== undefined) {
    await leave(client, wish, share);
    return { role: 'waits' };
  }
  if (!wish.hasAccount) {
    await client.query(`delete from shared_accounts where service_id = $1 and value = $2`, [serviceId, share.value]);
    return join(client, wish, value);
  }
  await addSharer(client, wish, share.value);
  if (!(await valueTaken(client, serviceId, value)))
    await client.query(`update shared_accounts set value = $3 where service_id = $1 and value = $2`, [
      serviceId,
      share.value,
      value,
    ]);
  return stays;
}

async function valueTaken(client: Queryable, serviceId: string, value: string): Promise<boolean> {
  const found = await client.query(`select from shared_accounts where service_id = $1 and value = $2`, [
    serviceId,
    value,
  ]);
  return found.rowCount === 1;
}

async function follow(client: Queryable, place: SharePlace, share: Share): Promise<ShareRole> {
  const { leadUserId, keyId, remoteId, remoteName } = share;
  await client.query(
    `update accounts set status = 'active', remote_name = $3, instruction = null where service_id = $1 and user_id = $2`,
    [place.serviceId, place.userId, remoteName],
  );
  // One that is not there yet will be made with the groups of all.
  if (remoteId !== null) await bumpLead(client, place.serviceId, share);
  return { role: 'follows', shared: { leadUserId, keyId, remoteId, remoteName } };
}

async function join(client: Queryable, place: SharePlace, value: string): Promise<ShareRole> {
  const keyId = uuidv7();
  const made = await client.query(
    `insert into shared_accounts (service_id, value, lead_user_id, key_id) values ($1, $2, $3, $4) on conflict do nothing`,
    [place.serviceId, value, place.userId, keyId],
  );
  if (made.rowCount === 1) {
    await addSharer(client, place, value);
    return { role: 'leads', keyId };
  }
  const found = await client.query<Share>(`${SHARES} s.value = $2`, [place.serviceId, value]);
  const share = oneRow(found);
  if (share.leadShares) {
    await addSharer(client, place, value);
    return follow(client, place, share);
  }
  if (share.leadIsBusy) return { role: 'waits' };
  // Whoever led it is leaving, and nothing was taken away yet: the account goes on with the new one.
  await addSharer(client, place, value);
  await handOver(client, place.serviceId, { value, from: share.leadUserId, to: place.userId });
  return { role: 'waits' };
}

async function addSharer(client: Queryable, { serviceId, userId }: SharePlace, value: string): Promise<void> {
  await client.query(
    `insert into account_sharers (service_id, user_id, value) values ($1, $2, $3)
     on conflict (service_id, user_id) do update set value = excluded.value`,
    [serviceId, userId, value],
  );
}

/** Who has shared it longest, beside this one. */
async function heirOf(client: Queryable, place: SharePlace, share: Share): Promise<string | undefined> {
  const found = await client.query<{ user_id: string }>(
    `select user_id from account_sharers where service_id = $1 and value = $2 and user_id <> $3 order by joined_at, user_id limit 1`,
    [place.serviceId, share.value, place.userId],
  );
  return found.rows[0]?.user_id;
}

/** The last one keeps the account for its removal; from all others it is only taken off their books. */
async function leave(client: Queryable, place: SharePlace, share: Share): Promise<ShareRole> {
  const { serviceId, userId } = place;
  await client.query(`delete from account_sharers where service_id = $1 and user_id = $2`, [serviceId, userId]);
  if (share.leadUserId !== userId) {
    await client.query(
      `update accounts set status = 'removed', remote_name = null, instruction = null where service_id = $1 and user_id = $2`,
      [serviceId, userId],
    );
    await bumpLead(client, serviceId, share);
    return { role: 'left' };
  }
  const heir = await heirOf(client, place, share);
  if (heir === undefined) return { role: 'leads', keyId: share.keyId };
  await handOver(client, serviceId, { value: share.value, from: userId, to: heir });
  return { role: 'left' };
}

/** The remote account, its names and what is known of it go from one row to another, which is due at once. */
async function handOver(
  client: Queryable,
  serviceId: string,
  { value, from, to }: { readonly value: string; readonly from: string; readonly to: string },
): Promise<void> {
  const given = await client.query(
    `update accounts a set status = 'removed', remote_id = null, remote_name = null, applied_profile = null, applied_groups = null
     from accounts b where a.service_id = $1 and a.user_id = $2 and b.service_id = a.service_id and b.user_id = a.user_id
     returning b.status, b.remote_id, b.remote_name, b.applied_profile, b.applied_groups`,
    [serviceId, from],
  );
  await client.query(
    `update accounts a set status = g.status, remote_id = g.remote_id, remote_name = g.remote_name,
       applied_profile = g.applied_profile, applied_groups = g.applied_groups, instruction = null, adopt = null,
       wanted_version = nextval('version_seq'), next_try = null, attention = null,
       due_reasons = array(select distinct e from unnest(a.due_reasons || array['updateGroups', 'updateProfile']) e)
     from jsonb_populate_record(null::accounts, $3::jsonb) g where a.service_id = $1 and a.user_id = $2`,
    [serviceId, to, JSON.stringify(oneRow(given))],
  );
  await client.query(`update account_names set user_id = $3 where service_id = $1 and user_id = $2`, [
    serviceId,
    from,
    to,
  ]);
  await client.query(`update shared_accounts set lead_user_id = $3 where service_id = $1 and value = $2`, [
    serviceId,
    value,
    to,
  ]);
  await bumpGroups(client, serviceId, to);
}

/** The account's groups are those of all who share it: who leads is due, and where members are kept by group so are the groups. */
async function bumpLead(client: Queryable, serviceId: string, { leadUserId }: Share): Promise<void> {
  await client.query(
    `update accounts a set wanted_version = nextval('version_seq'),
       next_try = case when attention = 'waiting' then next_try end,
       due_reasons = array(select distinct e from unnest(a.due_reasons || array['updateGroups']) e)
     where service_id = $1 and user_id = $2`,
    [serviceId, leadUserId],
  );
  await bumpGroups(client, serviceId, leadUserId);
}

async function bumpGroups(client: Queryable, serviceId: string, leadUserId: string): Promise<void> {
  await client.query(
    `with locked as (
       select g.id from remote_groups g join services s on s.id = g.service_id and s.membership = 'by group'
       where g.service_id = $1 and g.id = any(desired_groups($1, $2) || coalesce(
         (select applied_groups from accounts where service_id = $1 and user_id = $2), '{}'))
       order by g.id for update of g
     )
     update remote_groups r set wanted_version = nextval('version_seq'), next_try = case when r.attention = 'waiting' then r.next_try end
     from locked where r.id = locked.id`,
    [serviceId, leadUserId],
  );
}
