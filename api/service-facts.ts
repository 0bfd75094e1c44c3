import { hookOverrides } from '@muster/sdk';
import { hookFor, membershipOf } from '../hooks/service-hooks';
import { engineServiceByName, recordHookFacts } from '../store/engine-services';
import { listStates } from '../store/states';
import type { ApiContext } from './context';

/** Writes down what only the connector's code knows about a service, before its change is expanded. */
export async function learnService(
  context: Pick<ApiContext, 'db' | 'registry' | 'portFor'>,
  name: string,
): Promise<void> {
  const service = await engineServiceByName(context.db, name);
  if (service === undefined) return;
  const connector = context.registry.get(service.connector);
  const hook = hookFor(context.registry, service, context.portFor(service));
  const states = (await listStates(context.db)).map((state) => state.name);
  await recordHookFacts(context.db, service.id, {
    hookStates: states.filter((state) => hook.serviceEnabledFor(state)).toSorted(),
    hookDecides: hookOverrides(hook).has('serviceActiveForUser'),
    hasManager: connector?.manager !== undefined,
    membership: membershipOf(connector),
  });
}
