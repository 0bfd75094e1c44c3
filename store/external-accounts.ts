import type { Json } from '../sdk/external-accounts';
import { found } from './checked';
import { refusing } from './constraints';
import type { Queryable } from './database';
import { StoreError } from './errors';

/** A person's account elsewhere. */
export interface ExternalAccountRecord {
  readonly userId: string;
  readonly type: string;
  /** Everything the plug-in keeps, tokens included. */
  readonly sealed: Buffer;
  readonly safe: Json;
  readonly remoteId: string | null;
  readonly remoteName: string | null;
  readonly scopes: readonly string[];
  readonly expiresAt: Date | null;
  /** How long the credential is still good, by the database's clock; null: for ever. */
  readonly goodForMs: number | null;
  /** Why the person must authorize again; null: they need not. */
  readonly broken: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What is stored of the plug-in's data beside the sealed whole. */
export interface ExternalAccountFields {
  readonly sealed: Buffer;
  readonly safe: Json;
  readonly remoteId: string | null;
  readonly remoteName: string | null;
  readonly scopes: readonly string[];
  readonly expiresAt: string | null;
}

export interface ExternalKey {
  readonly userId: string;
  readonly type: string;
}

const COLUMNS = `e.user_id as "userId", e.type, e.sealed, e.safe, e.remote_id as "remoteId", e.remote_name as "remoteName", e.scopes,
  e.expires_at as "expiresAt", (extract(epoch from e.expires_at - clock_timestamp()) * 1000)::double precision as "goodForMs",
  e.broken, e.created_at as "createdAt", e.updated_at as "updatedAt"`;

type Row = ExternalAccountRecord & { readonly [key: string]: unknown };

/** What a person has linked, by type. */
export async function listExternalAccounts(db: Queryable, userId: string): Promise<readonly ExternalAccountRecord[]> {
  const rows = await db.query<Row>(`select ${COLUMNS} from external_accounts e where user_id = $1 order by type`, [
    userId,
  ]);
  return rows.rows;
}

/** Who has linked this type: a page, by the person's id. */
export async function listConnectedUsers(
  db: Queryable,
  page: { readonly type: string; readonly after: string | undefined; readonly limit: number },
): Promise<readonly (ExternalAccountRecord & { readonly username: string })[]> {
  const rows = await db.query<Row & { readonly username: string }>(
    `select ${COLUMNS}, u.username from external_accounts e join users u on u.id = e.user_id
     where e.type = $1 and ($2::uuid is null or e.user_id > $2) order by e.user_id limit $3`,
    [page.type, page.after ?? null, page.limit],
  );
  return rows.rows;
}

/** One linked account, or undefined. */
export async function findExternalAccount(
  db: Queryable,
  { userId, type }: ExternalKey,
): Promise<ExternalAccountRecord | undefined> {
  const row = await db.query<Row>(`select ${COLUMNS} from external_accounts e where user_id = $1 and type = $2`, [
    userId,
    type,
  ]);
  return row.rows[0];
}

/** One linked account. @throws StoreError not-found */
export async function readExternalAccount(db: Queryable, key: ExternalKey): Promise<ExternalAccountRecord> {
  return found(await findExternalAccount(db, key), `${key.type} account linked to this person`);
}

/** Stores what was linked; `onlyNew`: refuses when there is something already. @throws StoreError already-exists, not-found */
export async function storeExternalAccount(
  db: Queryable,
  key: ExternalKey,
  { onlyNew, ...fields }: ExternalAccountFields & { readonly onlyNew: boolean },
): Promise<void> {
  const stored = await refusing(() =>
    db.query(
      `insert into external_accounts (user_id, type, sealed, safe, remote_id, remote_name, scopes, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (user_id, type) do update set sealed = excluded.sealed, safe = excluded.safe,
           remote_id = excluded.remote_id, remote_name = excluded.remote_name, scopes = excluded.scopes,
           expires_at = excluded.expires_at, broken = null, refreshing_until = null, fence = nextval('fence_seq'),
           updated_at = clock_timestamp()
         where not $9`,
      [key.userId, key.type, ...valuesOf(fields), onlyNew],
    ),
  );
  if (stored.rowCount === 0)
    throw new StoreError('already-exists', `The person has already linked an account of the type ${key.type}.`);
}

function valuesOf(fields: ExternalAccountFields): readonly unknown[] {
  return [
    fields.sealed,
    JSON.stringify(fields.safe),
    fields.remoteId,
    fields.remoteName,
    fields.scopes,
    fields.expiresAt,
  ];
}

/** Unlinks; the trigger hands what was linked to the revocations. False: there was nothing. */
export async function deleteExternalAccount(db: Queryable, { userId, type }: ExternalKey): Promise<boolean> {
  const deleted = await db.query(`delete from external_accounts where user_id = $1 and type = $2`, [userId, type]);
  return deleted.rowCount === 1;
}

/** Takes the right to refresh, for a time: a fence, or undefined while another has it. */
export async function takeRefresh(
  db: Queryable,
  { userId, type }: ExternalKey,
  leaseMs: number,
): Promise<number | undefined> {
  const taken = await db.query<{ fence: number }>(
    `update external_accounts set refreshing_until = clock_timestamp() + make_interval(secs => $3::double precision / 1000),
       fence = nextval('fence_seq')
     where user_id = $1 and type = $2 and (refreshing_until is null or refreshing_until <= clock_timestamp())
     returning fence`,
    [userId, type, leaseMs],
  );
  return taken.rows[0]?.fence;
}

/** Writes what a refresh brought. False: somebody else has written meanwhile, or the account was unlinked. */
export async function settleRefresh(
  db: Queryable,
  key: ExternalKey & { readonly fence: number },
  result: ExternalAccountFields | { readonly broken: string } | 'unchanged',
): Promise<boolean> {
  const target = [key.userId, key.type, key.fence];
  const where = `where user_id = $1 and type = $2 and fence = $3`;
  if (result === 'unchanged') {
    const freed = await db.query(`update external_accounts set refreshing_until = null ${where}`, target);
    return freed.rowCount === 1;
  }
  if ('broken' in result) {
    const marked = await db.query(
      `update external_accounts set refreshing_until = null, broken = $4, updated_at = clock_timestamp() ${where}`,
      [...target, result.broken],
    );
    return marked.rowCount === 1;
  }
  const written = await db.query(
    `update external_accounts set refreshing_until = null, broken = null, sealed = $4, safe = $5, remote_id = $6,
       remote_name = $7, scopes = $8, expires_at = $9, updated_at = clock_timestamp() ${where}`,
    [...target, ...valuesOf(result)],
  );
  return written.rowCount === 1;
}
