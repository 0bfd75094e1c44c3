import type { Queryable } from './database';

/** An account that a remote group should gain or lose. */
export interface MemberDifference {
  readonly userId: string;
  readonly username: string;
  readonly remoteId: string;
  readonly remoteName: string;
  /** The user id in the key at the far side: another one where several people share the account. */
  readonly keyId: string;
  readonly wanted: boolean;
}

/** Where a service keeps members by group: who is missing in the group and who is too many, at most `limit`. */
export async function memberDifferences(
  db: Queryable,
  group: { readonly serviceId: string; readonly remoteGroupId: string },
  limit: number,
): Promise<readonly MemberDifference[]> {
  const found = await db.query<MemberDifference & { [key: string]: unknown }>(
    `with persons as (
       select m.user_id from group_sources gs
       join members m on gs.source_kind = 'group' and m.group_id = gs.source_id where gs.remote_group_id = $2
       union
       select u.id from group_sources gs
       join users u on gs.source_kind = 'state' and effective_state(u.id) = gs.source_id where gs.remote_group_id = $2
     ), wanted as (
       -- Who shares an account is in the group with it.
       select distinct coalesce(sh.lead_user_id, p.user_id) as user_id from persons p
       left join account_sharers m on m.service_id = $1 and m.user_id = p.user_id
       left join shared_accounts sh on sh.service_id = m.service_id and sh.value = m.value
     )
     select a.user_id as "userId", a.username, a.remote_id as "remoteId", coalesce(a.remote_name, '') as "remoteName",
       coalesce((select key_id from shared_accounts k where k.service_id = $1 and k.lead_user_id = a.user_id), a.user_id) as "keyId",
       w.user_id is not null as wanted
     from accounts a left join wanted w on w.user_id = a.user_id
     where a.service_id = $1 and a.status = 'active' and a.remote_id is not null
       and (w.user_id is not null) <> coalesce(a.applied_groups @> array[$2::uuid], false)
       and not exists (
         select from guard_holds h where h.service_id = $1 and h.user_id = a.user_id and h.kind = 'group removal'
           and w.user_id is null)
       and not exists (
         select from guard_staged g where g.service_id = $1 and g.user_id = a.user_id and g.kind = 'group removal'
           and g.decision is null and g.groups @> array[$2::uuid] and w.user_id is null)
     order by a.user_id limit $3`,
    [group.serviceId, group.remoteGroupId, limit],
  );
  return found.rows;
}

/**
 * Members of the group for whom a removal is reserved, staged, approved or held on this service, and who have the right to
 * every group they are in: nothing of it applies any more.
 */
export async function returnedMembers(
  db: Queryable,
  group: { readonly serviceId: string; readonly remoteGroupId: string },
): Promise<readonly string[]> {
  const found = await db.query<{ userId: string }>(
    `with guarded as (
       select user_id from guard_taken where service_id = $1 and kind = 'group removal' and done_at is null
       union select user_id from guard_holds where service_id = $1 and kind = 'group removal'
       union select user_id from guard_staged where service_id = $1 and kind = 'group removal' and done_at is null
         and decision is distinct from 'rejected'
     )
     select a.user_id as "userId" from guarded join accounts a on a.service_id = $1 and a.user_id = guarded.user_id
     where a.applied_groups @> array[$2::uuid] and a.applied_groups <@ desired_groups($1, a.user_id) order by 1`,
    [group.serviceId, group.remoteGroupId],
  );
  return found.rows.map((row) => row.userId);
}

/** Records who is in the group now. The accounts are locked in order: groups with the same members are recorded side by side. */
export async function recordMembers(
  db: Queryable,
  group: { readonly serviceId: string; readonly remoteGroupId: string },
  change: { readonly added: readonly string[]; readonly removed: readonly string[] },
): Promise<void> {
  await db.query(
    `with locked as (
       select user_id from accounts where service_id = $1 and user_id = any($3::uuid[] || $4::uuid[]) order by user_id for update
     )
     update accounts a set applied_groups = case when a.user_id = any($3::uuid[])
       then array(select distinct g from unnest(coalesce(a.applied_groups, '{}') || array[$2::uuid]) g)
       else array_remove(a.applied_groups, $2::uuid) end
     from locked where a.service_id = $1 and a.user_id = locked.user_id`,
    [group.serviceId, group.remoteGroupId, change.added, change.removed],
  );
}

/**
 * One membership each was taken away: of what was reserved for them one is done and stays counted, the rest stays open for
 * their other groups. An approval is used up when all its groups are left. In the transaction that records the members.
 */
export async function confirmLeavers(db: Queryable, serviceId: string, userIds: readonly string[]): Promise<void> {
  if (userIds.length === 0) return;
  await db.query(
    `with open as (
       delete from guard_taken where service_id = $1 and user_id = any($2::uuid[]) and kind = 'group removal' and done_at is null
       returning user_id, amount, taken_at
     )
     insert into guard_taken (service_id, user_id, kind, amount, taken_at, done_at)
     select $1, user_id, 'group removal', 1, taken_at, clock_timestamp() from open
     union all
     select $1, user_id, 'group removal', amount - 1, taken_at, null from open where amount > 1`,
    [serviceId, userIds],
  );
  await db.query(
    `update guard_staged s set done_at = clock_timestamp() from accounts a
     where s.service_id = $1 and s.user_id = any($2::uuid[]) and s.kind = 'group removal' and s.decision = 'approved' and s.done_at is null
       and a.service_id = $1 and a.user_id = s.user_id and not coalesce(a.applied_groups, '{}') && s.groups`,
    [serviceId, userIds],
  );
}

/** A group that a bulk run adds members to is written with all of them at its end, but after so long at the latest. */
export const GATHER_S = 60;

/** Due, nobody is at it, and nobody soon will be. */
const GATHERING = `wanted_version <> applied_version and lease_holder is null and next_try > clock_timestamp() + interval '5 seconds'`;

/**
 * An account has come to be on a service that keeps members by group: its groups are due. In a bulk run they gather their
 * members first, or each would be written again and again while the accounts of its members are made. A group that gathers
 * is left alone, so that accounts do not wait for each other at its row; `bumpMissedGroups` closes the run.
 */
export async function bumpGroupsOf(
  db: Queryable,
  account: { readonly serviceId: string; readonly userId: string },
  lane: 'person' | 'bulk',
): Promise<void> {
  await db.query(
    `update remote_groups set wanted_version = nextval('version_seq'),
       next_try = case when attention = 'waiting' or ($3 and next_try > clock_timestamp()) then next_try
         when $3 then clock_timestamp() + make_interval(secs => $4) end
     where id in (select id from remote_groups where id = any(desired_groups($1, $2)) and not ($3 and ${GATHERING})
       order by id for update)`,
    [account.serviceId, account.userId, lane === 'bulk', GATHER_S],
  );
}

/** Items of a bulk run that are looked through together. */
const ITEMS_PAGE = 1_000;

/**
 * After a bulk run: groups that miss an account which the run has made, and would not look again by themselves. Called when
 * nothing of the run is at work any more.
 */
export async function bumpMissedGroups(db: Queryable, syncId: string): Promise<void> {
  const run = await db.query<{ total: number }>(
    `select y.total from syncs y join services s on s.id = y.service_id where y.id = $1 and s.membership = 'by group'`,
    [syncId],
  );
  const total = run.rows[0]?.total ?? 0;
  for (let from = 1; from <= total; from += ITEMS_PAGE) {
    await db.query(
      `update remote_groups set wanted_version = nextval('version_seq') where id in (
         select g.id from remote_groups g
         where (g.wanted_version = g.applied_version or g.lease_holder is not null) and g.id in (
           select d from sync_items i join syncs y on y.id = i.sync_id
           join accounts a on a.service_id = y.service_id and a.user_id = i.user_id
           cross join unnest(desired_groups(a.service_id, a.user_id)) d
           where i.sync_id = $1 and i.seq between $2 and $3 and a.status = 'active' and a.remote_id is not null
             and not coalesce(a.applied_groups @> array[d], false))
         order by g.id for update)`,
      [syncId, from, from + ITEMS_PAGE - 1],
    );
  }
}

/** The bulk run is over: groups that gathered members are due at once. Answers whether there are any that waited for it. */
export async function releaseGatheredGroups(db: Queryable, service: string): Promise<boolean> {
  const waiting = await db.query(
    `update remote_groups g set next_try = case when g.attention is null and g.failures = 0 then null else g.next_try end
     from services s
     where s.name = $1 and g.service_id = s.id and s.membership = 'by group' and g.wanted_version <> g.applied_version`,
    [service],
  );
  return waiting.rowCount !== null && waiting.rowCount > 0;
}
