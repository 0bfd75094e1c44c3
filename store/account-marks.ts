import type { Queryable } from './database';

/**
 * A short text for each of these people that differs as soon as something about their accounts, operations or notifications has
 * moved: who shows them looks again only then. One statement, however many are watched.
 */
export async function accountMarks(db: Queryable, userIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ readonly id: string; readonly mark: string }>(
    `select w.id, concat_ws('|', a.mark, o.mark, n.mark) as mark
     from unnest($1::uuid[]) as w (id)
     left join lateral (
       select string_agg(concat_ws('/', service_id, status, wanted_version, applied_version, attention, next_try, failures,
         lease_until > clock_timestamp(), updated_at), ',' order by service_id) as mark
       from accounts where user_id = w.id) a on true
     left join lateral (
       select concat_ws('/', max(updated_at), count(*) filter (where status in ('running', 'waiting'))) as mark
       from (select updated_at, status from operations where user_id = w.id order by created_at desc limit 20) latest) o on true
     left join lateral (
       select concat_ws('/', max(created_at), max(read_at)) as mark
       from (select created_at, read_at from notifications where user_id = w.id order by created_at desc limit 20) latest) n on true`,
    [userIds],
  );
  return new Map(rows.map(({ id, mark }) => [id, mark]));
}
