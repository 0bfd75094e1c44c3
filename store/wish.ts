import type { DueReason } from '../domain/words';
import type { Queryable } from './database';

export interface Wish {
  readonly serviceId: string;
  readonly userId: string;
  readonly reason: DueReason;
  readonly notifyUser?: boolean | undefined;
}

/**
 * Makes sure that the account is due, for a hook that hands it over: one that is due already stays as it is, so that the
 * dispatch of a due account bumps nothing twice. One that waits for its person is looked at now: they may just have done it.
 */
export async function wishAccount(db: Queryable, wish: Wish): Promise<void> {
  await db.query(
    `insert into accounts (service_id, user_id, username, wanted_version, due_reasons, notify_user)
     select $1, u.id, u.username, nextval('version_seq'), array[$3], coalesce($4, true) from users u where u.id = $2
     on conflict (service_id, user_id) do update set
       wanted_version = case when accounts.wanted_version = accounts.applied_version then nextval('version_seq') else accounts.wanted_version end,
       due_reasons = array(select distinct r from unnest(accounts.due_reasons || excluded.due_reasons) r),
       notify_user = coalesce($4, accounts.notify_user),
       next_try = case when accounts.attention = 'waiting' then accounts.next_try end
     where accounts.wanted_version = accounts.applied_version or accounts.attention = 'action required'`,
    [wish.serviceId, wish.userId, wish.reason, wish.notifyUser ?? null],
  );
}

/** The account is not made anew by itself, only when somebody asks for it. */
export async function declineAccount(
  db: Queryable,
  account: { readonly serviceId: string; readonly userId: string },
): Promise<void> {
  await db.query(`update accounts set choice = 'declined' where service_id = $1 and user_id = $2`, [
    account.serviceId,
    account.userId,
  ]);
}
