import type { Database, Queryable } from './database';
import { StoreError } from './errors';
import { openByPlan } from './first-run';
import { endSync, requestSyncIn } from './syncs';
import type { RequestedSync, SyncKind, SyncSignal, SyncStatus } from './syncs';

interface SteeredSync {
  readonly [column: string]: unknown;
  readonly service_id: string;
  readonly kind: SyncKind;
  readonly status: SyncStatus;
  readonly dry_run: boolean;
  readonly failed: number;
  readonly succeeded: number;
  readonly has_ended: boolean;
}

async function lockSync(client: Queryable, syncId: string): Promise<SteeredSync> {
  const found = await client.query<SteeredSync>(
    `select service_id, kind, status, dry_run, failed, succeeded, finished_at is not null as has_ended
     from syncs where id = $1 for update`,
    [syncId],
  );
  const sync = found.rows[0];
  if (sync === undefined) throw new StoreError('not-found', `There is no sync ${syncId}.`);
  return sync;
}

function refuseEnded(sync: SteeredSync): void {
  if (sync.has_ended) throw new StoreError('conflict', `The sync has ended already: ${sync.status}.`);
}

/**
 * Cancels a sync. A queued one ends at once; a live one must be told to stop (the answer says so) and ends when its
 * running chunks have. @throws StoreError not-found, conflict (it has ended)
 */
export async function cancelSync(db: Database, syncId: string): Promise<'cancelled' | 'to be stopped'> {
  return db.transaction(async (client) => {
    const sync = await lockSync(client, syncId);
    refuseEnded(sync);
    if (sync.status === 'queued') {
      await endSync(client, syncId, { status: 'cancelled', reason: 'cancelled before it began' });
      return 'cancelled';
    }
    await client.query(`update syncs set signal_due = 'cancel' where id = $1`, [syncId]);
    return 'to be stopped';
  });
}

/**
 * Pauses a sync that has begun; its workflow must then be told. One that is paused stays so. It keeps its turn: what is
 * queued behind it waits. @throws StoreError not-found, conflict (it has ended, has not begun, or is being cancelled)
 */
export async function pauseSync(db: Database, syncId: string): Promise<void> {
  await db.transaction(async (client) => {
    const sync = await lockSync(client, syncId);
    refuseEnded(sync);
    if (sync.status === 'queued') {
      throw new StoreError(
        'conflict',
        'The sync has not begun: it waits for its turn. Cancel it, or pause the service.',
      );
    }
    const paused = await client.query(
      `update syncs set status = 'paused', signal_due = 'pause', paused_at = coalesce(paused_at, clock_timestamp())
       where id = $1 and signal_due is distinct from 'cancel'`,
      [syncId],
    );
    if (paused.rowCount === 0) throw new StoreError('conflict', 'The sync is being cancelled.');
  });
}

/** Lets a paused sync go on where it stopped; its workflow must then be told. @throws StoreError not-found, conflict (it is not paused) */
export async function resumeSync(db: Database, syncId: string): Promise<void> {
  await db.transaction(async (client) => {
    const sync = await lockSync(client, syncId);
    if (sync.status !== 'paused') throw new StoreError('conflict', `The sync is not paused: ${sync.status}.`);
    await client.query(
      `update syncs set status = case when staged_version is null then 'staging' else 'running' end,
         signal_due = case when signal_due = 'cancel' then signal_due else 'resume' end, resumed_at = clock_timestamp(),
         paused_ms = paused_ms + extract(epoch from clock_timestamp() - paused_at) * 1000, paused_at = null
       where id = $1`,
      [syncId],
    );
  });
}

export interface FollowUp {
  readonly syncId: string;
  readonly actor: string;
  readonly reason?: string | undefined;
}

/**
 * Asks for a sync over exactly the accounts that failed in one that has ended. Asked twice it is the same sync, as long as
 * that has not ended. @throws StoreError not-found, conflict (it has not ended, was a plan, or nothing failed)
 */
export async function retrySync(db: Database, wanted: FollowUp): Promise<RequestedSync> {
  return db.transaction(async (client) => followUp(client, wanted, await failedSync(client, wanted.syncId)));
}

async function failedSync(client: Queryable, syncId: string): Promise<Followed> {
  const sync = await lockSync(client, syncId);
  if (!sync.has_ended) throw new StoreError('conflict', `The sync has not ended: ${sync.status}.`);
  if (sync.dry_run) throw new StoreError('conflict', 'It was a plan, so there is nothing to try again.');
  if (sync.failed === 0) throw new StoreError('conflict', 'No account of the sync has failed.');
  return { sync, scope: { failedOf: syncId } };
}

/**
 * Asks for the execution of a plan: a sync over exactly the accounts that it would change, each decided anew. Asked twice
 * before that has begun it is the same sync. It opens a service whose first run waits for it, unless it is a plan of some
 * accounts only. @throws StoreError not-found, conflict (no plan, not ready, stale, nothing to do, or executed already)
 */
export async function approvePlan(db: Database, wanted: FollowUp): Promise<RequestedSync> {
  return db.transaction(async (client) => {
    const plan = await readyPlan(client, wanted.syncId);
    await openByPlan(client, { planId: wanted.syncId, actor: wanted.actor, reason: wanted.reason });
    return followUp(client, wanted, plan);
  });
}

async function readyPlan(client: Queryable, syncId: string): Promise<Followed> {
  const sync = await lockSync(client, syncId);
  if (!sync.dry_run) throw new StoreError('conflict', 'Only a plan can be approved; this sync was a real one.');
  if (sync.status !== 'succeeded') throw new StoreError('conflict', `The plan is not ready: ${sync.status}.`);
  if (sync.succeeded === 0) throw new StoreError('conflict', 'The plan would change nothing.');
  const done = await client.query(`select from syncs where plan_of = $1 and status <> 'queued'`, [syncId]);
  if (done.rows.length > 0) throw new StoreError('conflict', 'The plan is executed already: ask for a new one.');
  return { sync, scope: { planOf: syncId } };
}

interface Followed {
  readonly sync: SteeredSync;
  readonly scope: { readonly failedOf: string } | { readonly planOf: string };
}

function followUp(client: Queryable, { actor, reason }: FollowUp, { sync, scope }: Followed): Promise<RequestedSync> {
  return requestSyncIn(client, { serviceId: sync.service_id, kind: sync.kind, scope, actor, reason });
}

/** Its workflow has been told: forgets the signal, unless another one is due by now. */
export async function signalTold(db: Queryable, syncId: string, told: SyncSignal): Promise<void> {
  await db.query(`update syncs set signal_due = null where id = $1 and signal_due = $2`, [syncId, told]);
}
