import { uuidv7 } from 'uuidv7';
import { found, isUuid } from './checked';
import { StoreError } from './errors';
import type { Database, Queryable } from './database';

export type TokenPurpose = 'session' | 'api' | 'action';

/** A token as it may be shown: the token itself is nowhere. */
export interface TokenRecord {
  readonly id: string;
  readonly clientId: string;
  readonly purpose: TokenPurpose;
  /** What of the client's rights it has; null = all of them. */
  readonly acl: readonly string[] | null;
  readonly issuedBy: string;
  readonly title: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

const COLUMNS = `t.id, t.client_id as "clientId", t.purpose, t.acl, t.issued_by as "issuedBy", t.title, t.created_at as "createdAt",
  t.expires_at as "expiresAt"`;

type Row = TokenRecord & { readonly [key: string]: unknown };

export interface NewToken {
  readonly clientId: string;
  readonly hash: Buffer;
  readonly purpose: TokenPurpose;
  readonly acl: readonly string[] | null;
  readonly issuedBy: string;
  readonly title?: string | undefined;
  /** From now, in PostgreSQL's clock. */
  readonly lifeS: number;
  readonly refreshId?: string | undefined;
}

/**
 * Adds a token. With `maxSessions` the sessions of one client are counted under a lock: two logins at once are not one too many.
 * @throws StoreError too-many-sessions, not-found when the client is gone or switched off
 */
export async function createToken(db: Database, token: NewToken, maxSessions?: number): Promise<TokenRecord> {
  return db.transaction(async (client) => {
    const lock = await client.query(`select from auth_clients where id = $1 and enabled for no key update`, [
      token.clientId,
    ]);
    if (lock.rowCount === 0) throw new StoreError('not-found', 'There is no such client, or it is switched off.');
    if (maxSessions !== undefined && token.purpose === 'session')
      await countSessions(client, token.clientId, maxSessions);
    const inserted = await client.query<Row>(
      `insert into auth_tokens as t (id, hash, client_id, refresh_id, purpose, acl, issued_by, title, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() + make_interval(secs => $9)) returning ${COLUMNS}`,
      [
        uuidv7(),
        token.hash,
        token.clientId,
        token.refreshId ?? null,
        token.purpose,
        token.acl,
        token.issuedBy,
        token.title ?? '',
        token.lifeS,
      ],
    );
    return found(inserted.rows[0], 'such token');
  });
}

async function countSessions(client: Queryable, clientId: string, maxSessions: number): Promise<void> {
  const { rows } = await client.query<{ sessions: number }>(
    `select count(*) as sessions from auth_tokens where client_id = $1 and purpose = 'session' and expires_at > clock_timestamp()`,
    [clientId],
  );
  if ((rows[0]?.sessions ?? 0) < maxSessions) return;
  throw new StoreError('too-many-sessions', `This client has ${maxSessions} sessions already: end one of them first.`);
}

/** A token with all that decides what it may do, read in one statement. */
export interface LiveToken extends TokenRecord {
  readonly clientName: string;
  readonly provider: string;
  readonly clientRoles: readonly string[];
  readonly clientAcl: readonly string[];
  readonly userId: string | null;
  readonly username: string | null;
  readonly externalId: string | null;
  /** The access lists of those roles that are kept in the database, by name. */
  readonly roleAcls: Readonly<Record<string, readonly string[]>>;
}

/** All of a live token; the statement goes on with what names it. */
const LIVE_TOKEN = `select ${COLUMNS}, c.name as "clientName", c.provider, c.roles as "clientRoles", c.acl as "clientAcl", u.id as "userId",
    u.username, u.external_id as "externalId",
    (select coalesce(jsonb_object_agg(r.name, r.acl), '{}') from auth_roles r where r.name = any (c.roles)) as "roleAcls"
  from auth_tokens t join auth_clients c on c.id = t.client_id left join users u on u.id = c.user_id
  where t.expires_at > clock_timestamp() and c.enabled and (u.id is null or u.active)`;

type LiveRow = LiveToken & { readonly [key: string]: unknown };

/** The token behind a hash, unless it has expired, or its client or person is switched off. Judged when it is read. */
export async function findLiveToken(db: Queryable, hash: Buffer): Promise<LiveToken | undefined> {
  return (await db.query<LiveRow>(`${LIVE_TOKEN} and t.hash = $1`, [hash])).rows[0];
}

/** As above, by its id: what a browser's session stands on. */
export async function findLiveTokenById(db: Queryable, id: string): Promise<LiveToken | undefined> {
  return (await db.query<LiveRow>(`${LIVE_TOKEN} and t.id = $1`, [id])).rows[0];
}

export interface TokenFilter {
  readonly clientId?: string | undefined;
  readonly role?: string | undefined;
  /** Default false: those that have expired and are not purged yet are left out. */
  readonly expired?: boolean | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** A page of tokens by id (the oldest first). */
export async function listTokens(db: Queryable, filter: TokenFilter): Promise<readonly TokenRecord[]> {
  const rows = await db.query<Row>(
    `select ${COLUMNS} from auth_tokens t join auth_clients c on c.id = t.client_id
     where ($1::uuid is null or t.id > $1) and ($2::uuid is null or t.client_id = $2) and ($3::text is null or $3 = any (c.roles))
       and ($4 or t.expires_at > clock_timestamp()) and t.purpose <> 'action'
     order by t.id limit $5`,
    [filter.after ?? null, filter.clientId ?? null, filter.role ?? null, filter.expired ?? false, filter.limit],
  );
  return rows.rows;
}

/** One token that has not expired. @throws StoreError not-found */
export async function readToken(db: Queryable, id: string): Promise<TokenRecord> {
  const rows = isUuid(id)
    ? await db.query<Row>(
        `select ${COLUMNS} from auth_tokens t where t.id = $1 and t.expires_at > clock_timestamp() and t.purpose <> 'action'`,
        [id],
      )
    : undefined;
  return found(rows?.rows[0], 'such token');
}

/** Ends one token; false if there was none. */
export async function revokeToken(db: Queryable, id: string): Promise<boolean> {
  return (await db.query(`delete from auth_tokens where id = $1`, [id])).rowCount === 1;
}

/** Ends the tokens of one client (with its refresh tokens), or of everybody; how many there were. */
export async function revokeTokens(db: Database, clientId: string | undefined): Promise<number> {
  return db.transaction(async (client) => {
    const ended = await client.query(`delete from auth_tokens where $1::uuid is null or client_id = $1`, [
      clientId ?? null,
    ]);
    await client.query(`delete from auth_refresh_tokens where $1::uuid is null or client_id = $1`, [clientId ?? null]);
    return ended.rowCount ?? 0;
  });
}

export interface RefreshRecord {
  readonly id: string;
  readonly clientId: string;
  readonly application: string;
  readonly acl: readonly string[] | null;
  readonly createdAt: Date;
}

const REFRESH_COLUMNS = `id, client_id as "clientId", application, acl, created_at as "createdAt"`;

export interface NewRefreshToken {
  readonly clientId: string;
  readonly application: string;
  readonly hash: Buffer;
  readonly acl: readonly string[] | null;
}

/** The refresh token of one client and application; an older one ends, with the tokens that it made. */
export async function replaceRefreshToken(db: Database, token: NewRefreshToken): Promise<RefreshRecord> {
  return db.transaction(async (client) => {
    const { clientId, application, hash, acl } = token;
    await client.query(`select from auth_clients where id = $1 for no key update`, [clientId]);
    await client.query(`delete from auth_refresh_tokens where client_id = $1 and application = $2`, [
      clientId,
      application,
    ]);
    const rows = await client.query<RefreshRecord & { readonly [key: string]: unknown }>(
      `insert into auth_refresh_tokens (id, client_id, application, hash, acl) values ($1, $2, $3, $4, $5) returning ${REFRESH_COLUMNS}`,
      [uuidv7(), clientId, application, hash, acl],
    );
    return found(rows.rows[0], 'such refresh token');
  });
}

/** The refresh token behind a hash, while its client and person are switched on. */
export async function findRefreshToken(db: Queryable, hash: Buffer): Promise<RefreshRecord | undefined> {
  const rows = await db.query<RefreshRecord & { readonly [key: string]: unknown }>(
    `select r.id, r.client_id as "clientId", r.application, r.acl, r.created_at as "createdAt"
     from auth_refresh_tokens r join auth_clients c on c.id = r.client_id left join users u on u.id = c.user_id
     where r.hash = $1 and c.enabled and (u.id is null or u.active)`,
    [hash],
  );
  return rows.rows[0];
}

/** Refresh tokens of a client. */
export async function listRefreshTokens(db: Queryable, clientId: string): Promise<readonly RefreshRecord[]> {
  const rows = await db.query<RefreshRecord & { readonly [key: string]: unknown }>(
    `select ${REFRESH_COLUMNS} from auth_refresh_tokens where client_id = $1 order by id`,
    [clientId],
  );
  return rows.rows;
}

/** Ends a refresh token and what it made; false if the client has none for this application. */
export async function revokeRefreshToken(db: Queryable, clientId: string, application: string): Promise<boolean> {
  const ended = await db.query(`delete from auth_refresh_tokens where client_id = $1 and application = $2`, [
    clientId,
    application,
  ]);
  return ended.rowCount === 1;
}
