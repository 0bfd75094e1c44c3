import type { Queryable } from './database';

/**
 * The id of a person who is gone, but whose account is still known by this id or by their last username: their removal
 * must be explainable. undefined = no account either.
 */
export async function findFormerUser(db: Queryable, reference: string): Promise<string | undefined> {
  const username = /^username:(.*)$/su.exec(reference)?.[1]?.normalize('NFC');
  if (username === undefined && reference.startsWith('external:')) return undefined;
  const found = await db.query<{ user_id: string }>(
    `select user_id from accounts where ${username === undefined ? 'user_id = $1::uuid' : 'lower(username) = lower($1)'}
     order by (status = 'removed'), updated_at desc limit 1`,
    [username ?? reference],
  );
  return found.rows[0]?.user_id;
}
