import type { FlowDependencies } from '../hooks/flow';
import type { EngineService } from '../store/engine-services';
import { whetherDue } from '../store/due';
import { engineServiceByName } from '../store/engine-services';
import { takeLeases } from '../store/leases';
import { readSituations } from '../store/situations';
import { openItems, recordItems } from '../store/sync-items';
import type { ItemOutcome, SyncItem } from '../store/sync-items';
import { readSync } from '../store/syncs';
import type { Sync } from '../store/syncs';
import type { ConvergeOutcome } from '../workflows/contracts';
import { sendThroughHook } from './chunk-hooks';
import { batchSize, batchTook } from './batch-size';
import { groupsFirst, openService } from './chunk-service';
import { convergeLeased } from './converge';
import type { HookAccess } from './converge';
import type { ActivityDependencies } from './dependencies';
import { planBatch, sayDifferences } from './plan-chunk';
import { LEASE_MS, Round } from './round';
import type { RoundStart } from './round';
import { GRACE_MS, withGrace } from './stopping';

export interface ChunkRequest {
  readonly service: string;
  readonly syncId: string;
  readonly from: number;
  readonly to: number;
}

export interface ChunkContext extends HookAccess {
  /** The sync was paused or cancelled, or the worker drains: no further account is begun. */
  readonly stop: AbortSignal;
  readonly heartbeat: () => void;
}

export interface ChunkAnswer {
  /** null = every item of the chunk has its outcome; else come back after so many milliseconds. */
  readonly waitMs: number | null;
  /** The service is paused: its resumption is told by a signal, and the wait is only for the case that it is lost. */
  readonly paused?: true;
}

/** Batches of a chunk at the same time: while one is written down, the calls of the other go on. */
const LANES = 2;
/** Accounts of a plan that are looked at together. */
const PLAN_BATCH = 25;
/** How long a chunk waits before it looks again at accounts that another writer has. */
const LEASED_WAIT_MS = 500;
/** A changed account is gone round again so often; after that its own workflow has it. */
const MAX_ROUNDS = 5;
/** An account that must wait longer than this is left to its own next try. */
const LONGEST_REVISIT_MS = 30_000;

/**
 * Brings the accounts of a chunk up to date, a batch at a time, with as many calls in flight as the service has slots.
 * Results are written per batch, so a chunk that is run again after a crash skips what is settled.
 */
export async function syncChunk(
  deps: ActivityDependencies & FlowDependencies,
  request: ChunkRequest,
  context: ChunkContext,
): Promise<ChunkAnswer> {
  const items = await openItems(deps.db, request.syncId, request);
  const sync = await readSync(deps.db, request.syncId);
  if (sync === undefined) return { waitMs: null };
  if (sync.dryRun) return planChunk(deps, { request, context, items });
  const groupsWait = items.length === 0 ? undefined : await groupsFirst(deps, { request, sync, context });
  if (groupsWait !== undefined) return groupsWait;
  const queue = [...items];
  const lanes = Array.from({ length: LANES }, () => syncLane(deps, { request, sync, context }, queue));
  const ends = await Promise.allSettled(lanes);
  const broken = ends.find((end) => end.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
  context.stop.throwIfAborted();
  const [wait] = ends.flatMap((end) => (end.status === 'fulfilled' ? (end.value ?? []) : []));
  if (wait !== undefined) return wait;
  const left = await openItems(deps.db, request.syncId, request);
  return { waitMs: left.length === 0 ? null : LEASED_WAIT_MS };
}

/** Takes batches off the queue until it is empty; an answer ends the chunk early, and the other lanes with their batch. */
async function syncLane(
  deps: ActivityDependencies & FlowDependencies,
  { request, sync, context }: Pick<Batch, 'request' | 'context'> & { readonly sync: Sync },
  queue: SyncItem[],
): Promise<ChunkAnswer | undefined> {
  while (queue.length > 0) {
    context.stop.throwIfAborted();
    const service = await openService(deps, request.service, sync);
    if (service === undefined || 'waitMs' in service) return service ?? { waitMs: null };
    const items = queue.splice(0, batchSize(service.id));
    const begunAt = performance.now();
    await withGrace(context.stop, GRACE_MS, (hardEnd) =>
      syncBatch(deps, { request, service, context, items, hardEnd }),
    );
    batchTook(service.id, { items: items.length, ms: performance.now() - begunAt });
    context.heartbeat();
  }
  return undefined;
}

/** A plan asks the far side nothing, so it waits for no service that is paused. */
async function planChunk(
  deps: ActivityDependencies,
  { request, context, items }: Pick<Batch, 'request' | 'context' | 'items'>,
): Promise<ChunkAnswer> {
  for (let start = 0; start < items.length; start += PLAN_BATCH) {
    context.stop.throwIfAborted();
    const service = await engineServiceByName(deps.db, request.service);
    if (service === undefined) return { waitMs: null };
    const part = items.slice(start, start + PLAN_BATCH);
    await recordItems(deps.db, request.syncId, await planBatch(deps, { service, items: part, access: context }));
    context.heartbeat();
  }
  return { waitMs: null };
}

interface Batch {
  readonly request: ChunkRequest;
  readonly service: EngineService;
  readonly context: ChunkContext;
  readonly items: readonly SyncItem[];
  /** Ends calls that run: some time after `context.stop`. */
  readonly hardEnd: AbortSignal;
}

async function syncBatch(deps: ActivityDependencies & FlowDependencies, batch: Batch): Promise<void> {
  const { request, service } = batch;
  const users = batch.items.map((item) => item.userId);
  const known = await whetherDue(deps.db, service.id, users);
  const due = users.filter((userId) => known.get(userId) === true);
  await record(
    deps,
    batch,
    users
      .filter((userId) => known.get(userId) !== true)
      .map((userId) => ({ userId, ...(known.has(userId) ? IDLE : NO_ACCOUNT) })),
  );
  const hooked = await sendThroughHook(deps, service, { syncId: request.syncId, userIds: due });
  await record(deps, batch, hooked);
  await syncSetBased(
    deps,
    batch,
    due.filter((userId) => !hooked.some((item) => item.userId === userId)),
  );
}

async function syncSetBased(deps: ActivityDependencies, batch: Batch, due: readonly string[]): Promise<void> {
  const { request, service, context } = batch;
  const holder = `sync/${request.syncId}/${request.from}`;
  const leases = await takeLeases(deps.db, { serviceId: service.id, userIds: due, holder, leaseMs: LEASE_MS });
  const situations = new Map((await readSituations(deps.db, service.id, due)).map((s) => [s.userId, s]));
  const settled = await Promise.allSettled(
    leases.map(async (lease) => {
      const situation = situations.get(lease.userId);
      if (situation === undefined) return { userId: lease.userId, ...NO_ACCOUNT };
      const first = buildRound(deps, batch, { lease, situation });
      return { userId: lease.userId, ...(await settle(deps, batch, first)) };
    }),
  );
  context.heartbeat();
  deps.failpoint('chunk:before-record');
  const results = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  // What the stop has cut off has not failed: it stays open.
  const failedByStop = (result: Result): boolean => batch.hardEnd.aborted && result.outcome === 'failed';
  await record(
    deps,
    batch,
    results.filter((result) => !failedByStop(result)),
  );
  deps.failpoint('chunk:after-record');
  // What broke one account (our own database is away) is thrown after the others were waited for: nobody works on unseen.
  const broken = settled.find((result) => result.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
}

const IDLE = { outcome: 'unchanged', reason: undefined } as const;
const NO_ACCOUNT = { outcome: 'skipped', reason: 'no such account' } as const;

function buildRound(deps: ActivityDependencies, batch: Batch, taken: Pick<RoundStart, 'lease' | 'situation'>): Round {
  const { service, context } = batch;
  const call = { lane: 'bulk', signal: batch.hardEnd, stop: context.stop, timeoutMs: deps.callTimeoutMs } as const;
  return new Round({ deps, service, entry: deps.managers.get(service), call, ...taken });
}

interface Result {
  /** undefined = not settled: the chunk comes back to it. */
  readonly outcome: ItemOutcome | undefined;
  readonly reason: string | undefined;
}

async function settle(deps: ActivityDependencies, batch: Batch, first: Round): Promise<Result> {
  const did = new Set<string>();
  let round: Round | undefined = first;
  for (let rounds = 0; rounds < MAX_ROUNDS && round !== undefined; rounds += 1) {
    const outcome: ConvergeOutcome = await convergeLeased(round, batch.context);
    for (const step of outcome.did) did.add(step);
    if (outcome.outcome !== 'again') return resultOf(outcome, did);
    round = await nextRound(deps, batch, round);
  }
  return { outcome: undefined, reason: undefined };
}

async function nextRound(deps: ActivityDependencies, batch: Batch, last: Round): Promise<Round | undefined> {
  const { serviceId, userId } = last.lease;
  const holder = `sync/${batch.request.syncId}/${batch.request.from}`;
  const [lease] = await takeLeases(deps.db, { serviceId, userIds: [userId], holder, leaseMs: LEASE_MS });
  const [situation] = await readSituations(deps.db, serviceId, [userId]);
  return lease === undefined || situation === undefined ? undefined : buildRound(deps, batch, { lease, situation });
}

function resultOf(outcome: Exclude<ConvergeOutcome, { outcome: 'again' }>, did: ReadonlySet<string>): Result {
  switch (outcome.outcome) {
    case 'settled':
      return {
        outcome: did.size > 0 ? 'succeeded' : 'unchanged',
        reason: did.size > 0 ? [...did].join(', ') : undefined,
      };
    case 'stopped':
      return { outcome: outcome.reason.includes('approval') ? 'skipped' : 'failed', reason: outcome.reason };
    case 'later':
      return laterResult(outcome);
  }
}

/** Throttled, paused, or soon: the item stays open. A failure, and what takes long, has its own next try. */
function laterResult({ reason, waitMs }: Extract<ConvergeOutcome, { outcome: 'later' }>): Result {
  if (reason.startsWith('failed')) return { outcome: 'failed', reason };
  return waitMs > LONGEST_REVISIT_MS ? { outcome: 'skipped', reason } : { outcome: undefined, reason: undefined };
}

async function record(
  deps: ActivityDependencies,
  { request, items, service }: Pick<Batch, 'request' | 'items' | 'service'>,
  results: readonly (Result & { readonly userId: string })[],
): Promise<void> {
  const seqOf = new Map(items.map((item) => [item.userId, item.seq]));
  const settled = results.flatMap((result) => {
    const seq = seqOf.get(result.userId);
    return seq === undefined || result.outcome === undefined
      ? []
      : [{ seq, outcome: result.outcome, reason: result.reason }];
  });
  await recordItems(deps.db, request.syncId, await sayDifferences(deps, { service, items, results: settled }));
}
