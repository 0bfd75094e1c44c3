import { oneRow } from './database';
import type { Database, Queryable } from './database';

/** Accounts in one commit: nobody waits long behind it (rule 1). */
const PAGE_ROWS = 2_000;

/**
 * Takes back what a cancelled sync has asked of the accounts that it had not reached: only the sync wanted them looked at,
 * and it is called off. What somebody else has made due, before or since, stays due, and so does an account of which a call was
 * cut off: nobody knows what it did. May be called again after a crash.
 */
export async function withdrawSync(db: Database, syncId: string): Promise<void> {
  for (let from = 1; (await withdrawPage(db, syncId, from)) > 0; from += PAGE_ROWS);
}

/** Answers how many items the page had. */
async function withdrawPage(db: Queryable, syncId: string, from: number): Promise<number> {
  const withdrawn = await db.query<{ items: number }>(
    `with page as (
       select y.service_id, i.user_id, i.outcome from sync_items i join syncs y on y.id = i.sync_id
       where i.sync_id = $1 and i.seq between $2 and $2 + ${PAGE_ROWS} - 1 and not y.dry_run
     ), locked as (
       -- In the order in which every bump takes its rows, so that two never wait for each other.
       select a.service_id, a.user_id from accounts a join page p on p.service_id = a.service_id and p.user_id = a.user_id
       where p.outcome is null and a.asked_version = a.wanted_version and a.applied_version <> a.wanted_version
         and a.lease_holder is null and a.intent is null and not a.verify and a.attention is null
       order by a.user_id for update of a
     ), withdrawn as (
       update accounts a set applied_version = a.wanted_version, due_reasons = '{}', next_try = null
       from locked l where a.service_id = l.service_id and a.user_id = l.user_id
     )
     select count(*)::integer as items from page`,
    [syncId, from],
  );
  return oneRow(withdrawn).items;
}
