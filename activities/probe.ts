import { isServiceError } from '@muster/sdk';
import type { FlowDependencies } from '../hooks/flow';
import { accountToTry } from '../store/breaker';
import { engineServiceByName, resumeService } from '../store/engine-services';
import type { EngineService } from '../store/engine-services';
import { FIRST_RUN } from '../store/first-run';
import type { ConvergeOutcome } from '../workflows/contracts';
import type { ActivityDependencies } from './dependencies';
import { callManager } from './manager-call';
import type { CallOptions } from './manager-call';

export interface ProbeAccess {
  readonly call: CallOptions;
  /** Converges one account although the service is paused. */
  readonly tryAccount: (service: EngineService, userId: string) => Promise<ConvergeOutcome>;
}

/**
 * Tries a service that Muster has paused: its connection, then one of the accounts that wait, since a service may answer a
 * test and nothing else. One that does both well goes on by itself, at once. Answers whether it does.
 */
export async function probeService(
  deps: ActivityDependencies & FlowDependencies,
  name: string,
  access: ProbeAccess,
): Promise<boolean> {
  const service = await engineServiceByName(deps.db, name);
  const reason = service?.pausedReason ?? null;
  if (service === undefined || reason === null || reason === 'operator' || reason === FIRST_RUN) return false;
  const well = (await connects(deps, service, access.call)) && (await serves(deps, service, access));
  deps.log.info({ event: 'service.probed', service: name, well });
  if (!well) return false;
  // Only this pause: an operator may have paused it meanwhile.
  if (await resumeService(deps.db, service.id, { reason })) await deps.starter.sweepNow();
  return true;
}

async function connects(deps: ActivityDependencies, service: EngineService, call: CallOptions): Promise<boolean> {
  try {
    const entry = deps.managers.get(service);
    if (!entry.abilities.has('testConnection')) return true;
    const report = await callManager(entry, call, async (context) => entry.manager.testConnection?.(context));
    return report?.ok ?? true;
  } catch (error) {
    if (isServiceError(error)) return false;
    throw error;
  }
}

async function serves(deps: ActivityDependencies, service: EngineService, access: ProbeAccess): Promise<boolean> {
  // Nothing is written there yet, also not to try.
  if (service.firstRun === 'plan') return true;
  const userId = await accountToTry(deps.db, service.id);
  if (userId === undefined) return true;
  const outcome = await access.tryAccount(service, userId);
  if (outcome.outcome === 'settled' || outcome.outcome === 'again') return true;
  // Refused is answered; it says that all is well unless refusals were the trouble.
  return outcome.outcome === 'stopped' && service.pausedReason !== 'too many failures';
}
