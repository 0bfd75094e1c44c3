import { managerAbilities } from '@muster/sdk';
import type { FlowDependencies } from '../hooks/flow';
import type { EngineService } from '../store/engine-services';
import { beginReconciliation, readReconciliation } from '../store/reconciliations';
import { bindComparison, failSync } from '../store/sync-comparison';
import type { Sync } from '../store/syncs';
import type { ActivityDependencies } from './dependencies';

/** Where the comparison stands with which a full sync begins. */
export type Comparison = 'not needed' | 'running' | 'done' | 'failed';

/** A full sync over everything begins with what the service lists; one over some accounts, or a plan, with what is recorded. */
export function needsComparison(deps: Pick<FlowDependencies, 'registry'>, service: EngineService, sync: Sync): boolean {
  const isWhole = sync.kind === 'full' && !sync.dryRun && Object.keys(sync.scope).length === 0;
  const manager = deps.registry.get(service.connector)?.manager;
  return isWhole && manager !== undefined && managerAbilities(manager).includes('listAccounts');
}

/**
 * Begins the comparison of a full sync, or looks how it goes. It records what the service really has and makes due what
 * differs; the sync then looks at every account. A list that cannot be read ends the sync: nobody is judged by half of it.
 */
export async function compareFirst(
  deps: ActivityDependencies & FlowDependencies,
  service: EngineService,
  sync: Sync,
): Promise<Comparison> {
  if (!needsComparison(deps, service, sync)) return 'not needed';
  // Its resumption wakes the sync.
  if (service.pausedReason !== null) return 'running';
  const run = sync.reconciliationId === null ? undefined : await readReconciliation(deps.db, sync.reconciliationId);
  if (run === undefined) return begin(deps, service, sync);
  if (run.finishedAt === null) return 'running';
  if (run.status === 'succeeded') return 'done';
  await failSync(deps.db, sync.id, `the service could not be listed: ${run.error ?? 'for an unknown reason'}`);
  return 'failed';
}

async function begin(
  deps: ActivityDependencies & FlowDependencies,
  service: EngineService,
  sync: Sync,
): Promise<Comparison> {
  const { id: serviceId, name } = service;
  const reason = sync.reason ?? 'a full sync';
  const id = await beginReconciliation(deps.db, {
    serviceId,
    service: name,
    mode: 'repair',
    actor: sync.actor,
    reason,
  });
  // One that only reports may be running: it is waited for, and does not count.
  if ((await readReconciliation(deps.db, id))?.mode === 'repair') await bindComparison(deps.db, sync.id, id);
  await deps.starter.reconcile({ service: name, reconciliationId: id });
  return 'running';
}
