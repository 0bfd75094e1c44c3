import type { AccountBegins, OnLoss } from '../domain/words';
import type { Queryable } from './database';
import { StoreError } from './errors';

/** May this person use this service, and what says so. Read again at every write: it is never kept. */
export interface Entitlement {
  readonly serviceId: string;
  readonly service: string;
  readonly serviceEnabled: boolean;
  readonly begins: AccountBegins;
  readonly onLoss: OnLoss;
  /** null: the person's row is gone (or never was). */
  readonly username: string | null;
  readonly active: boolean;
  /** Name of the effective state; null without one. */
  readonly state: string | null;
  /** One of the grants that give the right. */
  readonly grantId: string | null;
  /** The hook enables everybody in the person's state. */
  readonly byHookState: boolean;
  /** The hook decides alone, when the account is written: here it counts as yes. */
  readonly byHookDecision: boolean;
  /** All of it together: service enabled, person active, and one of the three above. */
  readonly entitled: boolean;
}

/** Reads the entitlement of one person on one service. @throws StoreError not-found when there is no such service. */
export async function readEntitlement(db: Queryable, serviceId: string, userId: string): Promise<Entitlement> {
  const found = await db.query<Entitlement & { [key: string]: unknown }>(
    `select *, "serviceEnabled" and active and ("grantId" is not null or "byHookState" or "byHookDecision") as entitled
     from (
       select s.id as "serviceId", s.name as service, s.enabled as "serviceEnabled", s.begins, s.on_loss as "onLoss",
         u.username, coalesce(u.active, false) as active, case when u.id is not null then st.name end as state,
         case when u.id is not null then entitling_grant(s.id, u.id) end as "grantId",
         coalesce(u.id is not null and st.name = any(s.hook_states), false) as "byHookState", s.hook_decides as "byHookDecision"
       from services s
       left join users u on u.id = $2
       left join states st on st.id = effective_state(u.id)
       where s.id = $1) e`,
    [serviceId, userId],
  );
  const entitlement = found.rows[0];
  if (entitlement === undefined) throw new StoreError('not-found', `There is no service ${serviceId}.`);
  return entitlement;
}
