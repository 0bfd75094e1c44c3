import { isServiceError } from '@muster/sdk';
import { hasManager } from '../hooks/overrides';
import type { EngineService } from '../store/engine-services';
import { engineServiceByName } from '../store/engine-services';
import { convergeDueGroups } from './converge-groups';
import type { GroupsAnswer } from './converge-groups';
import type { ActivityDependencies } from './dependencies';
import { judgeFailure } from './failures';
import { serviceTrouble } from './service-trouble';
import { GRACE_MS, withGrace } from './stopping';
import type { ChunkAnswer, ChunkContext, ChunkRequest } from './sync-chunk';

/** How long a chunk waits before it looks again at a service that is paused. */
const PAUSED_WAIT_MS = 10_000;

/** The service, or how long to wait for it; undefined = it is no more. */
export async function openService(
  deps: ActivityDependencies,
  name: string,
): Promise<EngineService | ChunkAnswer | undefined> {
  const service = await engineServiceByName(deps.db, name);
  if (service === undefined) return undefined;
  if (service.blockedMs > 0) return { waitMs: service.blockedMs };
  if (service.pausedReason !== null || !(await canBeBuilt(deps, service))) return { waitMs: PAUSED_WAIT_MS };
  // Its budget is used up for long: the workflow waits, and holds no worker slot.
  const budgetWaitMs = hasManager(deps, service) ? (deps.managers.get(service).budget?.longWaitMs ?? 0) : 0;
  return budgetWaitMs > 0 ? { waitMs: budgetWaitMs } : service;
}

/** By sync: the work on its remote groups that goes on in this process. */
const groupsOfRuns = new Map<string, Promise<GroupsAnswer>>();

/**
 * Remote groups converge before their members, all together: else the first accounts would make them one by one, and wait
 * for each other. Answers how long to wait for those that another writer has; null = go on.
 */
export async function groupsFirst(
  deps: ActivityDependencies,
  request: ChunkRequest,
  context: ChunkContext,
): Promise<number | null> {
  const service = await openService(deps, request.service);
  if (service === undefined || 'waitMs' in service) return service?.waitMs ?? null;
  if (service.membership !== 'by account' || !hasManager(deps, service)) return null;
  const entry = deps.managers.get(service);
  // The chunks of a run meet the same groups: one goes through them, the others wait for it.
  const running = groupsOfRuns.get(request.syncId);
  if (running !== undefined) return (await running).waitMs;
  const holder = `sync/${request.syncId}/${request.from}`;
  const answer = withGrace(context.stop, GRACE_MS, (signal) => {
    const call = { lane: 'bulk', signal, timeoutMs: deps.callTimeoutMs } as const;
    return convergeDueGroups(deps, { service, entry, call, holder }, context);
  }).finally(() => groupsOfRuns.delete(request.syncId));
  groupsOfRuns.set(request.syncId, answer);
  return (await answer).waitMs;
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
