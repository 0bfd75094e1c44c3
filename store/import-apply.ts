import { orderReasons } from '../domain/reasons';
import type { DueReason } from '../domain/words';
import { ALTERED } from './import-plan';
import type { RosterDifference } from './import-plan';
import type { Queryable } from './database';

/**
 * Does what the plan says, in the plan's transaction. Locks first and in one order (groups, then people, each by id), so that
 * it never deadlocks with somebody who deletes one of them meanwhile.
 */
export async function applyPlan(client: Queryable): Promise<void> {
  await lockRows(client);
  await freeUsernames(client);
  await alterPeople(client);
  await insertPeople(client);
  await insertGroups(client);
  await removeMembers(client);
  await addMembers(client);
}

/** Names exactly the people about whom anything was altered. */
export async function addTouchedUsers(client: Queryable, changeId: number): Promise<void> {
  await client.query(
    `insert into change_users (change_id, user_id)
     select $1::bigint, user_id from roster_plan where created or ${ALTERED}
     union select $1::bigint, user_id from roster_members`,
    [changeId],
  );
}

/** Why the accounts of these people become due; the first are asked first. */
export function importReasons(difference: RosterDifference): readonly DueReason[] {
  const has = (...parts: readonly (keyof Omit<RosterDifference, 'unchanged'>)[]): boolean =>
    parts.some((part) => difference[part].count > 0);
  const reasons: DueReason[] = [];
  if (has('created', 'updated', 'reactivated', 'membershipsAdded', 'membershipsRemoved')) reasons.push('createAccount');
  if (has('updated', 'deactivated', 'reactivated', 'membershipsAdded', 'membershipsRemoved'))
    reasons.push('validateUser');
  if (
    has('created', 'updated', 'deactivated', 'reactivated', 'groupsCreated', 'membershipsAdded', 'membershipsRemoved')
  )
    reasons.push('updateGroups');
  if (has('updated', 'renamed', 'released')) reasons.push('updateProfile', 'syncNickname');
  return orderReasons(reasons);
}

async function lockRows(client: Queryable): Promise<void> {
  await client.query(`select from groups where id in (select group_id from roster_members) order by id for key share`);
  await client.query(`select from users where id in (select user_id from roster_members) order by id for key share`);
  await client.query(
    `select from users where id in (select user_id from roster_plan where ${ALTERED}) order by id for no key update`,
  );
}

/** Names are unique at every row of a statement, not only at its end: swaps and chains of renames go through a name nobody has. */
async function freeUsernames(client: Queryable): Promise<void> {
  await client.query(
    `update users u set username = '~' || u.id from roster_plan p where p.user_id = u.id and (p.renamed or p.released)`,
  );
}

async function alterPeople(client: Queryable): Promise<void> {
  await client.query(
    `update users u set external_id = p.external_id, username = p.username, display_name = p.display_name, email = p.email,
       active = p.active, source_state_id = p.source_state_id, attributes = p.attributes, updated_at = clock_timestamp()
     from roster_plan p where p.user_id = u.id and ${ALTERED}`,
  );
}

async function insertPeople(client: Queryable): Promise<void> {
  await client.query(
    `insert into users (id, external_id, username, display_name, email, active, source_state_id, attributes)
     select user_id, external_id, username, display_name, email, active, source_state_id, attributes from roster_plan where created
     order by user_id`,
  );
}

async function insertGroups(client: Queryable): Promise<void> {
  await client.query(
    `insert into groups (id, name) select group_id, name from roster_groups where created order by group_id`,
  );
}

async function removeMembers(client: Queryable): Promise<void> {
  await client.query(
    `delete from members m using roster_members r where not r.added and m.group_id = r.group_id and m.user_id = r.user_id`,
  );
}

async function addMembers(client: Queryable): Promise<void> {
  await client.query(
    `insert into members (group_id, user_id) select group_id, user_id from roster_members where added order by group_id, user_id
     on conflict do nothing`,
  );
}
