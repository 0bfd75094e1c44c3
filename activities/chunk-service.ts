import { isServiceError } from '@muster/sdk';
import { hasManager } from '../hooks/overrides';
import type { EngineService } from '../store/engine-services';
import { engineServiceByName } from '../store/engine-services';
import { FIRST_RUN } from '../store/first-run';
import type { Sync } from '../store/syncs';
import { convergeDueGroups } from './converge-groups';
import type { GroupsAnswer } from './converge-groups';
import type { ActivityDependencies } from './dependencies';
import { judgeFailure } from './failures';
import { serviceTrouble } from './service-trouble';
import { GRACE_MS, withGrace } from './stopping';
import type { ChunkAnswer, ChunkContext, ChunkRequest } from './sync-chunk';

/** A signal tells that a paused service goes on; without one it is looked at again after so long. */
const PAUSED_WAIT_MS = 600_000;

/** The service, or how long to wait for it; undefined = it is no more. */
export async function openService(
  deps: ActivityDependencies,
  name: string,
  sync: Sync,
): Promise<EngineService | ChunkAnswer | undefined> {
  const service = await engineServiceByName(deps.db, name);
  if (service === undefined) return undefined;
  if (service.blockedMs > 0) return { waitMs: service.blockedMs };
  if (isPausedFor(service, sync) || !(await canBeBuilt(deps, service))) return { waitMs: PAUSED_WAIT_MS, paused: true };
  // Its budget is used up for long: the workflow waits, and holds no worker slot.
  const budgetWaitMs = hasManager(deps, service) ? (deps.managers.get(service).budget?.longWaitMs ?? 0) : 0;
  return budgetWaitMs > 0 ? { waitMs: budgetWaitMs } : service;
}

/** What a person has approved of a plan is done also where everything else waits for the first run. */
function isPausedFor({ pausedReason }: EngineService, { planOf }: Sync): boolean {
  return pausedReason !== null && !(pausedReason === FIRST_RUN && planOf !== null);
}

export interface ChunkOfSync {
  readonly request: ChunkRequest;
  readonly sync: Sync;
  readonly context: ChunkContext;
}

/** By sync: the work on its remote groups that goes on in this process. */
const groupsOfRuns = new Map<string, Promise<GroupsAnswer>>();

/**
 * Remote groups converge before their members, all together: else the first accounts would make them one by one, and wait
 * for each other. Answers how long to wait for those that another writer has; undefined = go on.
 */
export async function groupsFirst(deps: ActivityDependencies, chunk: ChunkOfSync): Promise<ChunkAnswer | undefined> {
  const { request, sync } = chunk;
  const service = await openService(deps, request.service, sync);
  if (service === undefined || 'waitMs' in service) return service ?? { waitMs: null };
  if (service.membership !== 'by account' || !hasManager(deps, service)) return undefined;
  // A part of a first plan: its accounts make the groups that they need, and nothing else is made yet.
  if (service.pausedReason === FIRST_RUN) return undefined;
  // The chunks of a run meet the same groups: one goes through them, the others wait for it.
  const { waitMs } = await (groupsOfRuns.get(request.syncId) ?? beginGroups(deps, service, chunk));
  return waitMs === null ? undefined : { waitMs };
}

function beginGroups(deps: ActivityDependencies, service: EngineService, chunk: ChunkOfSync): Promise<GroupsAnswer> {
  const { request, sync, context } = chunk;
  const entry = deps.managers.get(service);
  const holder = `sync/${request.syncId}/${request.from}`;
  const begun = withGrace(context.stop, GRACE_MS, (signal) => {
    const call = { lane: 'bulk', signal, timeoutMs: deps.callTimeoutMs } as const;
    const isPaused = (now: EngineService): boolean => isPausedFor(now, sync);
    return convergeDueGroups(deps, { service, entry, call, holder }, { ...context, isPaused });
  }).finally(() => groupsOfRuns.delete(request.syncId));
  groupsOfRuns.set(request.syncId, begun);
  return begun;
}

/** A service whose configuration does not fit is paused before any of its accounts is taken up. */
async function canBeBuilt(deps: ActivityDependencies, service: EngineService): Promise<boolean> {
  if (!hasManager(deps, service)) return true;
  try {
    deps.managers.get(service);
    return true;
  } catch (error) {
    if (!isServiceError(error)) throw error;
    await serviceTrouble(deps, service, { verdict: judgeFailure(error, 0, 0) });
    return false;
  }
}
