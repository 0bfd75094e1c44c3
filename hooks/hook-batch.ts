import type { HookMember, WorkflowPort } from '@muster/sdk';
import { uuidv7 } from 'uuidv7';
import { dropLease, takeLeases } from '../store/leases';
import type { Lease } from '../store/leases';
import { FenceLost, releaseLease } from '../store/settle';
import type { Release } from '../store/settle';
import { readSituations } from '../store/situations';
import type { AccountSituation } from '../store/situations';
import { HookCall } from './hook-call';
import type { HookResult } from './hook-call';
import type { DispatchDependencies, HookedService } from './overrides';
import { createPort } from './port';

/** What came of calling the hook for one account. */
export interface HookOutcome {
  readonly outcome: 'ordinary' | 'handed on' | 'done' | 'failed' | 'staged';
  /** It changed while the hook worked: call again. */
  readonly changed: boolean;
}

/** A hook may call a slow system, also for many at once; after this time somebody else may call it for the same account. */
const LEASE_MS = 120_000;

const BULK_MEMBERS = ['updateGroupsBulk', 'syncNicknamesBulk'] as const;

interface Planned {
  readonly call: HookCall;
  readonly lease: Lease;
  readonly members: readonly HookMember[];
}

/**
 * Calls the overridden members for some accounts of one service: each under its lease, so that nobody else writes it
 * meanwhile, and all together where there is a bulk override. Who is leased elsewhere is missing in the answer.
 */
export async function callHook(
  deps: DispatchDependencies,
  hooked: HookedService,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, HookOutcome>> {
  const serviceId = hooked.service.id;
  const outcomes = new Map<string, HookOutcome>();
  const leases = await takeLeases(deps.db, { serviceId, userIds, holder: `hook/${uuidv7()}`, leaseMs: LEASE_MS });
  const situations = await readSituations(deps.db, serviceId, userIds);
  const planned: Planned[] = [];
  for (const lease of leases) {
    const situation = situations.find((one) => one.userId === lease.userId);
    const one =
      situation === undefined || !isDue(situation) ? undefined : await plan(deps, hooked, { lease, situation });
    if (one === undefined) await dropLease(deps.db, lease);
    else if ('outcome' in one) outcomes.set(lease.userId, one);
    else planned.push(one);
  }
  const failed = await callBulk(deps, hooked, planned);
  const concluded = planned.map(async (one) => {
    const problem = failed.get(one.call);
    const result = problem === undefined ? await one.call.run(one.members) : settled(one.call.failure(problem));
    outcomes.set(one.call.user.id, await conclude(deps, one, result));
  });
  await Promise.all(concluded);
  return outcomes;
}

/** Wanted, and neither waiting for its next try. */
export function isDue(situation: AccountSituation): boolean {
  return situation.version !== situation.appliedVersion && situation.rowWaitMs === 0;
}

async function plan(
  deps: DispatchDependencies,
  hooked: HookedService,
  taken: { readonly lease: Lease; readonly situation: AccountSituation },
): Promise<Planned | HookOutcome> {
  const { lease, situation } = taken;
  // A removal that the hook hands on is done by a workflow, which needs the lease.
  const call = new HookCall(deps, hooked, { situation, letGo: () => dropLease(deps.db, lease) });
  try {
    return { call, lease, members: await call.plan() };
  } catch (error) {
    return record(deps, { call, lease }, call.failure(error));
  }
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

async function conclude(deps: DispatchDependencies, planned: Planned, result: HookResult): Promise<HookOutcome> {
  if (result.kind === 'settled') return record(deps, planned, result.release);
  const { lease, call } = planned;
  await dropLease(deps.db, lease);
  await deps.starter.account({ service: call.service.name, userId: lease.userId, reason: result.reason });
  return { outcome: 'handed on', changed: false };
}

const NOTHING = {
  reached: false,
  outcome: 'done',
  facts: {},
  did: [],
  attention: null,
  nextTryMs: null,
  failures: 0,
  error: null,
} as const;

async function record(
  deps: DispatchDependencies,
  called: Pick<Planned, 'call' | 'lease'>,
  part: Partial<Release>,
): Promise<HookOutcome> {
  const release: Release = { version: called.call.situation.version, ...NOTHING, ...part };
  const outcome = outcomeOf(release);
  try {
    const { changed } = await releaseLease(deps.db, called.lease, release);
    return { outcome, changed };
  } catch (error) {
    // The hook took longer than its lease: whoever has the account now decides anew.
    if (error instanceof FenceLost) return { outcome: 'failed', changed: false };
    throw error;
  }
}

function outcomeOf(release: Release): HookOutcome['outcome'] {
  if (release.reached) return 'done';
  return release.attention === 'staged' ? 'staged' : 'failed';
}
