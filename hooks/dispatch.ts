import type { DueReason } from '../domain/words';
import type { EngineService } from '../store/engine-services';
import { readSituations } from '../store/situations';
import type { AccountSituation } from '../store/situations';
import { callHook, isDue } from './hook-batch';
import type { HookOutcome } from './hook-batch';
import { HookCall } from './hook-call';
import { workflowOf } from './hook-members';
import { goesThroughHook, hookedService } from './overrides';
import type { DispatchDependencies, HookedService } from './overrides';

export type { DispatchDependencies } from './overrides';

export interface DueAccount {
  readonly userId: string;
  readonly reasons: readonly DueReason[];
}

/** What came of sending one account. `ordinary`: its workflow, or the sync that asks, does it. */
export type Dispatched = HookOutcome['outcome'] | 'not due';

/** An account that changes while its hook works is gone round again so often; after that the sweep has it. */
const MAX_ROUNDS = 5;

/**
 * Sends due accounts of one service through its hook. Where nothing is overridden their workflows are started; where
 * something is, the override is called instead (once for all where there is a bulk override), validate first, and what it
 * does not hand on it has done.
 */
export async function dispatchAccounts(
  deps: DispatchDependencies,
  service: EngineService,
  due: readonly DueAccount[],
): Promise<void> {
  const ordinary = new Map(due.map((account) => [account.userId, workflowOf(account.reasons)]));
  if (goesThroughHook(hookedService(deps, service))) {
    const outcomes = await dispatchThroughHook(deps, service, [...ordinary.keys()]);
    for (const [userId, outcome] of outcomes) if (outcome !== 'ordinary') ordinary.delete(userId);
  }
  const starts = [...ordinary].map(([userId, reason]) =>
    deps.starter.account({ service: service.name, userId, reason }),
  );
  await Promise.all(starts);
}

/**
 * Calls the overridden members for these accounts and records what came of it. An account answered with `ordinary` is left
 * to the caller; one that was handed on has its workflow.
 */
export async function dispatchThroughHook(
  deps: DispatchDependencies,
  service: EngineService,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, Dispatched>> {
  const hooked = hookedService(deps, service);
  const outcomes = new Map<string, Dispatched>(userIds.map((userId) => [userId, 'not due']));
  let concerned: string[] = [];
  for (const situation of await readSituations(deps.db, service.id, userIds)) {
    if (!isDue(situation)) continue;
    if (await isConcerned(deps, hooked, situation)) concerned.push(situation.userId);
    else outcomes.set(situation.userId, 'ordinary');
  }
  for (let round = 0; round < MAX_ROUNDS && concerned.length > 0; round += 1) {
    const called = [...(await callHook(deps, hooked, concerned))];
    for (const [userId, { outcome }] of called) outcomes.set(userId, outcome);
    concerned = called.filter(([, { changed }]) => changed).map(([userId]) => userId);
  }
  return outcomes;
}

/** Is anything overridden that this account needs now? A hook that cannot even be asked is asked again where its failure is recorded. */
async function isConcerned(
  deps: DispatchDependencies,
  hooked: HookedService,
  situation: AccountSituation,
): Promise<boolean> {
  if (!hooked.hasManager) return true;
  const call = new HookCall(deps, hooked, { situation, letGo: async () => undefined });
  const members = await call.plan().catch(() => ['to be asked again']);
  return members.length > 0;
}
