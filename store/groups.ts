import { uuidv7 } from 'uuidv7';
import { checkName, shortened } from '../domain/organisation-rules';
import type { DueReason, Group } from '../domain/words';
import { recordChange } from './changes';
import type { RecordedChange } from './changes';
import { FieldCheck, found, isUuid } from './checked';
import { refusing } from './constraints';
import type { Database, Queryable } from './database';
import { StoreError } from './errors';
import { likePattern } from './users';
import type { WrittenBy, Written } from './users';

export interface GroupRecord extends Group {
  /** How many people are in it, active or not. */
  readonly members: number;
  readonly createdAt: Date;
}

export interface MemberRecord {
  readonly id: string;
  readonly username: string;
  readonly displayName: string;
  readonly active: boolean;
  readonly addedAt: Date;
}

const COLUMNS = `g.id, g.name, (select count(*) from members m where m.group_id = g.id) as members, g.created_at as "createdAt"`;

type GroupRow = GroupRecord & { readonly [key: string]: unknown };
type MemberRow = MemberRecord & { readonly [key: string]: unknown };

/** A new or lost membership may bring, take or alter accounts: by grants to the group, by its state, by the mapping. */
const MEMBERSHIP_REASONS: readonly DueReason[] = ['validateUser', 'createAccount', 'updateGroups'];

/** One group, or undefined. */
export async function readGroup(db: Queryable, id: string): Promise<GroupRecord | undefined> {
  if (!isUuid(id)) return undefined;
  const row = await db.query<GroupRow>(`select ${COLUMNS} from groups g where g.id = $1`, [id]);
  return row.rows[0];
}

/** The id of the group with this name, in any case. @throws StoreError not-found */
export async function groupIdByName(db: Queryable, name: string): Promise<string> {
  const row = await db.query<{ id: string }>(`select id from groups where lower(name) = lower($1)`, [
    name.normalize('NFC'),
  ]);
  return found(row.rows[0]?.id, `group ${shortened(name)}`);
}

/** A page of groups by name; `after` is the name that the page before ended with. */
export async function listGroups(
  db: Queryable,
  filter: { readonly q?: string | undefined; readonly after?: string | undefined; readonly limit: number },
): Promise<readonly GroupRecord[]> {
  const rows = await db.query<GroupRow>(
    `select ${COLUMNS} from groups g
     where ($1::text is null or lower(g.name) > lower($1)) and ($2::text is null or g.name ilike $2)
     order by lower(g.name) limit $3`,
    [filter.after ?? null, filter.q === undefined ? null : likePattern(filter.q), filter.limit],
  );
  return rows.rows;
}

/** The groups of one person, by name. */
export async function groupsOfUser(db: Queryable, userId: string): Promise<readonly Group[]> {
  const rows = await db.query<Group & { [key: string]: unknown }>(
    `select g.id, g.name from members m join groups g on g.id = m.group_id where m.user_id = $1 order by lower(g.name)`,
    [userId],
  );
  return rows.rows;
}

/** A page of members by username; `after` is the username that the page before ended with. */
export async function listMembers(
  db: Queryable,
  groupId: string,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly MemberRecord[]> {
  const rows = await db.query<MemberRow>(
    `select u.id, u.username, u.display_name as "displayName", u.active, m.added_at as "addedAt"
     from members m join users u on u.id = m.user_id
     where m.group_id = $1 and ($2::text is null or lower(u.username) > lower($2))
     order by lower(u.username) limit $3`,
    [groupId, page.after ?? null, page.limit],
  );
  return rows.rows;
}

/** Adds a group without members. @throws StoreError not-acceptable-value, already-exists */
export async function createGroup(db: Database, name: string, by: WrittenBy): Promise<Written<GroupRecord>> {
  const checked = checkedName(name);
  const id = uuidv7();
  return refusing(() =>
    db.transaction(async (client) => {
      await client.query(`insert into groups (id, name) values ($1, $2)`, [id, checked]);
      const change = await recordGroup(client, { groupId: id, operation: 'createGroup' }, by);
      return { record: await existing(client, id), change };
    }),
  );
}

/** Renames a group: what stems from it at the services is renamed too. @throws StoreError not-found, not-acceptable-value, already-exists */
export async function renameGroup(
  db: Database,
  id: string,
  renaming: { readonly name: string; readonly by: WrittenBy },
): Promise<Written<GroupRecord>> {
  const name = checkedName(renaming.name);
  return refusing(() =>
    db.transaction(async (client) => {
      const before = await lockGroup(client, id, 'no key update');
      if (before.name === name) return { record: before, change: undefined };
      await client.query(`update groups set name = $2 where id = $1`, [id, name]);
      const change = await recordGroup(client, { groupId: id, operation: 'renameGroup' }, renaming.by);
      return { record: { ...before, name }, change };
    }),
  );
}

/**
 * Deletes a group with its memberships and grants. The change carries everybody who was in it: the row lock keeps a member
 * who is being added either out (their request fails) or in (they are among the users of the change).
 * @throws StoreError not-found
 */
export async function deleteGroup(db: Database, id: string, by: WrittenBy): Promise<Written<GroupRecord>> {
  return db.transaction(async (client) => {
    const record = await lockGroup(client, id, 'update');
    const members = await client.query<{ id: string }>(`select user_id as id from members where group_id = $1`, [id]);
    const change = await recordChange(client, {
      kind: 'group',
      subject: { groupId: id },
      reasons: MEMBERSHIP_REASONS,
      users: members.rows.map((row) => row.id),
      actor: by.actor,
      reason: by.reason,
      operation: 'deleteGroup',
    });
    await client.query(`delete from groups where id = $1`, [id]);
    return { record, change };
  });
}

export interface MembersChange {
  readonly groupId: string;
  readonly userIds: readonly string[];
  readonly by: WrittenBy;
}

export interface MembersChanged {
  /** Who was really added or removed; the others were (or were not) members already. */
  readonly userIds: readonly string[];
  readonly change: RecordedChange | undefined;
}

/** Puts people into a group. @throws StoreError not-found (group or any of the users; then nobody is added) */
export async function addMembers(db: Database, request: MembersChange): Promise<MembersChanged> {
  return refusing(() =>
    db.transaction(async (client) => {
      await requireGroup(client, request.groupId);
      await requireUsers(client, request.userIds);
      const added = await client.query<{ id: string }>(
        `insert into members (group_id, user_id) select $1, id from unnest($2::uuid[]) id order by id
         on conflict do nothing returning user_id as id`,
        [request.groupId, request.userIds],
      );
      return recordMembers(client, request, { userIds: added.rows.map((row) => row.id), operation: 'addMember' });
    }),
  );
}

/** Takes people out of a group; who is not in it is passed over. @throws StoreError not-found (group) */
export async function removeMembers(db: Database, request: MembersChange): Promise<MembersChanged> {
  return db.transaction(async (client) => {
    await requireGroup(client, request.groupId);
    const removed = await client.query<{ id: string }>(
      `delete from members where group_id = $1 and user_id = any($2::uuid[]) returning user_id as id`,
      [request.groupId, request.userIds.filter(isUuid)],
    );
    return recordMembers(client, request, { userIds: removed.rows.map((row) => row.id), operation: 'removeMember' });
  });
}

function checkedName(name: string): string {
  const check = new FieldCheck();
  const checked = check.field('name', name, checkName);
  check.refuse();
  return checked ?? '';
}

async function existing(client: Queryable, id: string): Promise<GroupRecord> {
  return found(await readGroup(client, id), `group ${shortened(id)}`);
}

async function lockGroup(client: Queryable, id: string, strength: 'update' | 'no key update'): Promise<GroupRecord> {
  if (isUuid(id)) await client.query(`select from groups where id = $1 for ${strength}`, [id]);
  return existing(client, id);
}

async function requireGroup(client: Queryable, id: string): Promise<void> {
  const row = isUuid(id) ? await client.query(`select from groups where id = $1`, [id]) : undefined;
  if (row?.rowCount !== 1) throw new StoreError('not-found', `There is no group ${shortened(id)}.`);
}

async function requireUsers(client: Queryable, ids: readonly string[]): Promise<void> {
  const known = await client.query<{ id: string }>(`select id from users where id = any($1::uuid[])`, [
    ids.filter(isUuid),
  ]);
  const there = new Set(known.rows.map((row) => row.id));
  const missing = ids.filter((id) => !there.has(id.toLowerCase()));
  if (missing.length === 0) return;
  throw new StoreError('not-found', `There is no user ${shortened(missing[0] ?? '')}.`, {
    errors: missing.map((id) => ({ detail: `no user ${shortened(id)}` })),
  });
}

function recordGroup(
  client: Queryable,
  change: { readonly groupId: string; readonly operation: string },
  by: WrittenBy,
): Promise<RecordedChange> {
  return recordChange(client, {
    kind: 'group',
    subject: { groupId: change.groupId },
    reasons: ['updateGroups'],
    actor: by.actor,
    reason: by.reason,
    operation: change.operation,
  });
}

async function recordMembers(
  client: Queryable,
  request: MembersChange,
  done: { readonly userIds: readonly string[]; readonly operation: string },
): Promise<MembersChanged> {
  if (done.userIds.length === 0) return { userIds: [], change: undefined };
  const only = done.userIds.length === 1 ? done.userIds[0] : undefined;
  const change = await recordChange(client, {
    kind: 'people',
    // With a user alone the operation can be found by that person.
    subject: only === undefined ? { groupId: request.groupId } : { groupId: request.groupId, userId: only },
    reasons: MEMBERSHIP_REASONS,
    users: done.userIds,
    actor: request.by.actor,
    reason: request.by.reason,
    operation: done.operation,
  });
  return { userIds: done.userIds, change };
}
