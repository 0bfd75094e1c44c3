import { uuidv7 } from 'uuidv7';
import { checkStateName, shortened } from '../domain/organisation-rules';
import type { State } from '../domain/words';
import { recordChange } from './changes';
import type { RecordedChange } from './changes';
import { FieldCheck, found, isUuid } from './checked';
import { refusing } from './constraints';
import type { Database, Queryable } from './database';
import { StoreError } from './errors';
import type { Written, WrittenBy } from './users';

export interface StateRecord extends State {
  /** Names of the groups whose members have this state. */
  readonly groups: readonly string[];
  readonly isBuiltIn: boolean;
}

export interface StateFields {
  readonly name?: string | undefined;
  /** The highest one whose rule applies to a person counts. */
  readonly priority?: number | undefined;
  readonly isPublic?: boolean | undefined;
  /** Ids of the groups whose members have this state. */
  readonly groupIds?: readonly string[] | undefined;
}

const BUILT_IN: readonly { readonly name: string; readonly priority: number; readonly isPublic: boolean }[] = [
  { name: 'Member', priority: 100, isPublic: false },
  { name: 'Blue', priority: 50, isPublic: false },
  { name: 'Guest', priority: 0, isPublic: true },
];

const COLUMNS = `s.id, s.name, s.priority, s.is_public as "isPublic",
  array(select g.name from state_groups sg join groups g on g.id = sg.group_id where sg.state_id = s.id order by lower(g.name)) as groups`;

type Row = Omit<StateRecord, 'isBuiltIn'> & { readonly [key: string]: unknown };

/** Adds Member, Blue and Guest where they are missing; run it at every start, several processes may do so at once. */
export async function ensureBuiltInStates(db: Queryable): Promise<void> {
  await db.query(
    `insert into states (id, name, priority, is_public)
     select * from unnest($1::uuid[], $2::text[], $3::integer[], $4::boolean[]) s (id, name, priority, is_public)
     on conflict do nothing`,
    [
      BUILT_IN.map(() => uuidv7()),
      BUILT_IN.map((state) => state.name),
      BUILT_IN.map((state) => state.priority),
      BUILT_IN.map((state) => state.isPublic),
    ],
  );
}

/** All states, the highest priority first. */
export async function listStates(db: Queryable): Promise<readonly StateRecord[]> {
  const rows = await db.query<Row>(`select ${COLUMNS} from states s order by s.priority desc`);
  return rows.rows.map(withBuiltIn);
}

/** One state, or undefined. */
export async function readState(db: Queryable, id: string): Promise<StateRecord | undefined> {
  if (!isUuid(id)) return undefined;
  const row = await db.query<Row>(`select ${COLUMNS} from states s where s.id = $1`, [id]);
  return row.rows.map(withBuiltIn)[0];
}

/** The id of the state with this name, in any case. @throws StoreError not-found */
export async function stateIdByName(db: Queryable, name: string): Promise<string> {
  const row = await db.query<{ id: string }>(`select id from states where lower(name) = lower($1)`, [
    name.normalize('NFC'),
  ]);
  return found(row.rows[0]?.id, `state ${shortened(name)}`);
}

/** Adds a state. @throws StoreError not-acceptable-value, already-exists, not-found (a group) */
export async function createState(
  db: Database,
  fields: StateFields & { readonly name: string; readonly priority: number },
  by: WrittenBy,
): Promise<Written<StateRecord>> {
  const name = checkedName(fields.name) ?? '';
  const id = uuidv7();
  return refusing(() =>
    db.transaction(async (client) => {
      await client.query(`insert into states (id, name, priority, is_public) values ($1, $2, $3, $4)`, [
        id,
        name,
        fields.priority,
        fields.isPublic ?? false,
      ]);
      await setGroups(client, id, fields.groupIds ?? []);
      return {
        record: await existing(client, id),
        change: await recordState(client, id, { operation: 'createState', by }),
      };
    }),
  );
}

/**
 * Alters a state. The name of a built-in one stays: hooks ask for it.
 * @throws StoreError not-found, conflict, not-acceptable-value, already-exists
 */
export async function updateState(
  db: Database,
  id: string,
  update: { readonly fields: StateFields; readonly by: WrittenBy },
): Promise<Written<StateRecord>> {
  const name = checkedName(update.fields.name);
  return refusing(() =>
    db.transaction(async (client) => {
      const before = await lockState(client, id);
      if (before.isBuiltIn && name !== undefined && name !== before.name) {
        throw new StoreError('conflict', `The state ${before.name} is built in and cannot be renamed.`);
      }
      const after = {
        name: name ?? before.name,
        priority: update.fields.priority ?? before.priority,
        isPublic: update.fields.isPublic ?? before.isPublic,
      };
      const altered = await client.query(
        `update states set name = $2, priority = $3, is_public = $4
         where id = $1 and (name, priority, is_public) is distinct from ($2, $3, $4)`,
        [id, after.name, after.priority, after.isPublic],
      );
      const regrouped = update.fields.groupIds !== undefined && (await setGroups(client, id, update.fields.groupIds));
      if (altered.rowCount === 0 && !regrouped) return { record: before, change: undefined };
      return {
        record: await existing(client, id),
        change: await recordState(client, id, { operation: 'updateState', by: update.by }),
      };
    }),
  );
}

/** Deletes a state with its grants; who had it from the source falls to the next. @throws StoreError not-found, conflict (built in) */
export async function deleteState(db: Database, id: string, by: WrittenBy): Promise<Written<StateRecord>> {
  return db.transaction(async (client) => {
    const record = await lockState(client, id);
    if (record.isBuiltIn)
      throw new StoreError('conflict', `The state ${record.name} is built in and cannot be deleted.`);
    const change = await recordState(client, id, { operation: 'deleteState', by });
    await client.query(`delete from states where id = $1`, [id]);
    return { record, change };
  });
}

function withBuiltIn(row: Row): StateRecord {
  return { ...row, isBuiltIn: BUILT_IN.some((state) => state.name === row.name) };
}

function checkedName(name: string | undefined): string | undefined {
  const check = new FieldCheck();
  const checked = check.field('name', name, checkStateName);
  check.refuse();
  return checked;
}

async function existing(client: Queryable, id: string): Promise<StateRecord> {
  return found(await readState(client, id), `state ${shortened(id)}`);
}

async function lockState(client: Queryable, id: string): Promise<StateRecord> {
  if (isUuid(id)) await client.query(`select from states where id = $1 for update`, [id]);
  return existing(client, id);
}

/** True if something was altered. */
async function setGroups(client: Queryable, id: string, groupIds: readonly string[]): Promise<boolean> {
  const unknown = groupIds.find((groupId) => !isUuid(groupId));
  if (unknown !== undefined) throw new StoreError('not-found', `There is no group ${shortened(unknown)}.`);
  const altered = await client.query(
    `with gone as (
       delete from state_groups where state_id = $1 and group_id <> all($2::uuid[]) returning group_id
     ), new as (
       insert into state_groups (state_id, group_id) select $1, id from unnest($2::uuid[]) id
       on conflict do nothing returning group_id
     )
     select from gone union all select from new`,
    [id, groupIds],
  );
  return (altered.rowCount ?? 0) > 0;
}

/** Who has which state may change for anybody: the expander looks at everybody. */
function recordState(
  client: Queryable,
  stateId: string,
  change: { readonly operation: string; readonly by: WrittenBy },
): Promise<RecordedChange> {
  return recordChange(client, {
    kind: 'state',
    subject: { stateId },
    reasons: ['validateUser', 'createAccount', 'updateGroups'],
    actor: change.by.actor,
    reason: change.by.reason,
    operation: change.operation,
  });
}
