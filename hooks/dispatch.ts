import { hookOverrides } from '@muster/sdk';
import type { HookMember, WorkflowPort } from '@muster/sdk';
import type { DueReason } from '../domain/words';
import type { EngineService } from '../store/engine-services';
import { takeLeases } from '../store/leases';
import { releaseLease } from '../store/settle';
import type { Release } from '../store/settle';
import { readSituations } from '../store/situations';
import type { AccountSituation } from '../store/situations';
import { claimForHook, releaseHookClaim } from '../store/wish';
import { HookCall, workflowOf } from './hook-call';
import type { HookedService, HookResult } from './hook-call';
import { createPort } from './port';
import type { PortDependencies } from './port';
import type { ConnectorRegistry } from './registry';
import { hookFor, INERT_PORT } from './service-hooks';

export interface DispatchDependencies extends PortDependencies {
  readonly registry: Pick<ConnectorRegistry, 'get'>;
}

export interface DueAccount {
  readonly userId: string;
  readonly reasons: readonly DueReason[];
}

/** What came of sending one account. `ordinary`: its workflow, or the sync that asks, does it. */
export type Dispatched = 'ordinary' | 'handed on' | 'done' | 'failed' | 'staged' | 'not due';

/** Members whose override takes the place of starting the workflow. */
const DISPATCHED: readonly HookMember[] = [
  'createAccount',
  'deleteUser',
  'validateUser',
  'updateGroups',
  'updateGroupsBulk',
  'updateProfile',
  'syncNickname',
  'syncNicknamesBulk',
  'setPassword',
  'resetPassword',
];

const BULK_MEMBERS = ['updateGroupsBulk', 'syncNicknamesBulk'] as const;

/** Nobody else calls the hook for the same account within this time. */
const CLAIM_MS = 60_000;

/** True when accounts of this service must go through its hook, because it overrides something or is all there is. */
export function hasOverrides(deps: DispatchDependencies, service: EngineService): boolean {
  const hooked = hookedService(deps, service);
  return !hooked.hasManager || DISPATCHED.some((member) => hooked.overrides.has(member));
}

/** False: its hook only wants the calls. Of a connector that is not loaded nobody knows: its accounts wait for it. */
export function hasManager(deps: Pick<DispatchDependencies, 'registry'>, service: EngineService): boolean {
  const connector = deps.registry.get(service.connector);
  return connector === undefined || connector.manager !== undefined;
}

function hookedService(deps: DispatchDependencies, service: EngineService): HookedService {
  const build = (port: WorkflowPort) => hookFor(deps.registry, service, port);
  return { service, hasManager: hasManager(deps, service), overrides: hookOverrides(build(INERT_PORT)), build };
}

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
  if (hasOverrides(deps, service)) {
    const outcomes = await dispatchThroughHook(deps, service, [...ordinary.keys()]);
    for (const [userId, outcome] of outcomes) if (outcome !== 'ordinary') ordinary.delete(userId);
  }
  await Promise.all(
    [...ordinary].map(([userId, reason]) => deps.starter.account({ service: service.name, userId, reason })),
  );
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
  const planned: Planned[] = [];
  for (const situation of await readSituations(deps.db, service.id, userIds)) {
    if (situation.version === situation.appliedVersion) continue;
    const call = await plan(deps, hooked, situation);
    if (call === 'ordinary') outcomes.set(situation.userId, 'ordinary');
    else if (call !== undefined) planned.push(call);
  }
  const failed = await callBulk(deps, hooked, planned);
  await Promise.all(
    planned.map(async ({ call, members }) => {
      const problem = failed.get(call);
      const result = problem === undefined ? await call.run(members) : settled(call.failure(problem));
      outcomes.set(call.user.id, await conclude(deps, service, { call, result }));
    }),
  );
  return outcomes;
}

interface Planned {
  readonly call: HookCall;
  readonly members: readonly HookMember[];
}

/** Only who is claimed is called; what is known of them is read after the claim, so that no change is taken for done unseen. */
async function plan(
  deps: DispatchDependencies,
  hooked: HookedService,
  before: AccountSituation,
): Promise<Planned | 'ordinary' | undefined> {
  const account = { serviceId: before.serviceId, userId: before.userId };
  if (hooked.hasManager && (await membersFor(new HookCall(deps, hooked, before))).length === 0) return 'ordinary';
  if (!(await claimForHook(deps.db, account, CLAIM_MS))) return undefined;
  const [situation] = await readSituations(deps.db, before.serviceId, [before.userId]);
  if (situation === undefined) return undefined;
  const call = new HookCall(deps, hooked, situation);
  try {
    return { call, members: await call.plan() };
  } catch (error) {
    await record(deps, situation, call.failure(error));
    return undefined;
  }
}

/** A hook that cannot even be asked is called again under the claim, where its failure is recorded. */
async function membersFor(call: HookCall): Promise<readonly unknown[]> {
  return call.plan().catch(() => ['asked again under the claim']);
}

/** One call for all accounts that a bulk override concerns. Answers the calls whose bulk failed. */
async function callBulk(
  deps: DispatchDependencies,
  hooked: HookedService,
  planned: readonly Planned[],
): Promise<ReadonlyMap<HookCall, unknown>> {
  const failed = new Map<HookCall, unknown>();
  for (const member of BULK_MEMBERS) {
    const calls = planned.filter(({ members }) => members.includes(member)).map(({ call }) => call);
    if (calls.length === 0) continue;
    const hook = hooked.build(bulkPort(deps, hooked, calls));
    try {
      await hook[member](calls.map((call) => call.user));
    } catch (error) {
      for (const call of calls) failed.set(call, error);
    }
  }
  return failed;
}

function bulkPort(deps: DispatchDependencies, hooked: HookedService, calls: readonly HookCall[]): WorkflowPort {
  const byUser = new Map(calls.map((call) => [call.user.id, call]));
  const port = createPort(deps, hooked.service, (userId) => byUser.get(userId)?.handOn());
  // Without a manager there is nobody to hand anything on to.
  return hooked.hasManager ? port : { ...port, start: async () => undefined, bulk: async () => undefined };
}

function settled(release: Partial<Release>): HookResult {
  return { kind: 'settled', release };
}

async function conclude(
  deps: DispatchDependencies,
  service: EngineService,
  ended: { readonly call: HookCall; readonly result: HookResult },
): Promise<Dispatched> {
  const { situation } = ended.call;
  const { result } = ended;
  if (result.kind === 'settled') {
    await record(deps, situation, result.release);
    if (result.release.reached === true) return 'done';
    return result.release.attention === 'staged' ? 'staged' : 'failed';
  }
  await releaseHookClaim(deps.db, { serviceId: service.id, userId: situation.userId });
  await deps.starter.account({ service: service.name, userId: situation.userId, reason: result.reason });
  return 'handed on';
}

const RECORD_LEASE_MS = 5_000;

async function record(deps: DispatchDependencies, situation: AccountSituation, part: Partial<Release>): Promise<void> {
  const { serviceId, userId, version } = situation;
  const [lease] = await takeLeases(deps.db, {
    serviceId,
    userIds: [userId],
    holder: `hook/${serviceId}/${userId}`,
    leaseMs: RECORD_LEASE_MS,
  });
  // Somebody writes it at this moment: it stays due, and the claim lets it be called again later.
  if (lease === undefined) return;
  const nothing = {
    version,
    reached: false,
    outcome: 'done',
    facts: {},
    did: [],
    attention: null,
    nextTryMs: null,
    failures: 0,
    error: null,
  } as const;
  await releaseLease(deps.db, lease, { ...nothing, ...part });
}
