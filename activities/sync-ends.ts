import { beginNextSync } from '../hooks/flow';
import type { FlowDependencies } from '../hooks/flow';
import { callUpdateAllGroups, isForAllGroups } from '../hooks/sync-hooks';
import { engineServiceByName } from '../store/engine-services';
import type { EngineService } from '../store/engine-services';
import { bumpMissedGroups, releaseGatheredGroups } from '../store/group-members';
import { stageDone, stageSync } from '../store/sync-items';
import { withdrawSync } from '../store/sync-withdrawal';
import { finishSync, readSync } from '../store/syncs';
import type { Sync } from '../store/syncs';
import type { ActivityDependencies } from './dependencies';
import { compareFirst } from './full-sync';

/**
 * Stages a sync; `later`: it waits for the comparison that it begins with. A hook that updates all groups by itself is asked
 * first; what it has done needs no account looked at.
 */
export async function beginSync(
  deps: ActivityDependencies & FlowDependencies,
  syncId: string,
): Promise<number | 'later'> {
  const sync = await readSync(deps.db, syncId);
  const service = sync === undefined ? undefined : await engineServiceByName(deps.db, sync.service);
  const isToStage = sync?.status === 'staging' && sync.total === 0 && !sync.dryRun;
  if (isToStage && service !== undefined) {
    const begun = await beforeStaging(deps, service, sync);
    if (begun !== 'stage it') return begun;
  }
  const total = await stageSync(deps.db, syncId);
  deps.failpoint('sync:after-stage');
  return total;
}

async function beforeStaging(
  deps: ActivityDependencies & FlowDependencies,
  service: EngineService,
  sync: Sync,
): Promise<number | 'later' | 'stage it'> {
  if (isForAllGroups(deps, service, sync) && !(await callUpdateAllGroups(deps, service)))
    return stageDone(deps.db, sync.id, 'done by the hook');
  const comparison = await compareFirst(deps, service, sync);
  if (comparison === 'running') return 'later';
  return comparison === 'failed' ? 0 : 'stage it';
}

/** Ends a sync, begins the next, and has looked for what became due meanwhile. */
export async function endSync(
  deps: ActivityDependencies & FlowDependencies,
  syncId: string,
  cancelled: boolean,
): Promise<void> {
  const reason = cancelled ? 'the sync was cancelled' : 'not reached';
  if (cancelled) await withdrawSync(deps.db, syncId);
  await finishSync(deps.db, syncId, { status: cancelled ? 'cancelled' : 'succeeded', reason });
  deps.failpoint('sync:after-finish');
  const sync = await readSync(deps.db, syncId);
  if (sync === undefined) return;
  await bumpMissedGroups(deps.db, sync.id);
  const groupsWaited = await releaseGatheredGroups(deps.db, sync.service);
  await beginNextSync(deps, sync.service);
  // What became due beside the sync does not wait for the next tick; where nothing could be done, the tick is soon enough.
  const didSomething = !cancelled && !sync.dryRun && sync.succeeded > 0;
  if (groupsWaited || didSomething) await deps.starter.sweepNow();
}
