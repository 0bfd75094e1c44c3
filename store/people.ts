import type { Queryable } from './database';
import type { SituationUser } from './situations';

/** A person as hooks see them, with their effective state and group names; undefined = there is nobody. */
export async function readPerson(db: Queryable, userId: string): Promise<SituationUser | undefined> {
  const found = await db.query<SituationUser & { [key: string]: unknown }>(
    `select u.id, u.username, u.display_name as "displayName", u.email, u.active, u.attributes, coalesce(st.name, 'Guest') as state,
       (select coalesce(json_agg(g.name order by g.name), '[]') from members m join groups g on g.id = m.group_id
        where m.user_id = u.id) as groups
     from users u left join states st on st.id = effective_state(u.id)
     where u.id = $1`,
    [userId],
  );
  return found.rows[0];
}
