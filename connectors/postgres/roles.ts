import { escapeIdentifier, escapeLiteral } from 'pg';
import type { PoolClient, QueryResult } from 'pg';
import { Conflict, Unavailable } from '@muster/sdk';
import type { AccountKey, GroupRef } from '@muster/sdk';

/** The SQL of the connector: one function per statement. Names are always quoted by `pg`. */

/** A role that carries our key. */
export interface Role {
  readonly oid: string;
  readonly name: string;
  readonly canLogin: boolean;
}

export interface ListedRole extends Role {
  readonly comment: string;
  /** Oids of the roles that it is a direct member of. */
  readonly memberOf: readonly string[];
}

/**
 * The correlation key is the role's comment (docs: COMMENT). Comments on shared objects can be read by every user of
 * the server, so it holds ids only.
 */
export function accountComment(key: Pick<AccountKey, 'owner' | 'userId'>): string {
  return `muster:${key.owner}:user:${key.userId}`;
}

export function groupComment(key: { readonly owner: string; readonly key: string }): string {
  return `muster:${key.owner}:group:${key.key}`;
}

const COMMENT = /^muster:(?<owner>.+):(?<kind>user|group):(?<id>[^:]+)$/s;

/** Takes a comment apart; undefined = not one of Muster's. */
export function parseComment(comment: string): { readonly owner: string; readonly id: string } | undefined {
  const groups = COMMENT.exec(comment)?.groups;
  if (groups?.['owner'] === undefined || groups['id'] === undefined) return undefined;
  return { owner: groups['owner'], id: groups['id'] };
}

// Literal class id: a regclass constant lets the planner use the index on (objoid, classoid).
const COMMENTED_ROLES = `pg_roles r join pg_shdescription d on d.objoid = r.oid and d.classoid = 'pg_authid'::regclass`;
const ROLE = 'r.oid::text as oid, r.rolname as name, r.rolcanlogin as "canLogin"';
const MEMBER_OF = `array(select m.roleid::text from pg_auth_members m where m.member = r.oid order by 1) as "memberOf"`;
const LISTED = `${ROLE}, d.description as comment, ${MEMBER_OF}`;

/**
 * By key alone. pg_shdescription has no index on the text, so this reads all comments (0.1 ms for 1,000 of them); the role
 * itself is then fetched by its oid, which a join would not promise.
 */
export async function findByComment(client: PoolClient, comment: string): Promise<ListedRole | undefined> {
  const found = await client.query<ListedRole>(
    `select ${ROLE}, $1::text as comment, ${MEMBER_OF} from pg_roles r
      where r.oid = (select min(d.objoid) from pg_shdescription d
                      where d.classoid = 'pg_authid'::regclass and d.description = $1)`,
    [comment],
  );
  return found.rows[0];
}

/** By remote id, and only if the role carries the key: an oid may be used again after a role was dropped. */
export async function findOwn(client: PoolClient, oid: string, comment: string): Promise<ListedRole | undefined> {
  if (!isOid(oid)) return undefined;
  const found = await client.query<ListedRole>(
    `select ${LISTED} from ${COMMENTED_ROLES} where r.oid = $1::oid and d.description = $2`,
    [oid, comment],
  );
  return found.rows[0];
}

/** By remote id, if it is a group role of Muster's: of this owner and with this key, where the caller tells them. */
export async function findGroup(client: PoolClient, ref: GroupRef): Promise<ListedRole | undefined> {
  if (!isOid(ref.remoteId)) return undefined;
  const found = await client.query<ListedRole>(
    `select ${LISTED} from ${COMMENTED_ROLES} where r.oid = $1::oid and d.description like 'muster:%:group:%'`,
    [ref.remoteId],
  );
  const role = found.rows[0];
  const key = role === undefined ? undefined : parseComment(role.comment);
  if (ref.owner !== undefined && ref.owner !== key?.owner) return undefined;
  if (ref.key !== undefined && ref.key !== key?.id) return undefined;
  return role;
}

/** A page of Muster's roles in the order of their oids. */
export async function listByKind(
  client: PoolClient,
  page: { readonly kind: 'user' | 'group'; readonly after: string; readonly limit: number },
): Promise<readonly ListedRole[]> {
  const found = await client.query<ListedRole>(
    `select ${LISTED} from ${COMMENTED_ROLES}
      where d.description like $1 and r.oid > $2::oid order by r.oid limit $3`,
    [`muster:%:${page.kind}:%`, isOid(page.after) ? page.after : '0', page.limit],
  );
  return found.rows;
}

/** Creates role and comment in the caller's transaction, so that a crash leaves both or none. */
export async function createRole(
  client: PoolClient,
  role: { readonly name: string; readonly options: 'login password null' | 'nologin'; readonly comment: string },
): Promise<string> {
  const name = escapeIdentifier(role.name);
  const created = await runAll(client, [
    `create role ${name} ${role.options}`,
    `comment on role ${name} is ${escapeLiteral(role.comment)}`,
    `select oid::text as oid from pg_roles where rolname = ${escapeLiteral(role.name)}`,
  ]);
  return oidOf(created);
}

export async function renameRole(client: PoolClient, role: Role, name: string): Promise<void> {
  await alterOwn(
    client,
    { oid: role.oid, name },
    `alter role ${escapeIdentifier(role.name)} rename to ${escapeIdentifier(name)}`,
  );
}

export async function setLogin(client: PoolClient, role: Role, login: boolean): Promise<void> {
  await alterOwn(client, role, `alter role ${escapeIdentifier(role.name)} ${login ? 'login' : 'nologin'}`);
}

/** `verifier` is what pg_authid stores, never a password. */
export async function setVerifier(client: PoolClient, role: Role, verifier: string): Promise<void> {
  await alterOwn(client, role, `alter role ${escapeIdentifier(role.name)} password ${escapeLiteral(verifier)}`);
}

/** The role is altered first: that holds its row, so that nobody can give the name to another role before the drop. */
export async function dropRole(client: PoolClient, role: Role): Promise<void> {
  await setLogin(client, role, false);
  await client.query(`drop role ${escapeIdentifier(role.name)}`);
}

/**
 * Alters by name what was read by oid, then looks whether the name still meant the same role. If somebody swapped names
 * in between, the error rolls the transaction back before it did anything.
 */
async function alterOwn(
  client: PoolClient,
  role: { readonly oid: string; readonly name: string },
  sql: string,
): Promise<void> {
  const results = await runAll(client, [
    sql,
    `select oid::text as oid from pg_roles where rolname = ${escapeLiteral(role.name)}`,
  ]);
  if (oidOf(results) !== role.oid) throw new Unavailable('A role was renamed by somebody else at this moment.');
}

/** Several statements in one round trip. */
export async function runAll(
  client: PoolClient,
  statements: readonly string[],
): Promise<readonly QueryResult<RowWithOid>[]> {
  // `pg` answers several statements with an array, which its types do not say.
  const results: unknown = await client.query(statements.join('; '));
  return (Array.isArray(results) ? results : [results]) as readonly QueryResult<RowWithOid>[];
}

/** As a number, e.g. 160004 for 16.4. */
export async function serverVersion(client: PoolClient): Promise<number> {
  const result = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  );
  return result.rows[0]?.version ?? 0;
}

interface RowWithOid {
  readonly oid?: string;
}

function oidOf(results: readonly QueryResult<RowWithOid>[]): string {
  const oid = results.at(-1)?.rows[0]?.oid;
  if (oid === undefined) throw new Conflict('The role vanished while it was written.');
  return oid;
}

function isOid(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) <= 4_294_967_295;
}
