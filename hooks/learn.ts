import { hookOverrides } from '@muster/sdk';
import { recordChange } from '../store/changes';
import type { RecordedChange } from '../store/changes';
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
  const names = states.rows.map((state) => state.name);
  for (const service of services) {
    // A connector that did not load has not said that it enables nobody: what was learnt last stands.
    if (deps.registry.get(service.connector) === undefined) continue;
    try {
      const change = await learnService(deps, service, names);
      if (change !== undefined) await flow.changed(change.changeId);
    } catch (error) {
      // A hook that throws stops its own service only; the others are learnt and served.
      deps.log.error({
        event: 'service.not-learnt',
        service: service.name,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }
  return engineServices(deps.db);
}

/** Facts and change are one commit: else a crash in between would leave the accounts as the old facts had them, for ever. */
function learnService(
  deps: FlowDependencies,
  service: EngineService,
  states: readonly string[],
): Promise<RecordedChange | undefined> {
  const facts = factsOf(deps, service, states);
  return deps.db.transaction(async (client) => {
    if (!(await recordHookFacts(client, service.id, facts))) return undefined;
    return recordChange(client, {
      kind: 'service',
      subject: { serviceId: service.id },
      reasons: ['reconfigured'],
      actor: 'system:connector',
      reason: 'the connector was loaded or changed',
      operation: 'loadConnector',
    });
  });
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
