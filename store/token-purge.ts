import { notifyOperators, notifyUser } from './notify';
import type { Queryable } from './database';

/** Rows of one statement: small, so that nobody waits for it. */
const BATCH = 1_000;

/** Failed logins are forgotten after a day; their rows may go then. */
const ATTEMPTS_KEPT_HOURS = 25;

/** Deletes what has expired, a batch at a time, each its own commit; `between` runs after each. Answers how many tokens went. */
export async function purgeTokens(db: Queryable, between: () => void = () => undefined): Promise<number> {
  let purged = 0;
  for (;;) {
    const { rowCount } = await db.query(
      `delete from auth_tokens where id in
         (select id from auth_tokens where expires_at <= clock_timestamp() order by expires_at limit ${BATCH} for update skip locked)`,
    );
    between();
    purged += rowCount ?? 0;
    if ((rowCount ?? 0) < BATCH) break;
  }
  await db.query(
    `delete from login_attempts where last_at < clock_timestamp() - make_interval(hours => ${ATTEMPTS_KEPT_HOURS})`,
  );
  return purged;
}

interface Expiring {
  readonly id: string;
  readonly title: string;
  readonly client: string;
  readonly userId: string | null;
  readonly hours: number;
  readonly [key: string]: unknown;
}

/**
 * Tells once of every token of a program that will expire soon: within a week, or the last tenth of its life if that is
 * shorter. Tokens for less than a day are not worth a word. Answers how many.
 */
export async function announceExpiring(db: Queryable): Promise<number> {
  const { rows } = await db.query<Expiring>(
    `update auth_tokens t set announced_at = clock_timestamp() from auth_clients c
     where c.id = t.client_id and t.id in (
       select id from auth_tokens where announced_at is null and purpose = 'api' and expires_at > clock_timestamp()
         and expires_at - created_at >= interval '1 day'
         and expires_at < clock_timestamp() + least(interval '7 days', (expires_at - created_at) / 10)
       order by expires_at limit ${BATCH} for update skip locked)
     returning t.id, t.title, c.name as client, c.user_id as "userId",
       ceil(extract(epoch from t.expires_at - clock_timestamp()) / 3600)::integer as hours`,
  );
  for (const token of rows) await announce(db, token);
  return rows.length;
}

async function announce(db: Queryable, { id, title, client, userId, hours }: Expiring): Promise<void> {
  const notification = {
    level: 'warning',
    title: 'A token expires soon',
    // The name of a person's login stays out of what operators see.
    text: `The token ${title === '' ? id : `"${title}"`}${userId === null ? ` of ${client}` : ''} expires within ${hours} hours.`,
    dedupeKey: `token-expires:${id}`,
  } as const;
  if (userId === null) await notifyOperators(db, notification);
  else await notifyUser(db, { ...notification, userId });
}
