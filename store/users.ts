import { isDeepStrictEqual } from 'node:util';
import { uuidv7 } from 'uuidv7';
import {
  checkAttributes,
  checkDisplayName,
  checkEmail,
  checkExternalId,
  checkName,
  shortened,
} from '../domain/organisation-rules';
import { orderReasons } from '../domain/reasons';
import type { Attributes, DueReason, User } from '../domain/words';
import { recordChange } from './changes';
import type { RecordedChange } from './changes';
import { FieldCheck, found, isUuid } from './checked';
import { refusing } from './constraints';
import type { Database, Queryable } from './database';
import { StoreError } from './errors';

/** Who asks for a write, and why. */
export interface WrittenBy {
  readonly actor: string;
  readonly reason?: string | undefined;
}

/** What a write left behind; `change` is undefined when nothing was altered. Tell the flow about it after the commit. */
export interface Written<T> {
  readonly record: T;
  readonly change: RecordedChange | undefined;
}

export interface UserRecord extends User {
  /** Name of the effective state. */
  readonly state: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Fields of a person; an absent one stays as it is (new people: displayName = username, active, everything else none). */
export interface UserFields {
  readonly externalId?: string | null | undefined;
  readonly username?: string | undefined;
  readonly displayName?: string | undefined;
  readonly email?: string | null | undefined;
  readonly active?: boolean | undefined;
  readonly attributes?: Attributes | undefined;
  /** Name of a state, or null for none. */
  readonly state?: string | null | undefined;
}

/** Columns of a person `u`. */
export const USER_COLUMNS = `u.id, u.external_id as "externalId", u.username, u.display_name as "displayName", u.email, u.active, u.attributes,
  (select name from states where id = u.source_state_id) as "sourceState",
  (select name from states where id = effective_state(u.id)) as state,
  u.created_at as "createdAt", u.updated_at as "updatedAt"`;

export type UserRow = UserRecord & { readonly [key: string]: unknown };

/**
 * The id behind `<uuid>`, `username:ada` or `external:42`.
 * @throws StoreError not-found
 */
export async function resolveUser(db: Queryable, reference: string): Promise<string> {
  const name = /^(username|external):(.*)$/s.exec(reference);
  if (name === null) return found((await readUser(db, reference))?.id, `user ${shortened(reference)}`);
  const where = name[1] === 'username' ? 'lower(username) = lower($1)' : 'external_id = $1';
  const row = await db.query<{ id: string }>(`select id from users where ${where}`, [(name[2] ?? '').normalize('NFC')]);
  return found(row.rows[0]?.id, `user ${shortened(reference)}`);
}

/** One person, or undefined. */
export async function readUser(db: Queryable, id: string): Promise<UserRecord | undefined> {
  if (!isUuid(id)) return undefined;
  const row = await db.query<UserRow>(`select ${USER_COLUMNS} from users u where u.id = $1`, [id]);
  return row.rows[0];
}

/** A pattern that finds the text anywhere; what `like` reads as wildcards is taken as it is written. */
export function likePattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}

/**
 * Adds a person.
 * @throws StoreError not-acceptable-value, already-exists
 */
export async function createUser(
  db: Database,
  fields: UserFields & { readonly username: string },
  by: WrittenBy,
): Promise<Written<UserRecord>> {
  const given = checkFields(fields);
  const id = uuidv7();
  return refusing(() =>
    db.transaction(async (client) => {
      const username = given.username ?? '';
      await client.query(
        `insert into users (id, external_id, username, display_name, email, active, attributes, source_state_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          id,
          given.externalId ?? null,
          username,
          given.displayName ?? username,
          given.email ?? null,
          given.active ?? true,
          given.attributes ?? {},
          await stateId(client, given.state),
        ],
      );
      const reasons: readonly DueReason[] =
        given.active === false ? ['validateUser'] : ['createAccount', 'updateGroups'];
      const change = await recordPeople(client, { userId: id, reasons, operation: 'createUser' }, by);
      return { record: await existing(client, id), change };
    }),
  );
}

/**
 * Alters a person; answers without a change when everything is as it was.
 * @throws StoreError not-found, not-acceptable-value, already-exists
 */
export async function updateUser(
  db: Database,
  id: string,
  change: { readonly fields: UserFields; readonly by: WrittenBy },
): Promise<Written<UserRecord>> {
  const given = checkFields(change.fields);
  return refusing(() =>
    db.transaction(async (client) => {
      const before = await lockUser(client, id, 'no key update');
      const after = applyFields(before, given);
      const reasons = reasonsOf(before, after);
      if (reasons.length === 0) return { record: before, change: undefined };
      await client.query(
        `update users set external_id = $2, username = $3, display_name = $4, email = $5, active = $6, attributes = $7,
           source_state_id = $8, updated_at = clock_timestamp() where id = $1`,
        [
          id,
          after.externalId,
          after.username,
          after.displayName,
          after.email,
          after.active,
          after.attributes,
          await stateId(client, after.sourceState),
        ],
      );
      const recorded = await recordPeople(client, { userId: id, reasons, operation: 'updateUser' }, change.by);
      return { record: await existing(client, id), change: recorded };
    }),
  );
}

/**
 * Deletes a person. Their accounts stay as rows until they are taken away at the far side.
 * @throws StoreError not-found
 */
export async function deleteUser(db: Database, id: string, by: WrittenBy): Promise<Written<UserRecord>> {
  return db.transaction(async (client) => {
    const record = await lockUser(client, id, 'update');
    // Before the row goes: the operation keeps the username.
    const change = await recordPeople(client, { userId: id, reasons: ['deleteAccount'], operation: 'deleteUser' }, by);
    await client.query(`delete from users where id = $1`, [id]);
    return { record, change };
  });
}

function checkFields(fields: UserFields): UserFields {
  const check = new FieldCheck();
  const checked = {
    externalId: check.nullable('externalId', fields.externalId, checkExternalId),
    username: check.field('username', fields.username, checkName),
    displayName: check.field('displayName', fields.displayName, checkDisplayName),
    email: check.nullable('email', fields.email, checkEmail),
    active: fields.active,
    attributes: check.field('attributes', fields.attributes, checkAttributes),
    state: fields.state,
  };
  check.refuse();
  return checked;
}

function applyFields(before: UserRecord, given: UserFields): UserRecord {
  return {
    ...before,
    externalId: given.externalId === undefined ? before.externalId : given.externalId,
    username: given.username ?? before.username,
    displayName: given.displayName ?? before.displayName,
    email: given.email === undefined ? before.email : given.email,
    active: given.active ?? before.active,
    attributes: given.attributes ?? before.attributes,
    sourceState: given.state === undefined ? before.sourceState : given.state,
  };
}

/** Why the accounts of an altered person become due; empty = nothing was altered. */
function reasonsOf(before: UserRecord, after: UserRecord): readonly DueReason[] {
  const reasons = new Set<DueReason>();
  const isProfile = (['externalId', 'username', 'displayName', 'email', 'attributes'] as const).some(
    (field) => !isDeepStrictEqual(before[field], after[field]),
  );
  if (isProfile) reasons.add('updateProfile').add('syncNickname');
  const isState = (before.sourceState ?? '').toLowerCase() !== (after.sourceState ?? '').toLowerCase();
  if (isState || before.active !== after.active) reasons.add('validateUser').add('updateGroups');
  if (isState || (!before.active && after.active)) reasons.add('createAccount');
  return orderReasons([...reasons]);
}

async function existing(client: Queryable, id: string): Promise<UserRecord> {
  return found(await readUser(client, id), `user ${shortened(id)}`);
}

async function lockUser(client: Queryable, id: string, strength: 'update' | 'no key update'): Promise<UserRecord> {
  if (isUuid(id)) await client.query(`select from users where id = $1 for ${strength}`, [id]);
  return existing(client, id);
}

async function stateId(client: Queryable, name: string | null | undefined): Promise<string | null> {
  if (name === null || name === undefined) return null;
  const row = await client.query<{ id: string }>(`select id from states where lower(name) = lower($1)`, [name]);
  const id = row.rows[0]?.id;
  if (id !== undefined) return id;
  throw new StoreError('not-acceptable-value', `There is no state ${shortened(name)}.`, {
    errors: [{ pointer: '/state', detail: 'must be the name of a state' }],
  });
}

interface PeopleChange {
  readonly userId: string;
  readonly reasons: readonly DueReason[];
  readonly operation: string;
}

function recordPeople(client: Queryable, change: PeopleChange, by: WrittenBy): Promise<RecordedChange> {
  return recordChange(client, {
    kind: 'people',
    subject: { userId: change.userId },
    reasons: change.reasons,
    users: [change.userId],
    actor: by.actor,
    reason: by.reason,
    operation: change.operation,
  });
}
