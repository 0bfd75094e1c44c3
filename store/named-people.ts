import type { NameInput } from '../domain/names';
import type { Queryable } from './database';

/** Somebody of a service with all that a name format may use. */
export interface NamedPerson extends NameInput {
  readonly userId: string;
  /** What the account is called there now; null = it has no name yet. */
  readonly remoteName: string | null;
}

/** People with an account of the service that is not removed, by username; at most `limit`. */
export async function namedPeople(db: Queryable, serviceId: string, limit: number): Promise<readonly NamedPerson[]> {
  const found = await db.query<NamedPerson & { [key: string]: unknown }>(
    `select u.id as "userId", u.username, u.display_name as "displayName", u.attributes,
       coalesce((select name from states where id = effective_state(u.id)), 'Guest') as state, a.remote_name as "remoteName"
     from (select user_id, username, remote_name from accounts
           where service_id = $1 and status <> 'removed' and not orphan order by username, user_id limit $2) a
     join users u on u.id = a.user_id order by a.username, a.user_id`,
    [serviceId, limit],
  );
  return found.rows;
}
