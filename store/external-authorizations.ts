import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import { isUuid } from './checked';
import { refusing } from './constraints';
import { oneRow } from './database';
import type { Queryable } from './database';

/** An authorization on its way: begun by a person, waiting for the redirect, then for the exchange. */
export interface AuthorizationRecord {
  readonly id: string;
  readonly userId: string;
  readonly type: string;
  readonly verb: 'post' | 'put';
  readonly status: 'starting' | 'pending' | 'answered' | 'completed' | 'failed' | 'expired';
  readonly sealedBody: Buffer | null;
  readonly sealedStart: Buffer | null;
  readonly callback: string | null;
  readonly sealedArgs: Buffer | null;
  readonly sealedMessage: Buffer | null;
  readonly returnTo: string | null;
  readonly problem: string | null;
  readonly attempts: number;
  readonly expiresAt: Date;
  /** Until `expiresAt`, by the database's clock; negative = past. */
  readonly goodForMs: number;
}

const COLUMNS = `id, user_id as "userId", type, verb, status, sealed_body as "sealedBody", sealed_start as "sealedStart", callback,
  sealed_args as "sealedArgs", sealed_message as "sealedMessage", return_to as "returnTo", problem, attempts,
  expires_at as "expiresAt", (extract(epoch from expires_at - clock_timestamp()) * 1000)::double precision as "goodForMs"`;

type Row = AuthorizationRecord & { readonly [key: string]: unknown };

export interface NewAuthorization {
  readonly id: string;
  readonly userId: string;
  readonly type: string;
  readonly verb: 'post' | 'put';
  readonly actor: string;
  readonly sealedBody: Buffer;
  /** What only the browser that began knows; undefined: it was no browser. */
  readonly browserKey: string | undefined;
  readonly returnTo: string | undefined;
  readonly lifeMs: number;
}

/** A new id: known before the row is, so that what is in the row can be sealed for it. */
export function newAuthorizationId(): string {
  return uuidv7();
}

/** Begins an authorization. Older ones of the same person and type that wait are expired: the newest counts. */
export async function createAuthorization(db: Queryable, authorization: NewAuthorization): Promise<void> {
  const { id, userId, type, verb, actor, sealedBody, browserKey, returnTo, lifeMs } = authorization;
  await db.query(
    `update external_authorizations set status = 'expired', problem = 'a newer authorization was begun', ${EMPTIED}
     where user_id = $1 and type = $2 and status in ('starting', 'pending')`,
    [userId, type],
  );
  await refusing(() =>
    db.query(
      `insert into external_authorizations (id, user_id, type, verb, actor, sealed_body, browser_hash, return_to, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() + make_interval(secs => $9::double precision / 1000))`,
      [
        id,
        userId,
        type,
        verb,
        actor,
        sealedBody,
        browserKey === undefined ? null : hashOf(browserKey),
        returnTo ?? null,
        lifeMs,
      ],
    ),
  );
}

/** At the end nothing is left that could be used: no state, no verifier, no code. */
const EMPTIED = `sealed_body = null, sealed_start = null, sealed_args = null, sealed_message = null, state_hash = null,
  browser_hash = null, finished_at = clock_timestamp()`;

/** One authorization, or undefined. */
export async function readAuthorization(db: Queryable, id: string): Promise<AuthorizationRecord | undefined> {
  if (!isUuid(id)) return undefined;
  const row = await db.query<Row>(`select ${COLUMNS} from external_authorizations where id = $1`, [id]);
  return row.rows[0];
}

export interface Registration {
  readonly id: string;
  readonly state: string;
  readonly callback: string;
  readonly sealedArgs: Buffer;
}

/** Notes what the redirect will be matched with. False: the authorization does not wait for one any more. */
export async function registerCallback(db: Queryable, registration: Registration): Promise<boolean> {
  const { id, state, callback, sealedArgs } = registration;
  const noted = await db.query(
    `update external_authorizations set state_hash = $2, callback = $3, sealed_args = $4
     where id = $1 and status = 'starting'`,
    [id, hashOf(state), callback, sealedArgs],
  );
  return noted.rowCount === 1;
}

/** The plug-in has begun: the person may go there. Without a registered callback there is nothing to wait for. */
export async function authorizationStarted(db: Queryable, id: string, sealedStart: Buffer): Promise<void> {
  await db.query(
    `update external_authorizations set sealed_body = null, sealed_start = $2,
       status = case when callback is null then 'completed' else 'pending' end,
       finished_at = case when callback is null then clock_timestamp() end
     where id = $1 and status = 'starting'`,
    [id, sealedStart],
  );
}

/** The answer of the plug-in, once: it is of no use afterwards. */
export async function takeStart(db: Queryable, id: string): Promise<Buffer | undefined> {
  const taken = await db.query<{ start: Buffer | null }>(
    `update external_authorizations a set sealed_start = null
     from (select id, sealed_start from external_authorizations where id = $1 for update) before
     where a.id = before.id returning before.sealed_start as start`,
    [id],
  );
  return taken.rows[0]?.start ?? undefined;
}

export interface Redirect {
  readonly type: string;
  readonly state: string;
  /** What the browser that was sent back knows, if it knows anything. */
  readonly browserKey: string | undefined;
}

/** The authorization that this redirect is for, unless its state is foreign, used or expired. */
export async function findPending(db: Queryable, redirect: Redirect): Promise<AuthorizationRecord | undefined> {
  const row = await db.query<Row>(`select ${COLUMNS} from external_authorizations where ${WAITS_FOR}`, [
    hashOf(redirect.state),
    redirect.type,
    redirect.browserKey === undefined ? null : hashOf(redirect.browserKey),
  ]);
  return row.rows[0];
}

const WAITS_FOR = `state_hash = $1 and type = $2 and (browser_hash is null or browser_hash = $3)
  and status = 'pending' and expires_at > clock_timestamp()`;

/** Keeps the redirect's message and uses the state up, in one statement: of two redirects with one state, one counts. */
export async function answerAuthorization(db: Queryable, redirect: Redirect, sealedMessage: Buffer): Promise<boolean> {
  const answered = await db.query(
    `update external_authorizations set status = 'answered', sealed_message = $4, state_hash = null, browser_hash = null
     where ${WAITS_FOR}`,
    [
      hashOf(redirect.state),
      redirect.type,
      redirect.browserKey === undefined ? null : hashOf(redirect.browserKey),
      sealedMessage,
    ],
  );
  return answered.rowCount === 1;
}

/** How an authorization ends. `problem` is shown to the person: no secrets. */
export type AuthorizationEnd =
  { readonly status: 'completed' } | { readonly status: 'failed' | 'expired'; readonly problem: string };

/** Ends it. False: it had ended before. */
export async function endAuthorization(db: Queryable, id: string, end: AuthorizationEnd): Promise<boolean> {
  const ended = await db.query(
    `update external_authorizations set status = $2, problem = $3, ${EMPTIED} where id = $1 and finished_at is null`,
    [id, end.status, end.status === 'completed' ? null : end.problem],
  );
  return ended.rowCount === 1;
}

/** Counts a try of the exchange; answers how many there were with this one. */
export async function countAttempt(db: Queryable, id: string): Promise<number> {
  const counted = await db.query<{ attempts: number }>(
    `update external_authorizations set attempts = attempts + 1 where id = $1 returning attempts`,
    [id],
  );
  return oneRow(counted).attempts;
}

/** Authorizations whose workflow has something to do, or may have been lost. */
export async function openAuthorizations(db: Queryable, limit: number): Promise<readonly string[]> {
  const rows = await db.query<{ id: string }>(
    `select id from external_authorizations where finished_at is null
       and (status in ('starting', 'answered') or expires_at <= clock_timestamp()) order by expires_at limit $1`,
    [limit],
  );
  return rows.rows.map((row) => row.id);
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

export interface AuthorizationWait {
  readonly until: (status: AuthorizationRecord['status']) => boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const FIRST_POLL_MS = 20;
const LONGEST_POLL_MS = 250;

/** Waits until the authorization is so far, at most `timeoutMs`; answers it as it then is. undefined = there is none. */
export async function waitForAuthorization(
  db: Queryable,
  id: string,
  { until, timeoutMs, signal }: AuthorizationWait,
): Promise<AuthorizationRecord | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(LONGEST_POLL_MS, pollMs * 1.5)) {
    const row = await readAuthorization(db, id);
    const leftMs = deadline - performance.now();
    if (row === undefined || until(row.status) || leftMs <= 0 || signal.aborted) return row;
    await delay(Math.min(pollMs, leftMs), undefined, { signal }).catch(() => undefined);
  }
}
