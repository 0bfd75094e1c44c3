import { freeNames } from './account-names';
import { oneRow } from './database';
import type { Queryable } from './database';

interface Place {
  readonly serviceId: string;
  readonly userId: string;
}

/** How long an account still waits for its person, in milliseconds; 0 or less = no longer. `isNew`: it begins to wait now. */
export async function pendingLeft(
  db: Queryable,
  { serviceId, userId }: Place,
  { isNew, expiresInMs }: { readonly isNew: boolean; readonly expiresInMs: number },
): Promise<number> {
  const kept = await db.query<{ left: number }>(
    `update accounts set pending_until = case when not $3 and pending_until is not null then pending_until
       else clock_timestamp() + make_interval(secs => $4::double precision / 1000) end
     where service_id = $1 and user_id = $2
     returning ceil(extract(epoch from pending_until - clock_timestamp()) * 1000)::double precision as left`,
    [serviceId, userId, isNew, expiresInMs],
  );
  return oneRow(kept).left;
}

/** The person has not done it in time: there is no account, and none is wanted until they ask again. */
export async function lapseActivation(client: Queryable, place: Place): Promise<void> {
  await client.query(`update accounts set choice = null, pending_until = null where service_id = $1 and user_id = $2`, [
    place.serviceId,
    place.userId,
  ]);
  await freeNames(client, place);
}
