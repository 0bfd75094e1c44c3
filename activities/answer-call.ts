import { isServiceError } from '@muster/sdk';
import type { HookActionAnswer } from '../hooks/flow';
import { engineServiceByName } from '../store/engine-services';
import { answerCall, readCallInput } from '../store/manager-calls';
import type { CallManagerInput } from '../workflows/contracts';
import type { ActivityDependencies } from './dependencies';
import { callManager } from './manager-call';
import type { CallOptions } from './manager-call';
import type { ManagerEntry } from './managers';

/** Makes the call that the API waits for. What the service refuses is an answer too, not a failure of the workflow. */
export async function answerManagerCall(
  deps: ActivityDependencies,
  input: CallManagerInput,
  call: CallOptions,
): Promise<void> {
  const box = { db: deps.db, sealer: deps.sealer, callId: input.callId };
  const refuse = (reason: string) =>
    input.action === 'testConnection' ? { ok: false, missing: [reason] } : { error: reason };
  const service = await engineServiceByName(deps.db, input.service);
  if (service === undefined) return answerCall(box, refuse('there is no such service'));
  try {
    const entry = deps.managers.get(service);
    const asked =
      input.action === 'testConnection'
        ? testConnection(entry, call)
        : hookAction(entry, call, await readCallInput(box));
    return await answerCall(box, await asked);
  } catch (error) {
    if (!isServiceError(error)) throw error;
    return answerCall(box, refuse(error.message));
  }
}

async function testConnection(entry: ManagerEntry, call: CallOptions): Promise<unknown> {
  const report = await callManager(entry, call, async (context) => entry.manager.testConnection?.(context));
  return report ?? { ok: false, missing: ['the connector cannot test its connection'] };
}

async function hookAction(entry: ManagerEntry, call: CallOptions, request: unknown): Promise<HookActionAnswer> {
  const { manager } = entry;
  if (manager.callAction === undefined) return { error: 'the manager answers no calls of its hook' };
  const { action, input } = request as { readonly action: string; readonly input: unknown };
  const result = await callManager(entry, call, async (context) => manager.callAction?.(action, input, context));
  return { result: result ?? null };
}
