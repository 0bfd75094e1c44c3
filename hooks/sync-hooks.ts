import { hookOverrides } from '@muster/sdk';
import type { EngineService } from '../store/engine-services';
import type { Sync } from '../store/syncs';
import { goesThroughHook, hookedService } from './overrides';
import type { DispatchDependencies } from './overrides';
import { createPort } from './port';
import { hookFor, INERT_PORT } from './service-hooks';

/** Must the accounts of this sync go through the hook? Not those that the hook itself has handed on. */
export function syncsThroughHook(
  deps: DispatchDependencies,
  service: EngineService,
  sync: Pick<Sync, 'actor' | 'kind' | 'scope'>,
): boolean {
  if (sync.actor.startsWith('hook:')) return false;
  // `updateAllGroups` was asked when the sync was staged, and has handed all of it on.
  return !isForAllGroups(deps, service, sync) && goesThroughHook(hookedService(deps, service));
}

/** Is this the sync of all groups of a hook that overrides `updateAllGroups`? */
export function isForAllGroups(
  deps: DispatchDependencies,
  service: EngineService,
  sync: Pick<Sync, 'actor' | 'kind' | 'scope'>,
): boolean {
  const isAll = sync.kind === 'groups' && Object.keys(sync.scope).length === 0;
  if (!isAll || sync.actor.startsWith('hook:')) return false;
  return hookOverrides(hookFor(deps.registry, service, INERT_PORT)).has('updateAllGroups');
}

/** Calls `updateAllGroups`. True: it called the base, so the sync goes on; false: it has done all of it. */
export async function callUpdateAllGroups(deps: DispatchDependencies, service: EngineService): Promise<boolean> {
  let handedOn = false;
  const port = createPort(deps, service);
  const hook = hookFor(deps.registry, service, {
    ...port,
    bulk: async (kind, userIds) => {
      if (userIds !== undefined) return port.bulk(kind, userIds);
      handedOn = true;
      return undefined;
    },
  });
  await hook.updateAllGroups();
  return handedOn;
}
