import { uuidv7 } from 'uuidv7';
import { guardFamily, guardLimit } from '../domain/guard';
import type { GuardKind, GuardSettings } from '../domain/guard';
import type { Database, Queryable } from './database';
import { oneRow } from './database';
import { guardTripped } from './guard-trip';

/** One thing to be taken away. `amount` counts memberships for group removals, else 1. */
export interface Taking {
  readonly userId: string;
  readonly username: string;
  readonly kind: GuardKind;
  readonly amount: number;
  readonly groups: readonly string[];
}

/** One person on one service. */
export interface AccountPlace {
  readonly serviceId: string;
  readonly userId: string;
}

/** `wait`: a change that may be the cause has not been looked at as a whole yet; ask again in a moment. */
export type GuardAnswer = 'allowed' | 'staged' | 'held' | 'wait';

/**
 * May this account lose what the taking says? Counted atomically over all workers and paths: a lock per service, in the
 * transaction that records the answer. Asking again for the same taking gives the same answer and counts once.
 */
export async function askGuard(
  db: Database,
  request: { readonly serviceId: string; readonly version: number; readonly taking: Taking },
): Promise<GuardAnswer> {
  return db.transaction(async (client) => {
    await lockGuard(client, request.serviceId);
    const earlier = await earlierAnswer(client, request.serviceId, request.taking);
    if (earlier !== undefined) return earlier;
    if (await isUnassessed(client, request.serviceId, request.taking.userId)) return 'wait';
    const room = await guardRoom(client, request.serviceId, request.taking.kind);
    if (request.taking.amount <= room) {
      await take(client, request.serviceId, [request.taking]);
      return 'allowed';
    }
    await stage(client, {
      serviceId: request.serviceId,
      version: request.version,
      changeId: null,
      takings: [request.taking],
    });
    return 'staged';
  });
}

/**
 * Assesses everything that one change takes away from a service, before the first of it happens: all of it fits, or all of
 * it is staged. Answers how many were staged.
 */
export async function assessTakings(
  client: Queryable,
  request: {
    readonly serviceId: string;
    readonly version: number;
    /** null: no change of the organisation, but what was found at the far side. */
    readonly changeId: number | null;
    readonly takings: readonly Taking[];
  },
): Promise<number> {
  await lockGuard(client, request.serviceId);
  let staged = 0;
  for (const family of [['removal', 'disable'], ['group removal']] as const) {
    const takings = request.takings.filter((taking) => (family as readonly string[]).includes(taking.kind));
    const fresh = await withoutAnswer(client, request.serviceId, takings);
    if (fresh.length === 0) continue;
    const room = await guardRoom(client, request.serviceId, family[0]);
    const amount = fresh.reduce((sum, taking) => sum + taking.amount, 0);
    if (amount <= room) await take(client, request.serviceId, fresh);
    else staged += await stage(client, { ...request, takings: fresh });
  }
  return staged;
}

/** The removal has happened and was confirmed: the count stays for 24 h, an approval is used up. */
export async function confirmTaking(db: Queryable, account: AccountPlace, kinds: readonly GuardKind[]): Promise<void> {
  await db.query(
    `with taken as (
       update guard_taken set done_at = clock_timestamp()
       where service_id = $1 and user_id = $2 and kind = any($3) and done_at is null
     )
     update guard_staged set done_at = clock_timestamp()
     where service_id = $1 and user_id = $2 and kind = any($3) and decision = 'approved' and done_at is null`,
    // What was done may have been counted under the other name of its family.
    [account.serviceId, account.userId, [...new Set(kinds.flatMap(guardFamily))]],
  );
}

/** The right has come back: what was reserved, staged, approved or held for this account is void. */
export async function cancelTakings(db: Queryable, account: AccountPlace, kinds: readonly GuardKind[]): Promise<void> {
  await db.query(
    `with reserved as (
       delete from guard_taken where service_id = $1 and user_id = $2 and kind = any($3) and done_at is null
     ), held as (
       delete from guard_holds where service_id = $1 and user_id = $2 and kind = any($3)
     )
     update guard_staged set decision = 'cancelled', decided_at = clock_timestamp(), decided_by = 'system:guard',
       decision_reason = 'the entitlement came back', done_at = clock_timestamp()
     where service_id = $1 and user_id = $2 and kind = any($3) and done_at is null and decision is distinct from 'rejected'`,
    [account.serviceId, account.userId, kinds],
  );
}

/** How much more of this family may be taken in the current 24 h. */
export async function guardRoom(db: Queryable, serviceId: string, kind: GuardKind): Promise<number> {
  const found = await db.query<{
    guard: GuardSettings;
    population: number;
    memberships: number;
    taken: number;
    gone: number;
  }>(
    `select s.guard, t.taken, t.gone,
       (select count(*) from accounts a where a.service_id = s.id and a.status in ('pending', 'active', 'disabled')
         and not a.orphan)::integer as population,
       (select coalesce(sum(cardinality(a.applied_groups)), 0) from accounts a where a.service_id = s.id)::integer as memberships
     from services s
     cross join lateral (
       select coalesce(sum(amount), 0)::integer as taken,
         coalesce(sum(amount) filter (where done_at is not null and kind <> 'disable'), 0)::integer as gone
       from guard_taken where service_id = s.id and kind = any($2)
         and (done_at is null or taken_at > clock_timestamp() - interval '24 hours')
     ) t
     where s.id = $1`,
    [serviceId, guardFamily(kind)],
  );
  const row = oneRow(found);
  const population = kind === 'group removal' ? row.memberships : row.population;
  // What is gone since yesterday belonged to the population then; what is only reserved, or disabled, still does.
  return guardLimit(row.guard, kind, population + row.gone) - row.taken;
}

/** Held until the transaction ends: questions to the guard of one service, and decisions, come one after the other. */
export async function lockGuard(client: Queryable, serviceId: string): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtextextended('guard:' || $1, 0))`, [serviceId]);
}

/**
 * A removal may have been foreseen as a disable (only the convergence knows what the service can do): both are one family,
 * and the answer to one is the answer to the other. But who approved a disable has not approved a removal.
 */
async function earlierAnswer(client: Queryable, serviceId: string, taking: Taking): Promise<GuardAnswer | undefined> {
  const found = await client.query<{
    held: boolean;
    open: boolean;
    approved: boolean;
    staged: boolean;
    covered: boolean;
  }>(
    `select
       exists (select from guard_holds where service_id = $1 and user_id = $2 and kind = any($6)) as held,
       exists (select from guard_taken where service_id = $1 and user_id = $2 and kind = any($6) and done_at is null
               and amount >= $5) as open,
       exists (select from guard_staged where service_id = $1 and user_id = $2 and (kind = $3 or (kind = 'removal' and $3 = 'disable'))
               and decision = 'approved' and done_at is null and groups @> $4::uuid[]) as approved,
       exists (select from guard_staged where service_id = $1 and user_id = $2 and kind = any($6) and decision is null) as staged,
       exists (select from guard_staged where service_id = $1 and user_id = $2 and kind = $3 and decision is null
               and groups @> $4::uuid[]) as covered`,
    [serviceId, taking.userId, taking.kind, taking.groups, taking.amount, guardFamily(taking.kind)],
  );
  const row = oneRow(found);
  if (row.held) return 'held';
  if (row.open || row.approved) return 'allowed';
  if (!row.staged) return undefined;
  if (!row.covered) await widen(client, serviceId, taking);
  return 'staged';
}

/**
 * Somebody who comes upon the account between the commit of a change and its assessment must not begin with what the guard
 * would stage as a whole.
 */
async function isUnassessed(client: Queryable, serviceId: string, userId: string): Promise<boolean> {
  const found = await client.query(
    `select from changes c where c.expanded_at is null and c.first_version is null
       and coalesce(c.subject ->> 'serviceId' = $1::text, true)
       and (c.kind <> 'people' or c.subject ->> 'userId' = $2::text
         or exists (select from change_users u where u.change_id = c.id and u.user_id = $2::uuid)) limit 1`,
    [serviceId, userId],
  );
  return found.rows.length > 0;
}

/** An account that is staged already loses more groups, or more than was foreseen: one row says it, so that one decision covers it. */
async function widen(client: Queryable, serviceId: string, taking: Taking): Promise<void> {
  await client.query(
    `update guard_staged set kind = $3, groups = array(select distinct g from unnest(groups || $4::uuid[]) g)
     where service_id = $1 and user_id = $2 and kind = any($5) and decision is null`,
    [serviceId, taking.userId, taking.kind, taking.groups, guardFamily(taking.kind)],
  );
}

async function withoutAnswer(
  client: Queryable,
  serviceId: string,
  takings: readonly Taking[],
): Promise<readonly Taking[]> {
  const known = await client.query<{ user_id: string; kind: string }>(
    `select user_id, kind from guard_holds where service_id = $1 and user_id = any($2::uuid[])
     union select user_id, kind from guard_taken where service_id = $1 and user_id = any($2::uuid[]) and done_at is null
     union select user_id, kind from guard_staged where service_id = $1 and user_id = any($2::uuid[])
       and (decision is null or (decision = 'approved' and done_at is null))`,
    [serviceId, takings.map((taking) => taking.userId)],
  );
  const answered = new Set(known.rows.map((row) => `${row.user_id} ${row.kind}`));
  return takings.filter((taking) => !guardFamily(taking.kind).some((kind) => answered.has(`${taking.userId} ${kind}`)));
}

async function take(client: Queryable, serviceId: string, takings: readonly Taking[]): Promise<void> {
  await client.query(
    `insert into guard_taken (service_id, user_id, kind, amount)
     select $1, t.user_id, t.kind, t.amount from unnest($2::uuid[], $3::text[], $4::integer[]) t (user_id, kind, amount)
     on conflict (service_id, user_id, kind) where done_at is null do update set amount = greatest(guard_taken.amount, excluded.amount)`,
    [serviceId, takings.map((t) => t.userId), takings.map((t) => t.kind), takings.map((t) => t.amount)],
  );
}

interface Staging {
  readonly serviceId: string;
  readonly version: number;
  readonly changeId: number | null;
  readonly takings: readonly Taking[];
}

async function stage(client: Queryable, staging: Staging): Promise<number> {
  const rows = staging.takings.map((taking) => ({ id: uuidv7(), ...taking }));
  const staged = await client.query(
    `insert into guard_staged (id, service_id, user_id, username, kind, version, groups, change_id)
     select t.id, $1, t."userId", t.username, t.kind, $2, t.groups, $3
     from jsonb_to_recordset($4::jsonb) t (id uuid, "userId" uuid, username text, kind text, groups uuid[])
     on conflict do nothing`,
    [staging.serviceId, staging.version, staging.changeId, JSON.stringify(rows)],
  );
  if ((staged.rowCount ?? 0) > 0) await guardTripped(client, staging.serviceId, staged.rowCount ?? 0);
  return staging.takings.length;
}
