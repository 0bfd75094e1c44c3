import type { GuardSettings } from '../domain/guard';
import type { Database, Queryable } from './database';
import { oneRow } from './database';
import { pauseService, resumeService } from './engine-services';
import { notifyOperators } from './notify';

/**
 * The guard holds something back on a service: the operators hear of it once, and the service stands still where its
 * settings say so (`guard.pause`). Part of the transaction that stages, so that neither is forgotten, on whatever path.
 */
export async function guardTripped(client: Queryable, serviceId: string, staged: number): Promise<void> {
  const found = await client.query<{ name: string; title: string; guard: GuardSettings }>(
    `select name, coalesce(title, name) as title, guard from services where id = $1`,
    [serviceId],
  );
  const { name, title, guard } = oneRow(found);
  const detail = `removals wait for a decision: muster guard ${name}`;
  const paused =
    guard.pause === true && (await pauseService(client, serviceId, { reason: 'guard', detail, probeMs: null }));
  const rest = paused ? `${name} is paused until somebody decides.` : 'Everything else goes on.';
  await notifyOperators(client, {
    level: 'danger',
    title: `${title}: ${staged === 1 ? 'removals' : `${staged} removals`} wait for you`,
    text: `More would be taken away from ${name} within 24 hours than its guard allows. None of it happens before you look: muster guard ${name}. ${rest}`,
    serviceName: name,
    dedupeKey: `staged/${name}`,
  });
}

/**
 * Nothing may wait any more on this service: then a pause by the guard ends, and the next trip is told of anew. Part of the
 * transaction that decides. Answers whether the service goes on by this.
 */
export async function guardSettled(client: Queryable, serviceId: string, actor: string): Promise<boolean> {
  const open = await client.query(`select from guard_staged where service_id = $1 and decision is null limit 1`, [
    serviceId,
  ]);
  if (open.rows.length > 0) return false;
  await client.query(
    `update notifications n set read_at = clock_timestamp() from services s
     where s.id = $1 and n.dedupe_key = 'staged/' || s.name and n.read_at is null`,
    [serviceId],
  );
  return resumeService(client, serviceId, { reason: 'guard', actor });
}

// While a service is paused nobody looks at its accounts: that a right is back must be seen here. What a hook decides it cannot see.
const RIGHT_IS_BACK = `s.enabled and not s.hook_decides and u.active and (
  (g.kind = 'group removal' and g.groups <@ desired_groups(g.service_id, g.user_id))
  or (g.kind <> 'group removal' and a.choice is distinct from 'declined' and (s.begins = 'automatic' or a.choice = 'wanted')
    and (entitling_grant(g.service_id, g.user_id) is not null or exists (
      select from states st where st.id = effective_state(g.user_id) and st.name = any(s.hook_states)))))`;

/** Ends the guard's pauses that the return of the rights has made void, as the right roster does after a wrong one. */
export async function settleGuardPauses(db: Database): Promise<number> {
  const paused = await db.query<{ id: string }>(`select id from services where paused_reason = 'guard' order by id`);
  let ended = 0;
  for (const { id } of paused.rows) {
    const goesOn = await db.transaction(async (client) => {
      await client.query(
        `update guard_staged g set decision = 'cancelled', decided_at = clock_timestamp(), decided_by = 'system:guard',
           decision_reason = 'the entitlement came back', done_at = clock_timestamp()
         from services s, users u, accounts a
         where g.service_id = $1 and g.decision is null and s.id = g.service_id and u.id = g.user_id
           and a.service_id = g.service_id and a.user_id = g.user_id and ${RIGHT_IS_BACK}`,
        [id],
      );
      return guardSettled(client, id, 'system:guard');
    });
    if (goesOn) ended += 1;
  }
  return ended;
}
