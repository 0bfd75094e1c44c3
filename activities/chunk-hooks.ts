import { dispatchThroughHook } from '../hooks/dispatch';
import type { Dispatched } from '../hooks/dispatch';
import type { FlowDependencies } from '../hooks/flow';
import { hasManager } from '../hooks/overrides';
import { syncsThroughHook } from '../hooks/sync-hooks';
import type { EngineService } from '../store/engine-services';
import type { ItemOutcome } from '../store/sync-items';
import { readSync } from '../store/syncs';
import type { ActivityDependencies } from './dependencies';

export interface HookedItem {
  readonly userId: string;
  readonly outcome: ItemOutcome;
  readonly reason: string;
}

/** Sends the accounts of a chunk through the service's hook where it overrides something. Who is missing in the answer is for the set-based path. */
export async function sendThroughHook(
  deps: ActivityDependencies & FlowDependencies,
  service: EngineService,
  part: { readonly syncId: string; readonly userIds: readonly string[] },
): Promise<readonly HookedItem[]> {
  const sync = await readSync(deps.db, part.syncId);
  if (sync === undefined || part.userIds.length === 0) return [];
  if (!syncsThroughHook(deps, service, sync)) {
    return hasManager(deps, service) ? [] : part.userIds.map((userId) => ({ userId, ...NO_MANAGER }));
  }
  const outcomes = await dispatchThroughHook(deps, service, part.userIds);
  return [...outcomes].flatMap(([userId, outcome]) => (outcome === 'ordinary' ? [] : [{ userId, ...ITEMS[outcome] }]));
}

const NO_MANAGER = { outcome: 'skipped', reason: 'the service has no manager' } as const;

const ITEMS: Readonly<Record<Exclude<Dispatched, 'ordinary'>, Omit<HookedItem, 'userId'>>> = {
  done: { outcome: 'succeeded', reason: 'done by the hook' },
  'handed on': { outcome: 'succeeded', reason: 'its own workflow has it' },
  failed: { outcome: 'failed', reason: 'the hook failed, it will be called again' },
  staged: { outcome: 'skipped', reason: 'removal waits for approval' },
  'not due': { outcome: 'skipped', reason: 'somebody else is at it, or it waits for its next try' },
};
