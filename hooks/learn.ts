import { hookOverrides } from '@muster/sdk';
import { recordChange } from '../store/changes';
import { engineServices, recordHookFacts } from '../store/engine-services';
import type { EngineService } from '../store/engine-services';
import { createPort } from './port';
import { hookFor, membershipOf } from './service-hooks';
import type { Flow, FlowDependencies } from './flow';

/**
 * Writes down what only the loaded code knows about each service (which states its hook enables, whether it decides alone,
 * how membership is written), because the set-based statements need it. Where that changed, everybody is looked at again.
 */
export async function learnServices(deps: FlowDependencies, flow: Flow): Promise<readonly EngineService[]> {
  const services = await engineServices(deps.db);
  const states = await deps.db.query<{ name: string }>(`select name from states`);
  for (const service of services) {
    const facts = factsOf(deps, service, states.rows.map((state) => state.name));
    if (!(await recordHookFacts(deps.db, service.id, facts))) continue;
    const { changeId } = await deps.db.transaction((client) =>
      recordChange(client, {
        kind: 'service',
        subject: { serviceId: service.id },
        reasons: ['reconfigured'],
        actor: 'system:connector',
        reason: 'the connector was loaded or changed',
        operation: 'loadConnector',
      }),
    );
    await flow.changed(changeId);
  }
  return engineServices(deps.db);
}

function factsOf(deps: FlowDependencies, service: EngineService, states: readonly string[]) {
  const connector = deps.registry.get(service.connector);
  const hook = hookFor(deps.registry, service, createPort(deps, service));
  return {
    hookStates: states.filter((state) => hook.serviceEnabledFor(state)).toSorted(),
    hookDecides: hookOverrides(hook).has('serviceActiveForUser'),
    hasManager: connector?.manager !== undefined,
    membership: membershipOf(connector),
  };
}
