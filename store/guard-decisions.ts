import type { GuardKind } from '../domain/guard';
import { recordChange } from './changes';
import type { Database, Queryable } from './database';
import { lockGuard } from './guard';
import { guardSettled } from './guard-trip';

/** Something the guard holds back until a person decides. */
export interface StagedTaking {
  readonly id: string;
  readonly serviceId: string;
  readonly userId: string;
  readonly username: string;
  readonly kind: GuardKind;
  /** Names of the remote groups that would be taken; empty unless it is a group removal. */
  readonly groups: readonly string[];
  readonly version: number;
  readonly stagedAt: Date;
  readonly decision: 'approved' | 'rejected' | 'cancelled' | null;
  readonly decidedAt: Date | null;
  readonly decidedBy: string | null;
  readonly decisionReason: string | null;
  /** The change that would take it, if it was one: who made it and why. */
  readonly changeId: number | null;
  readonly changeActor: string | null;
  readonly changeReason: string | null;
}

export interface StagedFilter {
  readonly serviceId: string;
  /** Default `open`: what waits for a decision. */
  readonly show?: 'open' | 'all';
  /** Id of the last row of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** What is staged on a service, oldest first. */
export async function listStaged(db: Queryable, filter: StagedFilter): Promise<readonly StagedTaking[]> {
  const found = await db.query<StagedTaking & { [key: string]: unknown }>(
    `select g.id, g.service_id as "serviceId", g.user_id as "userId", g.username, g.kind,
       array(select r.name from remote_groups r where r.id = any(g.groups) order by r.name) as groups, g.version,
       g.staged_at as "stagedAt", g.decision, g.decided_at as "decidedAt", g.decided_by as "decidedBy",
       g.decision_reason as "decisionReason", g.change_id as "changeId", c.actor as "changeActor", c.reason as "changeReason"
     from guard_staged g left join changes c on c.id = g.change_id
     where g.service_id = $1 and ($2 = 'all' or g.decision is null) and ($3::uuid is null or g.id > $3)
     order by g.id limit $4`,
    [filter.serviceId, filter.show ?? 'open', filter.after ?? null, filter.limit],
  );
  return found.rows;
}

export interface GuardDecision {
  readonly serviceId: string;
  /** Exactly these rows, or all that are staged at this moment. */
  readonly ids: readonly string[] | 'all';
  readonly actor: string;
  readonly reason?: string | undefined;
}

export interface GuardDecided {
  readonly decided: number;
  /** Rows that were asked for and are not open (any more), or are not of this service. */
  readonly notOpen: readonly string[];
  /** The change that makes the accounts due, and the operation that tells how it went; null when nothing was decided. */
  readonly changeId: number | null;
  readonly operationId: string | null;
}

/**
 * Lets the listed removals happen, and no others. Each is checked again when it is done: a right that has come back
 * meanwhile keeps the account. Hand `changeId` to the flow after this.
 */
export function approveStaged(db: Database, decision: GuardDecision): Promise<GuardDecided> {
  return decide(db, decision, 'approved');
}

/** Keeps what was to be taken: the accounts are held until their entitlement is next confirmed. Hand `changeId` to the flow. */
export function rejectStaged(db: Database, decision: GuardDecision): Promise<GuardDecided> {
  return decide(db, decision, 'rejected');
}

async function decide(db: Database, decision: GuardDecision, verdict: 'approved' | 'rejected'): Promise<GuardDecided> {
  return db.transaction(async (client) => {
    // The same lock as for every question to the guard: nothing is staged or taken while a decision is being made.
    await lockGuard(client, decision.serviceId);
    const rows = await mark(client, decision, verdict);
    const decided = new Set(rows.map((row) => row.id));
    const notOpen = decision.ids === 'all' ? [] : decision.ids.filter((id) => !decided.has(id));
    if (rows.length === 0) return { decided: 0, notOpen, changeId: null, operationId: null };
    if (verdict === 'rejected') await hold(client, decision, rows);
    await guardSettled(client, decision.serviceId, decision.actor);
    const change = await recordChange(client, {
      kind: 'people',
      subject: { serviceId: decision.serviceId },
      reasons: [...new Set(rows.map((row) => (row.kind === 'group removal' ? 'updateGroups' : 'validateUser')))],
      users: [...new Set(rows.map((row) => row.user_id))],
      actor: decision.actor,
      reason: decision.reason,
      operation: verdict === 'approved' ? 'approveStaged' : 'rejectStaged',
    });
    return { decided: rows.length, notOpen, ...change };
  });
}

interface DecidedRow {
  readonly id: string;
  readonly user_id: string;
  readonly kind: GuardKind;
}

async function mark(client: Queryable, decision: GuardDecision, verdict: string): Promise<readonly DecidedRow[]> {
  const marked = await client.query<DecidedRow & { [key: string]: unknown }>(
    `update guard_staged set decision = $3, decided_at = clock_timestamp(), decided_by = $4, decision_reason = $5,
       done_at = case when $3 = 'rejected' then clock_timestamp() end
     where service_id = $1 and decision is null and ($2::uuid[] is null or id = any($2))
     returning id, user_id, kind`,
    [
      decision.serviceId,
      decision.ids === 'all' ? null : decision.ids,
      verdict,
      decision.actor,
      decision.reason ?? null,
    ],
  );
  return marked.rows;
}

async function hold(client: Queryable, decision: GuardDecision, rows: readonly DecidedRow[]): Promise<void> {
  await client.query(
    `insert into guard_holds (service_id, user_id, kind, held_by)
     select $1, r.user_id, r.kind, $4 from unnest($2::uuid[], $3::text[]) r (user_id, kind) on conflict do nothing`,
    [decision.serviceId, rows.map((row) => row.user_id), rows.map((row) => row.kind), decision.actor],
  );
}

/** What waits for a decision on one service. */
export interface StagedSummary {
  readonly serviceId: string;
  readonly service: string;
  readonly count: number;
  readonly removals: number;
  readonly disables: number;
  readonly groupRemovals: number;
  readonly oldestAt: Date;
}

/** Every service on which something waits for a decision. */
export async function stagedSummaries(db: Queryable): Promise<readonly StagedSummary[]> {
  const found = await db.query<StagedSummary & { [key: string]: unknown }>(
    `select s.id as "serviceId", s.name as service, count(*)::integer as count,
       count(*) filter (where g.kind = 'removal')::integer as removals,
       count(*) filter (where g.kind = 'disable')::integer as disables,
       count(*) filter (where g.kind = 'group removal')::integer as "groupRemovals", min(g.staged_at) as "oldestAt"
     from guard_staged g join services s on s.id = g.service_id
     where g.decision is null group by s.id order by s.name`,
  );
  return found.rows;
}
