import type { Queryable } from './database';
import type { ReleaseError } from './settle';

/** A remote group that Muster manages. `remoteId` null = not made yet. */
export interface ManagedGroup {
  readonly id: string;
  readonly name: string;
  readonly remoteId: string | null;
  readonly remoteName: string | null;
  readonly version: number;
  readonly due: boolean;
  readonly mapped: boolean;
  readonly attention: string | null;
  readonly failures: number;
  /** How long it asks to wait before the next try, from now; 0 = not at all. */
  readonly waitMs: number;
}

const COLUMNS = `id, name, remote_id as "remoteId", remote_name as "remoteName", wanted_version as version,
  wanted_version <> applied_version as due, mapped, attention, failures,
  case when next_try = 'infinity' then 2147483647
    else coalesce(greatest(0, ceil(extract(epoch from next_try - clock_timestamp()) * 1000)), 0)::integer end as "waitMs"`;

type Row = ManagedGroup & { readonly [key: string]: unknown };

/** Every managed group of a service. */
export async function managedGroups(db: Queryable, serviceId: string): Promise<readonly ManagedGroup[]> {
  const found = await db.query<Row>(`select ${COLUMNS} from remote_groups where service_id = $1 order by name`, [
    serviceId,
  ]);
  return found.rows;
}

/** Takes the lease of a group and reads it, in one statement; undefined = somebody else has it, or there is none. */
export async function takeGroupLease(
  db: Queryable,
  request: { readonly remoteGroupId: string; readonly holder: string; readonly leaseMs: number },
): Promise<(ManagedGroup & { readonly fence: number }) | undefined> {
  const taken = await db.query<Row & { fence: number }>(
    `update remote_groups set lease_holder = $2, lease_fence = nextval('fence_seq'),
       lease_until = clock_timestamp() + make_interval(secs => $3 / 1000.0)
     where id = $1 and (lease_until is null or lease_until < clock_timestamp() or lease_holder = $2)
     returning ${COLUMNS}, lease_fence as fence`,
    [request.remoteGroupId, request.holder, request.leaseMs],
  );
  return taken.rows[0];
}

export interface GroupRelease {
  readonly version: number;
  readonly reached: boolean;
  readonly remoteId: string | null;
  readonly remoteName: string | null;
  readonly attention: 'waiting' | 'rejected' | null;
  readonly nextTryMs: number | 'never' | null;
  readonly failures: number;
  readonly error: ReleaseError | null;
}

/** Gives the group's lease back with the outcome. `lost`: the fence was lost and nothing was recorded; `changed`: it was asked for anew meanwhile. */
export async function releaseGroupLease(
  db: Queryable,
  group: { readonly id: string; readonly fence: number },
  release: GroupRelease,
): Promise<'done' | 'changed' | 'lost'> {
  const released = await db.query<{ changed: boolean }>(
    `update remote_groups set applied_version = case when $4 then $3::bigint else applied_version end,
       remote_id = $5, remote_name = $6, lease_holder = null, lease_until = null, updated_at = clock_timestamp(),
       attention = case when wanted_version = $3 or $7::text = 'waiting' then $7 end,
       next_try = case when wanted_version <> $3 and $7::text is distinct from 'waiting' then null
         when $8::text = 'never' then 'infinity'::timestamptz
         else clock_timestamp() + make_interval(secs => $8::double precision / 1000.0) end,
       failures = $9, last_error = $10::jsonb
     where id = $1 and lease_fence = $2 and lease_holder is not null
     returning wanted_version <> $3 as changed`,
    [
      group.id,
      group.fence,
      release.version,
      release.reached,
      release.remoteId,
      release.remoteName,
      release.attention,
      release.nextTryMs === null ? null : String(release.nextTryMs),
      release.failures,
      release.error,
    ],
  );
  const [row] = released.rows;
  if (row === undefined) return 'lost';
  return row.changed ? 'changed' : 'done';
}

/**
 * Somebody removed a group over there: it is to be made anew, and nobody is in it. Its members are due again, so that the
 * next one to converge makes the group and all of them join it.
 */
export async function forgetRemoteGroup(db: Queryable, serviceId: string, remoteId: string): Promise<void> {
  await db.query(
    `with gone as (
       update remote_groups set remote_id = null, remote_name = null, wanted_version = nextval('version_seq'), next_try = null
       where service_id = $1 and remote_id = $2 returning id
     ), members as (
       select a.user_id, gone.id from accounts a join gone on a.applied_groups @> array[gone.id]
       where a.service_id = $1 order by a.user_id for update of a
     )
     update accounts a set applied_groups = array_remove(a.applied_groups, m.id), wanted_version = nextval('version_seq'),
       next_try = case when a.attention = 'waiting' then a.next_try end
     from members m where a.service_id = $1 and a.user_id = m.user_id`,
    [serviceId, remoteId],
  );
}
