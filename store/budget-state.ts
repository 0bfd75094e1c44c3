import type { BucketState } from '../domain/budget-use';
import type { Queryable } from './database';

/** Calls at the same time, over all processes. */
export interface SlotState {
  readonly service: string;
  /** Slots that a process holds now. */
  readonly held: number;
}

type ServiceBucket = BucketState & { readonly service: string };

/** How the buckets of one service, or of all (undefined), stand at this moment. */
export async function readBudgetStates(db: Queryable, serviceId?: string): Promise<readonly ServiceBucket[]> {
  const found = await db.query<ServiceBucket & { [key: string]: unknown }>(
    `select s.name as service, b.bucket, b.learned,
       case when cardinality(b.log) > 0 then
         (select count(*)::integer from unnest(b.log) arrived where arrived > now.ms - b.window_ms) end as used,
       greatest(0, greatest(b.blocked_until, coalesce(extract(epoch from s.blocked_until) * 1000, 0)) - now.ms)::double precision as "blockedMs",
       greatest(0, b.next_free - now.ms)::double precision as "nextInMs"
     from budgets b join services s on s.id = b.service_id
     cross join (select (extract(epoch from clock_timestamp()) * 1000)::double precision as ms) now
     where $1::uuid is null or b.service_id = $1 order by s.name, b.bucket`,
    [serviceId ?? null],
  );
  return found.rows;
}

/** How many slots of one service, or of all (undefined), are held; services without a cap have none. */
export async function readSlotStates(db: Queryable, serviceId?: string): Promise<readonly SlotState[]> {
  const found = await db.query<SlotState & { [key: string]: unknown }>(
    `select s.name as service, (count(*) filter (where l.holder is not null and l.held_until > clock_timestamp()))::integer as held
     from budget_slots l join services s on s.id = l.service_id
     where $1::uuid is null or l.service_id = $1 group by s.name order by s.name`,
    [serviceId ?? null],
  );
  return found.rows;
}
