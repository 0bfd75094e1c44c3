import { randomUUID } from 'node:crypto';

import { recordChange } from '../../store/changes';
import type { NewChange } from '../../store/changes';
import { oneRow, openDatabase } from '../../store/database';
import type { Database, Queryable } from '../../store/database';
import { expandChange } from '../../store/expand';
import { createTestDatabase } from '../environment/database';

/** A migrated database of one test file, with two pools: two processes never share a connection. */
export interface TestStore {
  readonly db: Database;
  readonly other: Database;
  readonly url: string;
  close(): Promise<void>;
}

export async function openTestStore(): Promise<TestStore> {
  const database = await createTestDatabase({ migrated: true });
  const db = openDatabase({ url: database.url, name: 'first' });
  const other = openDatabase({ url: database.url, name: 'second' });
  return {
    db,
    other,
    url: database.url,
    close: async () => {
      await Promise.all([db.close(), other.close()]);
      await database.drop();
    },
  };
}

let count = 0;

/** A word that is used once per test file, and short enough for every name. */
export function unique(word: string): string {
  count += 1;
  return `${word}-${count}`;
}

export interface ServiceColumns {
  readonly begins?: 'automatic' | 'on request';
  readonly on_loss?: 'delete' | 'disable';
  readonly membership?: 'by account' | 'by group' | 'none';
  readonly [column: string]: unknown;
}

/** Inserts a service; columns that are not named have their default. */
export async function addService(db: Queryable, columns: ServiceColumns = {}): Promise<string> {
  return insertRow(db, 'services', { name: unique('service'), connector: 'example', ...columns });
}

export async function addUser(db: Queryable, columns: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const username = unique('user');
  return insertRow(db, 'users', { username, display_name: username, ...columns });
}

/** Inserts many users in one statement; answers their ids in id order. */
export async function addUsers(db: Queryable, number: number): Promise<readonly string[]> {
  const prefix = unique('crowd');
  const added = await db.query<{ id: string }>(
    `insert into users (id, username, display_name) select gen_random_uuid(), $1 || '-' || i, 'One of many' from generate_series(1, $2::integer) i returning id`,
    [prefix, number],
  );
  return added.rows.map((row) => row.id).sort();
}

export async function addGroup(db: Queryable, members: readonly string[] = []): Promise<string> {
  const groupId = await insertRow(db, 'groups', { name: unique('group') });
  await db.query(`insert into members (group_id, user_id) select $1, id from unnest($2::uuid[]) id`, [
    groupId,
    members,
  ]);
  return groupId;
}

export async function addState(db: Queryable, columns: Readonly<Record<string, unknown>> = {}): Promise<string> {
  count += 1;
  return insertRow(db, 'states', { name: unique('state'), priority: 1000 + count, ...columns });
}

export async function addGrant(
  db: Queryable,
  serviceId: string,
  subject: { readonly user_id: string } | { readonly group_id: string } | { readonly state_id: string },
): Promise<string> {
  return insertRow(db, 'grants', { service_id: serviceId, created_by: 'client:test', ...subject });
}

/** Inserts an account as an earlier convergence would have left it: active and up to date unless columns say otherwise. */
export async function addAccount(
  db: Queryable,
  account: { readonly serviceId: string; readonly userId: string },
  columns: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const version = await drawVersion(db);
  const values = {
    service_id: account.serviceId,
    user_id: account.userId,
    username: unique('account'),
    status: 'active',
    remote_id: unique('remote'),
    wanted_version: version,
    applied_version: version,
    ...columns,
  };
  await insert(db, 'accounts', values);
}

/** Makes active, settled accounts for many people in one statement. */
export async function addAccounts(db: Queryable, serviceId: string, userIds: readonly string[]): Promise<void> {
  await db.query(
    `insert into accounts (service_id, user_id, username, status, remote_id, wanted_version, applied_version)
     select $1, u.id, u.username, 'active', 'remote ' || u.id, $3::bigint, $3::bigint from users u where u.id = any($2::uuid[])`,
    [serviceId, userIds, await drawVersion(db)],
  );
}

/** The next version, as a bump draws it. */
export async function drawVersion(db: Queryable): Promise<number> {
  const drawn = await db.query<{ version: number }>(`select nextval('version_seq') as version`);
  return oneRow(drawn).version;
}

export async function accountRow(db: Queryable, serviceId: string, userId: string): Promise<Record<string, unknown>> {
  const found = await db.query(`select * from accounts where service_id = $1 and user_id = $2`, [serviceId, userId]);
  return oneRow(found);
}

/** Commits a change and expands it, as a request does. Answers its id. */
export async function makeChange(
  db: Database,
  change: Partial<NewChange> & Pick<NewChange, 'kind' | 'subject'>,
): Promise<number> {
  const changeId = await commitChange(db, change);
  await expandChange(db, changeId, { groupRules: () => undefined });
  return changeId;
}

/** Commits a change without expanding it, as a process does that dies right after the commit. */
export async function commitChange(
  db: Database,
  change: Partial<NewChange> & Pick<NewChange, 'kind' | 'subject'>,
): Promise<number> {
  const recorded = await db.transaction((client) =>
    recordChange(client, { reasons: ['updateGroups'], actor: 'client:test', operation: 'test', ...change }),
  );
  return recorded.changeId;
}

async function insertRow(db: Queryable, table: string, columns: Readonly<Record<string, unknown>>): Promise<string> {
  const id = randomUUID();
  await insert(db, table, { id, ...columns });
  return id;
}

async function insert(db: Queryable, table: string, columns: Readonly<Record<string, unknown>>): Promise<void> {
  const names = Object.keys(columns);
  const places = names.map((_name, index) => `$${index + 1}`);
  await db.query(`insert into ${table} (${names.join(', ')}) values (${places.join(', ')})`, Object.values(columns));
}
