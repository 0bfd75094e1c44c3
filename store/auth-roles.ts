import { found } from './checked';
import type { Queryable } from './database';

/** A named set of access entries that this installation defined. The built-in ones are code. */
export interface RoleRecord {
  readonly name: string;
  readonly title: string;
  readonly acl: readonly string[];
}

type Row = RoleRecord & { readonly [key: string]: unknown };

/** All of them by name. */
export async function listRoles(db: Queryable): Promise<readonly RoleRecord[]> {
  return (await db.query<Row>(`select name, title, acl from auth_roles order by name`)).rows;
}

/** Those of these names that exist. */
export async function readRoles(db: Queryable, names: readonly string[]): Promise<readonly RoleRecord[]> {
  return (await db.query<Row>(`select name, title, acl from auth_roles where name = any ($1) order by name`, [names]))
    .rows;
}

/** Defines a role, or defines it anew: it counts at once, for everybody who has it. */
export async function putRole(db: Queryable, role: RoleRecord): Promise<RoleRecord> {
  const rows = await db.query<Row>(
    `insert into auth_roles (name, title, acl) values ($1, $2, $3)
     on conflict (name) do update set title = excluded.title, acl = excluded.acl, updated_at = clock_timestamp()
     returning name, title, acl`,
    [role.name, role.title, role.acl],
  );
  return found(rows.rows[0], `role ${role.name}`);
}

/** Removes a role from everywhere; false if there was none. */
export async function deleteRole(db: Queryable, name: string): Promise<boolean> {
  await db.query(`update auth_clients set roles = array_remove(roles, $1) where $1 = any (roles)`, [name]);
  return (await db.query(`delete from auth_roles where name = $1`, [name])).rowCount === 1;
}
