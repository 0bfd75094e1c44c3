import { uuidv7 } from 'uuidv7';
import { syncWorkflowId } from '../domain/ids';
import type { AccountStatus } from '../domain/words';
import type { SyncPace } from '../domain/sync-progress';
import type { Attention } from './accounts';
import type { Database, Queryable } from './database';
import { StoreError } from './errors';

/** `due`: what is due already; the others look at every account of their scope. */
export type SyncKind = 'groups' | 'nicknames' | 'accounts' | 'validate' | 'full' | 'due';
export type SyncStatus = 'queued' | 'staging' | 'running' | 'paused' | 'succeeded' | 'failed' | 'cancelled';

/** Which accounts. Empty: all that the kind is about. */
export interface SyncScope {
  /** In this order, each once. */
  readonly userIds?: readonly string[];
  readonly filter?: SyncFilter;
  /** The accounts that failed in this sync. */
  readonly failedOf?: string;
  /** The accounts that this plan would change. */
  readonly planOf?: string;
}

export interface SyncFilter {
  readonly status?: AccountStatus;
  readonly attention?: Attention;
  /** Part of the username. */
  readonly q?: string;
}

export interface SyncRequest {
  readonly serviceId: string;
  readonly kind: SyncKind;
  readonly scope: SyncScope;
  readonly actor: string;
  readonly reason?: string | undefined;
  /** Only a plan: what would be done. Default false. */
  readonly dryRun?: boolean | undefined;
}

export interface RequestedSync {
  readonly syncId: string;
  readonly operationId: string;
  /** The request joined one that was queued or running already. */
  readonly joined: boolean;
}

/** Once begun, these have looked at accounts that a later request wants looked at again. */
const NOT_JOINED_WHEN_BEGUN: readonly SyncKind[] = ['full', 'validate'];

/** What became due since it was staged is not among its items: that needs another one. */
const COVERS_WHAT_IS_DUE = `(kind <> 'due' or not exists (
  select from accounts a where a.service_id = syncs.service_id and a.wanted_version <> a.applied_version
    and a.wanted_version > coalesce(staged_version, 9223372036854775807)
    and (a.next_try is null or a.next_try <= clock_timestamp())))`;

/**
 * Asks for a sync. It joins one of the same kind and scope that has not ended, else it queues: first in, first out, one at
 * a time per service. @throws StoreError not-found
 */
export async function requestSync(db: Database, request: SyncRequest): Promise<RequestedSync> {
  return db.transaction((client) => requestSyncIn(client, request));
}

/** As `requestSync`, in a transaction of the caller's. */
export async function requestSyncIn(client: Queryable, request: SyncRequest): Promise<RequestedSync> {
  // Two requests at the same time become one sync, not two.
  await client.query(`select pg_advisory_xact_lock(hashtextextended('sync:' || $1, 0))`, [request.serviceId]);
  const found = await client.query<{ name: string }>(`select name from services where id = $1`, [request.serviceId]);
  const service = found.rows[0];
  if (service === undefined) throw new StoreError('not-found', `There is no service ${request.serviceId}.`);
  const joined = await findLike(client, request);
  const syncId = joined ?? (await insertSync(client, request, service.name));
  const operationId = await insertOperation(client, request, syncId);
  return { syncId, operationId, joined: joined !== undefined };
}

async function findLike(client: Queryable, request: SyncRequest): Promise<string | undefined> {
  const found = await client.query<{ id: string }>(
    `select id from syncs
     where service_id = $1 and kind = $2 and scope = $3::jsonb and dry_run = $5
       and (status = 'queued' or (status in ('staging', 'running', 'paused') and not dry_run and not kind = any($4::text[]) and ${COVERS_WHAT_IS_DUE}))
     order by created_at, id limit 1 for update`,
    [request.serviceId, request.kind, request.scope, NOT_JOINED_WHEN_BEGUN, request.dryRun ?? false],
  );
  return found.rows[0]?.id;
}

async function insertSync(client: Queryable, request: SyncRequest, service: string): Promise<string> {
  const syncId = uuidv7();
  await client.query(
    `insert into syncs (id, service_id, kind, scope, actor, reason, workflow_id, dry_run, retry_of, plan_of)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      syncId,
      request.serviceId,
      request.kind,
      request.scope,
      request.actor,
      request.reason ?? null,
      syncWorkflowId(service, syncId),
      request.dryRun ?? false,
      request.scope.failedOf ?? null,
      request.scope.planOf ?? null,
    ],
  );
  return syncId;
}

async function insertOperation(client: Queryable, request: SyncRequest, syncId: string): Promise<string> {
  const operationId = uuidv7();
  await client.query(
    `insert into operations (id, kind, service_id, sync_id, actor, reason, workflow_id)
     select $1, $2, service_id, id, $4, $5, workflow_id from syncs where id = $3`,
    [
      operationId,
      `${request.dryRun === true ? 'plan' : 'sync'} ${request.kind}`,
      syncId,
      request.actor,
      request.reason ?? null,
    ],
  );
  return operationId;
}

/** A bulk operation over many accounts of one service, with its totals. */
export interface Sync {
  readonly id: string;
  readonly serviceId: string;
  readonly service: string;
  readonly kind: SyncKind;
  readonly scope: SyncScope;
  readonly dryRun: boolean;
  readonly status: SyncStatus;
  readonly actor: string;
  readonly reason: string | null;
  /** = succeeded + unchanged + skipped + failed, once it has ended. */
  readonly total: number;
  readonly succeeded: number;
  readonly unchanged: number;
  readonly skipped: number;
  readonly failed: number;
  readonly workflowId: string;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** What its workflow must still be told. */
  readonly signalDue: SyncSignal | null;
  readonly retryOf: string | null;
  readonly planOf: string | null;
  /** The comparison that a full sync begins with. */
  readonly reconciliationId: string | null;
  /** Why it failed as a whole. */
  readonly error: string | null;
  /** Grows with every change of the sync. */
  readonly revision: number;
  readonly pace: SyncPace;
}

export type SyncSignal = 'pause' | 'resume' | 'cancel';

// The window of the rate begins with a slot, with the sync, or with the end of a pause, whichever is latest.
const PACE = `
  left join lateral (
    select greatest(to_timestamp((floor(extract(epoch from clock_timestamp()) / 5) - 5) * 5), y.started_at, y.resumed_at) as since
  ) w on true
  left join lateral (
    select sum(p.done)::integer as recent from sync_paces p
    where p.sync_id = y.id and p.slot >= floor(extract(epoch from w.since) / 5)
  ) p on true`;

const SYNCS = `
  select y.signal_due as "signalDue", y.retry_of as "retryOf", y.plan_of as "planOf", y.reconciliation_id as "reconciliationId", y.error, y.revision,
    json_build_object('recent', coalesce(p.recent, 0),
      'recentMs', case when y.finished_at is null then extract(epoch from clock_timestamp() - w.since) * 1000 end,
      'activeMs', extract(epoch from coalesce(y.finished_at, y.paused_at, clock_timestamp()) - y.started_at) * 1000 - y.paused_ms,
      'servicePaused', not y.dry_run and (s.paused_reason is not null or (s.first_run = 'plan' and y.plan_of is null)),
      'throttled', coalesce(s.blocked_until > clock_timestamp(), false)) as pace,
    y.id, y.service_id as "serviceId", s.name as service, y.kind, y.scope, y.dry_run as "dryRun", y.status, y.actor, y.reason,
    y.total, y.succeeded, y.unchanged, y.skipped, y.failed, y.workflow_id as "workflowId", y.created_at as "createdAt",
    y.started_at as "startedAt", y.finished_at as "finishedAt"
  from syncs y join services s on s.id = y.service_id ${PACE}`;

type SyncRow = Sync & { [key: string]: unknown };

/** undefined = there is none. */
export async function readSync(db: Queryable, syncId: string): Promise<Sync | undefined> {
  const found = await db.query<SyncRow>(`${SYNCS} where y.id = $1`, [syncId]);
  return found.rows[0];
}

/** Several at once, for who watches many. */
export async function readSyncs(db: Queryable, syncIds: readonly string[]): Promise<readonly Sync[]> {
  const found = await db.query<SyncRow>(`${SYNCS} where y.id = any($1::uuid[])`, [syncIds]);
  return found.rows;
}

/** Syncs, newest first; `after` is the last id of the page before. */
export async function listSyncs(
  db: Queryable,
  filter: { readonly serviceId?: string | undefined; readonly after?: string | undefined; readonly limit: number },
): Promise<readonly Sync[]> {
  const found = await db.query<SyncRow>(
    `${SYNCS} where ($1::uuid is null or y.service_id = $1) and ($2::uuid is null or y.id < $2) order by y.id desc limit $3`,
    [filter.serviceId ?? null, filter.after ?? null, filter.limit],
  );
  return found.rows;
}

/** Syncs that have not ended, oldest first: a sweep sends what nobody works on. */
export async function openSyncs(db: Queryable): Promise<readonly Sync[]> {
  const found = await db.query<SyncRow>(
    `${SYNCS} where y.status in ('queued', 'staging', 'running', 'paused') order by y.id`,
  );
  return found.rows;
}

/**
 * Begins the oldest queued sync of a service, unless one is live: the database allows only one. While the service is paused
 * none begins, but the execution of a plan on one that waits for its first. A plan waits for nobody.
 * Answers its id, or undefined when there is nothing to begin now.
 */
export async function startNextQueued(db: Queryable, serviceId: string): Promise<string | undefined> {
  try {
    const started = await db.query<{ id: string }>(
      `update syncs set status = 'staging', started_at = clock_timestamp()
       where id = (
         select q.id from syncs q join services s on s.id = q.service_id
         where q.service_id = $1 and q.status = 'queued' and (q.dry_run or (
           s.paused_reason is null and (s.first_run = 'write' or q.plan_of is not null) and not exists (
             select from syncs l where l.service_id = $1 and l.status in ('staging', 'running', 'paused') and not l.dry_run)))
         order by q.created_at, q.id limit 1 for update of q skip locked)
       returning id`,
      [serviceId],
    );
    return started.rows[0]?.id;
  } catch (error) {
    // Another process began one at the same moment.
    if (isUniqueViolation(error)) return undefined;
    throw error;
  }
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505';
}

export interface SyncEnding {
  readonly status: 'succeeded' | 'failed' | 'cancelled';
  /** Why what has no outcome was skipped. */
  readonly reason: string;
}

/**
 * Ends a sync and its operations. What has no outcome counts as skipped with this reason, so that the totals add up.
 * A second call changes nothing and answers the same. @throws StoreError not-found
 */
export async function finishSync(db: Database, syncId: string, ending: SyncEnding): Promise<Sync> {
  await db.transaction((client) => endSync(client, syncId, ending));
  const sync = await readSync(db, syncId);
  if (sync === undefined) throw new StoreError('not-found', `There is no sync ${syncId}.`);
  return sync;
}

/** As `finishSync`, in a transaction of the caller's. */
export async function endSync(client: Queryable, syncId: string, ending: SyncEnding): Promise<void> {
  const live = await client.query(`select from syncs where id = $1 and finished_at is null for update`, [syncId]);
  if (live.rowCount === 0) return;
  await client.query(
    `update sync_items set outcome = 'skipped', reason = $2, finished_at = clock_timestamp() where sync_id = $1 and outcome is null`,
    [syncId, ending.reason],
  );
  await client.query(
    `update syncs y set status = $2, finished_at = clock_timestamp(), signal_due = null, total = c.total, succeeded = c.succeeded,
       unchanged = c.unchanged, skipped = c.skipped, failed = c.failed
     from (select count(*) as total, count(*) filter (where outcome = 'succeeded') as succeeded,
         count(*) filter (where outcome = 'unchanged') as unchanged, count(*) filter (where outcome = 'skipped') as skipped,
         count(*) filter (where outcome = 'failed') as failed
       from sync_items where sync_id = $1) c
     where y.id = $1`,
    [syncId, ending.status],
  );
  await client.query(`delete from sync_paces where sync_id = $1`, [syncId]);
  await finishOperations(client, syncId);
}

async function finishOperations(client: Queryable, syncId: string): Promise<void> {
  await client.query(
    `update operations o set status = y.status, updated_at = clock_timestamp(), finished_at = clock_timestamp(),
       outcome = coalesce(y.error, format('%s accounts: %s changed, %s unchanged, %s skipped, %s failed', y.total, y.succeeded, y.unchanged, y.skipped, y.failed))
     from syncs y where y.id = $1 and o.sync_id = y.id and o.status in ('running', 'waiting')`,
    [syncId],
  );
}
