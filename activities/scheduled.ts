import { managerAbilities } from '@muster/sdk';
import { DEFAULT_RETENTION } from '../domain/retention';
import type { RetentionDays, TokenPurge } from '../domain/retention';
import { beginNextSync } from '../hooks/flow';
import type { FlowDependencies } from '../hooks/flow';
import { engineServices } from '../store/engine-services';
import { beginReconciliation, servicesToReconcile } from '../store/reconciliations';
import { deleteOld } from '../store/retention';
import { requestSync } from '../store/syncs';
import { announceExpiring, purgeTokens as purge } from '../store/token-purge';
import type { ActivityDependencies } from './dependencies';

type Dependencies = ActivityDependencies & FlowDependencies;

/** Asks for a look at every account of every service that is switched on. One that is asked for already is joined. */
export async function requestValidation(deps: Dependencies): Promise<number> {
  const services = (await engineServices(deps.db)).filter((service) => service.enabled);
  for (const { id, name } of services) {
    const request = { serviceId: id, kind: 'validate', scope: {}, actor: 'system:schedule' } as const;
    await requestSync(deps.db, { ...request, reason: 'the daily look at every account' });
    await beginNextSync(deps, name);
  }
  return services.length;
}

/** Asks for a comparison of every service that can list its accounts, in the way that the service is set to. Answers how many. */
export async function requestReconciliations(deps: Dependencies): Promise<number> {
  const services = await servicesToReconcile(deps.db);
  const able = services.filter(({ connector }) => canList(deps, connector));
  for (const { id: serviceId, name: service, mode } of able) {
    const request = { serviceId, service, mode, actor: 'system:schedule', reason: 'the nightly comparison' } as const;
    const reconciliationId = await beginReconciliation(deps.db, request);
    await deps.starter.reconcile({ service, reconciliationId });
  }
  return able.length;
}

function canList(deps: Dependencies, kind: string): boolean {
  const manager = deps.registry.get(kind)?.manager;
  return manager !== undefined && managerAbilities(manager).includes('listAccounts');
}

/** Deletes what is older than it is kept. Days that are not given are the defaults. */
export async function applyRetention(
  deps: Pick<ActivityDependencies, 'db' | 'log'>,
  days: Partial<RetentionDays>,
  heartbeat: () => void,
): Promise<Readonly<Record<string, number>>> {
  const deleted = await deleteOld(deps.db, { ...DEFAULT_RETENTION, ...days }, heartbeat);
  deps.log.info({ event: 'retention.done', deleted });
  return deleted;
}

/** Deletes expired tokens in small batches, and tells once of each that will expire soon. */
export async function purgeTokens(
  deps: Pick<ActivityDependencies, 'db' | 'log'>,
  heartbeat: () => void,
): Promise<TokenPurge> {
  const announced = await announceExpiring(deps.db);
  const purged = await purge(deps.db, heartbeat);
  if (purged + announced > 0) deps.log.info({ event: 'tokens.purged', purged, announced });
  return { purged, announced };
}
