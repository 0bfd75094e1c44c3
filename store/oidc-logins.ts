import { createHash } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import type { Queryable } from './database';

/** A login on its way. */
export interface OidcLogin {
  readonly id: string;
  readonly sealed: Buffer;
  readonly challenge: string;
  readonly returnTo: string;
}

export interface NewOidcLogin extends Omit<OidcLogin, 'id'> {
  readonly provider: string;
  readonly state: string;
  readonly lifeMs: number;
}

const COLUMNS = `id, sealed, challenge, return_to as "returnTo"`;
type Row = OidcLogin & { readonly [key: string]: unknown };
const OLD_AT_ONCE = 100;

/** Notes that somebody was sent to log in. Logins that nobody came back from go, a few at a time. */
export async function beginOidcLogin(db: Queryable, login: NewOidcLogin): Promise<void> {
  await db.query(
    `delete from oidc_logins where id in
       (select id from oidc_logins where expires_at < clock_timestamp() order by expires_at limit $1 for update skip locked)`,
    [OLD_AT_ONCE],
  );
  await db.query(
    `insert into oidc_logins (id, provider, key_hash, sealed, challenge, return_to, expires_at)
     values ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7::double precision / 1000))`,
    [uuidv7(), login.provider, hashOf(login.state), login.sealed, login.challenge, login.returnTo, login.lifeMs],
  );
}

/** The login that this redirect is for; taken, so that a state counts once. undefined: foreign, used or expired. */
export async function takeOidcLogin(
  db: Queryable,
  redirect: { readonly provider: string; readonly state: string },
): Promise<OidcLogin | undefined> {
  return take(db, { provider: redirect.provider, key: redirect.state, proven: false });
}

/** Keeps what the server said, for whoever redeems the code. */
export async function keepProven(db: Queryable, login: NewOidcLogin): Promise<void> {
  await db.query(
    `insert into oidc_logins (id, provider, key_hash, sealed, challenge, return_to, proven, expires_at)
     values ($1, $2, $3, $4, $5, $6, true, clock_timestamp() + make_interval(secs => $7::double precision / 1000))`,
    [uuidv7(), login.provider, hashOf(login.state), login.sealed, login.challenge, login.returnTo, login.lifeMs],
  );
}

/** What the server said, once. */
export async function takeProven(
  db: Queryable,
  redeemed: { readonly provider: string; readonly code: string },
): Promise<OidcLogin | undefined> {
  return take(db, { provider: redeemed.provider, key: redeemed.code, proven: true });
}

async function take(
  db: Queryable,
  { provider, key, proven }: { readonly provider: string; readonly key: string; readonly proven: boolean },
): Promise<OidcLogin | undefined> {
  const taken = await db.query<Row & { readonly fresh: boolean }>(
    `delete from oidc_logins where key_hash = $1 and provider = $2 and proven = $3
     returning ${COLUMNS}, expires_at > clock_timestamp() as fresh`,
    [hashOf(key), provider, proven],
  );
  const row = taken.rows[0];
  return row?.fresh === true ? row : undefined;
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
