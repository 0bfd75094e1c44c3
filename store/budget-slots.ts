import type { Queryable } from './database';

/** A cap on calls at the same time, over all processes: `cap` slots, each held by one process until it expires. */
export interface SlotRequest {
  readonly serviceId: string;
  /** The process. */
  readonly holder: string;
  readonly cap: number;
  /** Longer than a call can take: who dies keeps its slots for so long, for its calls may still be at work. */
  readonly holdMs: number;
}

/** Takes up to `count` free slots; answers how many were got. */
export async function takeSlots(db: Queryable, request: SlotRequest & { readonly count: number }): Promise<number> {
  const taken = await takeFree(db, request);
  // The first one ever, or the cap was raised: the rows must be there before they can be taken.
  if (taken > 0 || !(await makeSlots(db, request))) return taken;
  return takeFree(db, request);
}

async function takeFree(db: Queryable, request: SlotRequest & { readonly count: number }): Promise<number> {
  const { serviceId, holder, cap, holdMs, count } = request;
  const taken = await db.query(
    `with free as (
       select slot from budget_slots
       where service_id = $1 and slot <= $3 and (holder is null or held_until <= clock_timestamp())
       order by slot limit $5 for update skip locked
     )
     update budget_slots s set holder = $2, held_until = clock_timestamp() + make_interval(secs => $4 / 1000.0)
     from free where s.service_id = $1 and s.slot = free.slot`,
    [serviceId, holder, cap, holdMs, count],
  );
  return taken.rowCount ?? 0;
}

async function makeSlots(db: Queryable, { serviceId, cap }: SlotRequest): Promise<boolean> {
  const made = await db.query(
    `insert into budget_slots (service_id, slot) select $1, slot from generate_series(1, $2::integer) slot
     where not exists (select from budget_slots where service_id = $1 and slot = $2)
     on conflict do nothing`,
    [serviceId, cap],
  );
  return made.rowCount !== 0;
}

/** Prolongs every slot of this process; answers how many it still has. */
export async function renewSlots(db: Queryable, { serviceId, holder, cap, holdMs }: SlotRequest): Promise<number> {
  const renewed = await db.query(
    `update budget_slots set held_until = clock_timestamp() + make_interval(secs => $4 / 1000.0)
     where service_id = $1 and holder = $2 and slot <= $3 and held_until > clock_timestamp()`,
    [serviceId, holder, cap, holdMs],
  );
  return renewed.rowCount ?? 0;
}

/** Says that this process has asked and got none; for a moment, whoever has had its turn gives way. */
export async function wantSlots(
  db: Queryable,
  { serviceId, holder }: Pick<SlotRequest, 'serviceId' | 'holder'>,
): Promise<void> {
  await db.query(
    `update budget_slots set wanted_by = $2, wanted_at = clock_timestamp()
     where service_id = $1 and slot = 1 and wanted_at < clock_timestamp() - interval '50 milliseconds'`,
    [serviceId, holder],
  );
}

export interface FreeRequest extends Pick<SlotRequest, 'serviceId' | 'holder'> {
  readonly count: number;
  /** Only if another process has asked for one lately. */
  readonly ifWanted: boolean;
}

/** Gives back slots of this process; answers how many. */
export async function freeSlots(db: Queryable, { serviceId, holder, count, ifWanted }: FreeRequest): Promise<number> {
  const freed = await db.query(
    `update budget_slots set holder = null, held_until = '-infinity'
     where service_id = $1 and slot in
       (select slot from budget_slots where service_id = $1 and holder = $2 order by slot desc limit $3)
       and (not $4 or exists (select from budget_slots where service_id = $1 and slot = 1 and wanted_by <> $2
                              and wanted_at > clock_timestamp() - interval '300 milliseconds'))`,
    [serviceId, holder, count, ifWanted],
  );
  return freed.rowCount ?? 0;
}
