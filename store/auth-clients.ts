import { uuidv7 } from 'uuidv7';
import { found, isUuid } from './checked';
import { refusing } from './constraints';
import type { Database, Queryable } from './database';

/** Somebody or something that calls the API. */
export interface ClientRecord {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  /** The provider's own id. */
  readonly providerId: string;
  /** The person that the login belongs to. */
  readonly userId: string | null;
  readonly enabled: boolean;
  readonly roles: readonly string[];
  readonly acl: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  readonly lastLoginAt: Date | null;
}

const COLUMNS = `c.id, c.name, c.provider, c.provider_id as "providerId", c.user_id as "userId", c.enabled, c.roles, c.acl, c.metadata,
  c.created_at as "createdAt", c.last_login_at as "lastLoginAt"`;

type Row = ClientRecord & { readonly [key: string]: unknown };

export interface NewClient {
  readonly name: string;
  readonly provider: string;
  readonly providerId: string;
  readonly userId?: string | null | undefined;
  readonly roles: readonly string[];
  readonly acl: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Adds a client. @throws StoreError already-exists when the provider has one of this id or name */
export async function createClient(db: Queryable, client: NewClient): Promise<ClientRecord> {
  const { name, provider, providerId, userId, roles, acl, metadata } = client;
  const inserted = await refusing(() =>
    db.query<Row>(
      `insert into auth_clients as c (id, name, provider, provider_id, user_id, roles, acl, metadata)
       values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${COLUMNS}`,
      [uuidv7(), name, provider, providerId, userId ?? null, roles, acl, metadata],
    ),
  );
  return found(inserted.rows[0], 'such client');
}

/**
 * What a provider just said about a client: it is added, or brought up to date. A person is linked once; an admin's link stays.
 */
export async function upsertClient(
  db: Queryable,
  client: NewClient & { readonly isLogin: boolean },
): Promise<ClientRecord> {
  const { name, provider, providerId, userId, roles, acl, metadata, isLogin } = client;
  const rows = await refusing(() =>
    db.query<Row>(
      `insert into auth_clients as c (id, name, provider, provider_id, user_id, roles, acl, metadata, last_login_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, case when $9 then clock_timestamp() end)
       on conflict (provider, provider_id) do update set
         name = excluded.name, roles = excluded.roles, acl = excluded.acl, metadata = excluded.metadata,
         user_id = coalesce(c.user_id, excluded.user_id), updated_at = clock_timestamp(),
         last_login_at = coalesce(excluded.last_login_at, c.last_login_at)
       returning ${COLUMNS}`,
      [uuidv7(), name, provider, providerId, userId ?? null, roles, acl, metadata, isLogin],
    ),
  );
  return found(rows.rows[0], 'such client');
}

/** Notes a login of a client whose rights Muster itself keeps. @throws StoreError not-found */
export async function recordLogin(db: Queryable, id: string): Promise<ClientRecord> {
  const rows = await db.query<Row>(
    `update auth_clients c set last_login_at = clock_timestamp() where c.id = $1 returning ${COLUMNS}`,
    [id],
  );
  return found(rows.rows[0], 'such client');
}

/** One client. @throws StoreError not-found */
export async function readClient(db: Queryable, id: string): Promise<ClientRecord> {
  return found(await findClient(db, { id }), 'such client');
}

export type ClientKey =
  | { readonly id: string }
  | { readonly provider: string; readonly providerId: string }
  | { readonly provider: string; readonly name: string };

/** The client behind an id, a provider's id, or a name at a provider (in any case). */
export async function findClient(db: Queryable, key: ClientKey): Promise<ClientRecord | undefined> {
  if ('id' in key) {
    if (!isUuid(key.id)) return undefined;
    return (await db.query<Row>(`select ${COLUMNS} from auth_clients c where c.id = $1`, [key.id])).rows[0];
  }
  const [where, value] =
    'name' in key ? ['lower(c.name) = lower($2)', key.name] : ['c.provider_id = $2', key.providerId];
  const rows = await db.query<Row>(`select ${COLUMNS} from auth_clients c where c.provider = $1 and ${where}`, [
    key.provider,
    value,
  ]);
  return rows.rows[0];
}

export interface ClientFilter {
  readonly role?: string | undefined;
  readonly provider?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** A page of clients by id (the oldest first). */
export async function listClients(db: Queryable, filter: ClientFilter): Promise<readonly ClientRecord[]> {
  const rows = await db.query<Row>(
    `select ${COLUMNS} from auth_clients c
     where ($1::uuid is null or c.id > $1) and ($2::text is null or $2 = any (c.roles)) and ($3::text is null or c.provider = $3)
     order by c.id limit $4`,
    [filter.after ?? null, filter.role ?? null, filter.provider ?? null, filter.limit],
  );
  return rows.rows;
}

/** Fields of a client that Muster keeps itself; an absent one stays as it is. */
export interface ClientFields {
  readonly enabled?: boolean | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly acl?: readonly string[] | undefined;
  readonly userId?: string | null | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** Alters a client; switching it off ends its tokens in the same commit. @throws StoreError not-found */
export async function updateClient(db: Queryable, id: string, fields: ClientFields): Promise<ClientRecord> {
  const rows = await db.query<Row>(
    `update auth_clients c set enabled = coalesce($2, c.enabled), roles = coalesce($3, c.roles), acl = coalesce($4, c.acl),
       user_id = case when $5 then $6::uuid else c.user_id end, metadata = coalesce($7, c.metadata), updated_at = clock_timestamp()
     where c.id = $1 returning ${COLUMNS}`,
    [
      id,
      fields.enabled ?? null,
      fields.roles ?? null,
      fields.acl ?? null,
      fields.userId !== undefined,
      fields.userId ?? null,
      fields.metadata ?? null,
    ],
  );
  return found(rows.rows[0], 'such client');
}

/** Alters the roles that Muster has noted of a client; part of a transaction. @throws StoreError not-found */
export async function alterRoles(
  db: Queryable,
  id: string,
  alter: (held: readonly string[]) => readonly string[],
): Promise<ClientRecord> {
  const locked = await db.query<{ roles: readonly string[] }>(
    `select roles from auth_clients where id = $1 for no key update`,
    [id],
  );
  return updateClient(db, id, { roles: alter(locked.rows[0]?.roles ?? []) });
}

/** Removes a client with its tokens; false if there was none. */
export async function deleteClient(db: Queryable, id: string): Promise<boolean> {
  return (await db.query(`delete from auth_clients where id = $1`, [id])).rowCount === 1;
}

/** The active person whom a provider's proof names: by the source's key, else by a verified address that only one person has. */
export async function provenUser(
  db: Queryable,
  proof: { readonly externalId?: string | undefined; readonly verifiedEmail?: string | undefined },
): Promise<string | undefined> {
  if (proof.externalId !== undefined) {
    const rows = await db.query<{ id: string }>(`select id from users where external_id = $1 and active`, [
      proof.externalId,
    ]);
    if (rows.rows[0] !== undefined) return rows.rows[0].id;
  }
  if (proof.verifiedEmail === undefined) return undefined;
  const rows = await db.query<{ id: string }>(
    `select id from users where lower(email) = lower($1) and active limit 2`,
    [proof.verifiedEmail],
  );
  return rows.rows.length === 1 ? rows.rows[0]?.id : undefined;
}

/** Is there somebody enabled with this role? */
export async function hasClientWithRole(db: Queryable, role: string): Promise<boolean> {
  const rows = await db.query(`select from auth_clients where $1 = any (roles) and enabled limit 1`, [role]);
  return rows.rowCount === 1;
}

/** Sets a local client's password hash; who had a session before needs a new one. */
export async function setLocalPassword(db: Database, clientId: string, passwordHash: string): Promise<void> {
  await db.transaction(async (client) => {
    await client.query(
      `insert into local_logins (client_id, password_hash) values ($1, $2)
       on conflict (client_id) do update set password_hash = excluded.password_hash, changed_at = clock_timestamp()`,
      [clientId, passwordHash],
    );
    await client.query(`delete from auth_tokens where client_id = $1 and purpose in ('session', 'action')`, [clientId]);
    await client.query(`delete from auth_refresh_tokens where client_id = $1`, [clientId]);
  });
}

/** A local client's password hash. */
export async function readLocalPassword(db: Queryable, clientId: string): Promise<string | undefined> {
  const rows = await db.query<{ hash: string }>(`select password_hash as hash from local_logins where client_id = $1`, [
    clientId,
  ]);
  return rows.rows[0]?.hash;
}
