import { oneRow, prepared } from './database';
import type { Queryable } from './database';

/** One writer per account (rule 4). Times are PostgreSQL's: `clock_timestamp()`, never ours. */
export interface Lease {
  readonly serviceId: string;
  readonly userId: string;
  readonly fence: number;
  /** Who holds it: the workflow, or the sync and chunk. */
  readonly holder: string;
  /** Whoever held it before did not give it back (it died, or lost its database): what it wrote may not be recorded. */
  readonly takenOver: boolean;
}

export interface LeaseRequest {
  readonly serviceId: string;
  readonly userIds: readonly string[];
  /** A business key (workflow id; sync and chunk), never a run or an attempt: a retry takes its own lease again. */
  readonly holder: string;
  /** Beyond the hard deadline of the calls made under it. */
  readonly leaseMs: number;
}

/** Takes the leases that are free, expired, or already the holder's; each take draws a new fence. The others are missing in the answer. */
export async function takeLeases(db: Queryable, request: LeaseRequest): Promise<readonly Lease[]> {
  const taken = await db.query<{ user_id: string; lease_fence: number; taken_over: boolean }>(
    prepared(`with free as (
       select service_id, user_id, lease_holder is not null as taken_over from accounts
       where service_id = $1 and user_id = any($2::uuid[])
         and (lease_until is null or lease_until < clock_timestamp() or lease_holder = $3)
       order by user_id
       for update skip locked
     )
     update accounts a
     set lease_holder = $3, lease_fence = nextval('fence_seq'), lease_until = clock_timestamp() + make_interval(secs => $4 / 1000.0)
     from free where a.service_id = free.service_id and a.user_id = free.user_id
     returning a.user_id, a.lease_fence, free.taken_over`),
    [request.serviceId, request.userIds, request.holder, request.leaseMs],
  );
  return taken.rows.map((row) => ({
    serviceId: request.serviceId,
    userId: row.user_id,
    fence: row.lease_fence,
    holder: request.holder,
    takenOver: row.taken_over,
  }));
}

/** Prolongs a lease. False: the fence is lost, somebody else writes now. */
export async function renewLease(db: Queryable, lease: Lease, leaseMs: number): Promise<boolean> {
  const renewed = await db.query(
    `update accounts set lease_until = clock_timestamp() + make_interval(secs => $4 / 1000.0)
     where service_id = $1 and user_id = $2 and lease_fence = $3 and lease_holder is not null`,
    [lease.serviceId, lease.userId, lease.fence, leaseMs],
  );
  return renewed.rowCount === 1;
}

/** Milliseconds until the account's lease ends; 0 = free. */
export async function leaseRemainingMs(db: Queryable, serviceId: string, userId: string): Promise<number> {
  const remaining = await db.query<{ ms: number }>(
    `select coalesce(greatest(0, ceil(extract(epoch from max(lease_until) - clock_timestamp()) * 1000)), 0)::integer as ms
     from accounts where service_id = $1 and user_id = $2`,
    [serviceId, userId],
  );
  return oneRow(remaining).ms;
}

/** Marks an account whose holder found its fence lost: what is there must be read before the next write. */
export async function markForVerification(db: Queryable, lease: Lease): Promise<void> {
  await db.query(
    `update accounts set verify = true, wanted_version = nextval('version_seq'),
       next_try = case when attention = 'waiting' then next_try end
     where service_id = $1 and user_id = $2`,
    [lease.serviceId, lease.userId],
  );
}

/** Gives a lease back without saying anything about the account: somebody else goes on with it. */
export async function dropLease(db: Queryable, lease: Lease): Promise<void> {
  await db.query(
    `update accounts set lease_holder = null, lease_until = null where service_id = $1 and user_id = $2 and lease_fence = $3`,
    [lease.serviceId, lease.userId, lease.fence],
  );
}
