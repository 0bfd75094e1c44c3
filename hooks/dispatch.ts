import { hookOverrides } from '@muster/sdk';
import type { HookMember, HookUser, ServiceHook } from '@muster/sdk';
import { backoffMs } from '../domain/backoff';
import { isWanted } from '../domain/decide';
import { orderReasons } from '../domain/reasons';
import type { DueReason } from '../domain/words';
import { askGuard } from '../store/guard';
import type { EngineService } from '../store/engine-services';
import { takeLeases } from '../store/leases';
import { releaseLease } from '../store/settle';
import type { Release } from '../store/settle';
import { readSituations } from '../store/situations';
import type { AccountSituation } from '../store/situations';
import { claimForHook, releaseHookClaim } from '../store/wish';
import type { AccountWorkflow } from '../workflows/contracts';
import { createPort } from './port';
import type { PortDependencies } from './port';
import type { ConnectorRegistry } from './registry';
import { hookFor } from './service-hooks';

export interface DispatchDependencies extends PortDependencies {
  readonly registry: Pick<ConnectorRegistry, 'get'>;
}

export interface DueAccount {
  readonly userId: string;
  readonly reasons: readonly DueReason[];
}

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
];

/** Nobody else calls the hook for the same account within this time. */
const CLAIM_MS = 60_000;

/** True when accounts of this service must be sent one by one through its hook, because it overrides something. */
export function hasOverrides(deps: DispatchDependencies, service: EngineService): boolean {
  const overrides = hookOverrides(hookFor(deps.registry, service, createPort(deps, service)));
  return !hasManager(deps, service) || DISPATCHED.some((member) => overrides.has(member));
}

function hasManager(deps: DispatchDependencies, service: EngineService): boolean {
  return deps.registry.get(service.connector)?.manager !== undefined;
}

/**
 * Sends one due account through its hook. Where nothing is overridden the workflow is started; where something is, the
 * override is called instead, validate first, and what it does not hand on it has done.
 */
export async function dispatchAccount(deps: DispatchDependencies, service: EngineService, due: DueAccount): Promise<void> {
  if (!hasOverrides(deps, service)) {
    await deps.starter.account({ service: service.name, userId: due.userId, reason: workflowOf(due.reasons) });
    return;
  }
  if (!(await claimForHook(deps.db, { serviceId: service.id, userId: due.userId }, CLAIM_MS))) return;
  const [situation] = await readSituations(deps.db, service.id, [due.userId]);
  if (situation === undefined) return;
  const call = new HookCall(deps, service, situation);
  await call.run(due.reasons);
}

function workflowOf(reasons: readonly DueReason[]): AccountWorkflow {
  const first = orderReasons(reasons)[0];
  return first === undefined || first === 'reconfigured' ? 'convergeAccount' : first;
}

class HookCall {
  private handedOn = false;
  private readonly hook: ServiceHook;
  private readonly overrides: ReadonlySet<HookMember>;
  private readonly user: HookUser;

  constructor(
    private readonly deps: DispatchDependencies,
    private readonly service: EngineService,
    private readonly situation: AccountSituation,
  ) {
    const port = createPort(deps, service, () => {
      this.handedOn = true;
    });
    this.hook = hookFor(deps.registry, service, port);
    this.overrides = hookOverrides(this.hook);
    this.user = situation.user ?? goneUser(situation);
  }

  async run(reasons: readonly DueReason[]): Promise<void> {
    try {
      const wanted = isWanted({ ...this.situation, entitled: await this.entitled() });
      if (!wanted && this.overrides.has('deleteUser')) await this.remove();
      else await this.callMembers(orderReasons(reasons));
      if (this.handedOn) await releaseHookClaim(this.deps.db, { serviceId: this.service.id, userId: this.user.id });
      else await this.record({ reached: true, facts: this.factsWithoutManager(wanted), outcome: 'done by the hook' });
    } catch (error) {
      if (error instanceof HookStops) await this.record({ outcome: error.message, attention: error.attention, nextTryMs: 'never' });
      else await this.recordFailure(error);
    }
  }

  private async entitled(): Promise<boolean> {
    const { user, serviceEnabled, grantId, hookState } = this.situation;
    if (user === null || !user.active || !serviceEnabled) return false;
    if (this.overrides.has('serviceActiveForUser')) return this.hook.serviceActiveForUser(user);
    return grantId !== null || hookState;
  }

  private async remove(): Promise<void> {
    const { status, userId, username, version } = this.situation;
    if (status === 'none' || status === 'removed') return;
    const taking = { userId, username, kind: 'removal', amount: 1, groups: [] } as const;
    const answer = await askGuard(this.deps.db, { serviceId: this.service.id, version, taking });
    if (answer !== 'allowed') throw new HookStops(answer);
    const removal = await this.hook.deleteUser(this.user, { notifyUser: this.situation.notifyUser });
    if (removal === 'failed' && !this.handedOn) throw new Error('the hook could not remove the account');
  }

  /** Overridden members are called; for all the others one start is enough, since every workflow does everything. */
  private async callMembers(reasons: readonly DueReason[]): Promise<void> {
    let ordinary: AccountWorkflow | undefined;
    for (const reason of reasons.length === 0 ? (['reconfigured'] as const) : reasons) {
      if (!(await this.callOverride(reason))) ordinary ??= workflowOf([reason]);
    }
    if (ordinary === undefined || !hasManager(this.deps, this.service)) return;
    this.handedOn = true;
    await this.deps.starter.account({ service: this.service.name, userId: this.user.id, reason: ordinary });
  }

  /** True if an override took care of the reason; the bulk override is preferred. */
  private async callOverride(reason: DueReason): Promise<boolean> {
    const { hook, user, overrides } = this;
    if (reason === 'updateGroups' && overrides.has('updateGroupsBulk')) return done(hook.updateGroupsBulk([user]));
    if (reason === 'syncNickname' && overrides.has('syncNicknamesBulk')) return done(hook.syncNicknamesBulk([user]));
    switch (reason) {
      case 'createAccount':
      case 'updateGroups':
      case 'updateProfile':
      case 'syncNickname':
      case 'validateUser':
        return overrides.has(reason) ? done(hook[reason](user)) : false;
      default:
        return false;
    }
  }

  /** A hook without a manager has no far side that Muster could ask: its word is what the account is. */
  private factsWithoutManager(wanted: boolean): Release['facts'] {
    if (hasManager(this.deps, this.service)) return {};
    const existed = this.situation.status === 'active';
    if (wanted) return { status: 'active', remoteName: this.user.username };
    return existed ? { status: 'removed', remoteName: null } : {};
  }

  private async recordFailure(error: unknown): Promise<void> {
    const failures = this.situation.failures + 1;
    const message = error instanceof Error ? error.message : String(error);
    await this.record({
      outcome: 'the hook failed, it will be called again',
      attention: 'waiting',
      nextTryMs: backoffMs(failures, Math.random()),
      failures,
      error: { kind: 'hook', message },
    });
  }

  private async record(part: Partial<Release>): Promise<void> {
    const { serviceId, userId, version } = this.situation;
    const [lease] = await takeLeases(this.deps.db, { serviceId, userIds: [userId], holder: `hook/${serviceId}/${userId}`, leaseMs: 5_000 });
    if (lease === undefined) return;
    const did = part.reached === true ? ['hook'] : [];
    const empty = { version, reached: false, facts: {}, did, attention: null, nextTryMs: null, failures: 0, error: null } as const;
    await releaseLease(this.deps.db, lease, { outcome: 'done', ...empty, ...part });
  }
}

class HookStops extends Error {
  constructor(readonly attention: 'staged' | 'held') {
    super(attention === 'staged' ? 'removal waits for approval' : 'removal was rejected');
  }
}

async function done(work: Promise<unknown>): Promise<true> {
  await work;
  return true;
}

/** The person's row is gone: what is left of them is the account's own memory. */
function goneUser(situation: AccountSituation): HookUser {
  const { userId, username } = situation;
  return { id: userId, username, displayName: username, email: null, active: false, state: 'Guest', attributes: {}, groups: [] };
}
