import { randomUUID } from 'node:crypto';
import type { Database } from '../store/database';
import { stateIdByName } from '../store/states';

export interface ManyPeople {
  /** Begins their usernames. */
  readonly prefix: string;
  readonly count: number;
  /** A group that all of them are in; made when it is not there. */
  readonly group?: string;
  /** Default: none, so that a grant of the group is the only one. */
  readonly state?: string;
}

/** Rows of one statement. */
const PAGE = 50_000;

/** People by SQL and without a change: the scene before a measurement. Nobody has a right yet, so nothing is due. */
export async function insertPeople(db: Database, people: ManyPeople): Promise<void> {
  const state = people.state === undefined ? null : await stateIdByName(db, people.state);
  const group = people.group === undefined ? null : await groupNamed(db, people.group);
  for (let from = 0; from < people.count; from += PAGE) {
    await db.query(
      `with made as (
         insert into users (id, external_id, username, display_name, email, source_state_id)
         select gen_random_uuid(), $1 || '-' || i, $1 || '-' || i, 'Person ' || i, $1 || '-' || i || '@example.org', $4
         from generate_series($2::integer, $3::integer) i returning id
       ) insert into members (group_id, user_id) select $5, id from made where $5::uuid is not null`,
      [people.prefix, from + 1, Math.min(from + PAGE, people.count), state, group],
    );
  }
  await db.query('analyze users, members');
}

/** The id of a group, which is made when it is not there. */
export async function groupNamed(db: Database, name: string): Promise<string> {
  const known = await db.query<{ id: string }>('select id from groups where name = $1', [name]);
  const id = known.rows[0]?.id;
  if (id !== undefined) return id;
  const made = randomUUID();
  await db.query('insert into groups (id, name) values ($1, $2)', [made, name]);
  return made;
}

/** Ids of people whose usernames begin so, in the order of their making. */
export async function idsOf(db: Database, prefix: string, limit: number): Promise<readonly string[]> {
  const found = await db.query<{ id: string }>(
    `select id from users where username like $1 || '-%' order by length(username), username limit $2`,
    [prefix, limit],
  );
  return found.rows.map((row) => row.id);
}
