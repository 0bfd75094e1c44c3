import { uuidv7 } from 'uuidv7';
import type { Database, Queryable } from './database';

/** Who stops the work on a service, and why. */
export interface PauseByHand {
  readonly serviceId: string;
  readonly actor: string;
  readonly reason?: string | undefined;
}

/** How long a worker that has just read that the service is open may need until its lease is seen. */
const SETTLE = `interval '2 seconds'`;

/** Stops all new work on a service until somebody resumes it. Takes the place of a pause by Muster, which would end by itself. */
export async function pauseByHand(db: Queryable, pause: PauseByHand): Promise<void> {
  await db.query(
    `with paused as (
       update services set paused_reason = 'operator', paused_by = $2, paused_at = coalesce(
           case when paused_reason = 'operator' then paused_at end, clock_timestamp()),
         paused_detail = $2 || coalesce(': ' || $3::text, ''), probe_at = null, probes = 0
       where id = $1 returning id
     )
     insert into events (service_id, step, data)
     select id, 'paused', jsonb_strip_nulls(jsonb_build_object('reason', 'operator', 'actor', $2::text, 'detail', $3::text)) from paused`,
    [pause.serviceId, pause.actor, pause.reason ?? null],
  );
}

/** Pauses a service, with an operation that ends when what was running has come to its end. Answers its id. */
export async function drainService(db: Database, pause: PauseByHand): Promise<string> {
  return db.transaction(async (client) => {
    await pauseByHand(client, pause);
    const operationId = uuidv7();
    await client.query(
      `insert into operations (id, kind, service_id, actor, reason) values ($1, 'drainService', $2, $3, $4)`,
      [operationId, pause.serviceId, pause.actor, pause.reason ?? null],
    );
    return operationId;
  });
}

/** Ends the drains of services on which nothing runs any more. */
export async function settleDrains(db: Queryable): Promise<void> {
  await db.query(
    `update operations o set status = 'succeeded', outcome = 'nothing runs on the service any more',
       updated_at = clock_timestamp(), finished_at = clock_timestamp()
     where o.kind = 'drainService' and o.status in ('running', 'waiting') and o.user_id is null
       and o.created_at < clock_timestamp() - ${SETTLE}
       and not exists (select from accounts a where a.service_id = o.service_id and a.lease_until > clock_timestamp())
       and not exists (select from remote_groups g where g.service_id = o.service_id and g.lease_until > clock_timestamp())`,
  );
}
