import { createHash } from 'node:crypto';
import type { Queryable } from './database';

/** How long a session may be left alone, and how often its use is noted. */
export interface SessionRules {
  readonly idleS: number;
  readonly noteS: number;
}

export interface NewConsoleSession {
  /** What the browser holds; only its hash is kept. */
  readonly key: string;
  readonly tokenId: string;
  /** As the browser calls itself. */
  readonly browser: string;
}

const IDLE_AT_ONCE = 200;

/** Notes that a browser is signed in by this token. */
export async function createConsoleSession(db: Queryable, session: NewConsoleSession): Promise<void> {
  await db.query(`insert into console_sessions (hash, token_id, browser) values ($1, $2, $3)`, [
    hashOf(session.key),
    session.tokenId,
    session.browser.slice(0, 200),
  ]);
}

/** The token that this browser's session stands on, unless it was left alone for too long. Its use is noted now and then. */
export async function useConsoleSession(
  db: Queryable,
  key: string,
  { idleS, noteS }: SessionRules,
): Promise<string | undefined> {
  const rows = await db.query<{ readonly tokenId: string; readonly isStale: boolean }>(
    `select token_id as "tokenId", seen_at < clock_timestamp() - make_interval(secs => $3) as "isStale" from console_sessions
     where hash = $1 and seen_at > clock_timestamp() - make_interval(secs => $2)`,
    [hashOf(key), idleS, noteS],
  );
  const found = rows.rows[0];
  if (found?.isStale === true) {
    await db.query(`update console_sessions set seen_at = clock_timestamp() where hash = $1`, [hashOf(key)]);
  }
  return found?.tokenId;
}

/** Ends what this browser was signed in by: the session goes with its token. */
export async function endConsoleSession(db: Queryable, key: string): Promise<void> {
  await db.query(`delete from auth_tokens where id in (select token_id from console_sessions where hash = $1)`, [
    hashOf(key),
  ]);
}

/** Ends sessions that were left alone for too long, some at a time, so that they do not count as open ones. */
export async function endIdleConsoleSessions(db: Queryable, idleS: number): Promise<void> {
  await db.query(
    `delete from auth_tokens where id in (select token_id from console_sessions
       where seen_at < clock_timestamp() - make_interval(secs => $1) order by seen_at limit $2)`,
    [idleS, IDLE_AT_ONCE],
  );
}

/** Which of these tokens are browsers, and as what they called themselves. */
export async function browsersOf(
  db: Queryable,
  tokenIds: readonly string[],
): Promise<ReadonlyMap<string, { readonly browser: string; readonly seenAt: Date }>> {
  const { rows } = await db.query<{ readonly id: string; readonly browser: string; readonly seenAt: Date }>(
    `select token_id as id, browser, seen_at as "seenAt" from console_sessions where token_id = any ($1)`,
    [tokenIds],
  );
  return new Map(rows.map(({ id, browser, seenAt }) => [id, { browser, seenAt }]));
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
