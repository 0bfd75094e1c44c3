import { isServiceError } from '@muster/sdk';
import { engineServiceById, resumeService, takeProbes } from '../store/engine-services';
import type { ActivityDependencies } from './dependencies';
import { callManager } from './manager-call';

/** Tries services whose pause asks for a probe; one that answers well goes on by itself. */
export async function probeServices(deps: ActivityDependencies): Promise<void> {
  for (const probe of await takeProbes(deps.db)) {
    const service = await engineServiceById(deps.db, probe.id);
    if (service === undefined) continue;
    const well = await answersWell(deps, service);
    deps.log.info({ event: 'service.probed', service: probe.name, well });
    if (well) await resumeService(deps.db, probe.id, probe.reason);
  }
}

async function answersWell(
  deps: ActivityDependencies,
  service: Parameters<ActivityDependencies['managers']['get']>[0],
): Promise<boolean> {
  try {
    const entry = deps.managers.get(service);
    const call = { lane: 'person', signal: new AbortController().signal, timeoutMs: deps.callTimeoutMs } as const;
    const report = await callManager(entry, call, async (context) => entry.manager.testConnection?.(context));
    return report?.ok ?? true;
  } catch (error) {
    if (isServiceError(error)) return false;
    throw error;
  }
}
