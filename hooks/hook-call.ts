import { isServiceError, Secret, Unavailable } from '@muster/sdk';
import type { HookMember, HookUser, ServiceHook, WorkflowPort } from '@muster/sdk';
import { passwordPurpose } from '../config/service-secrets';
import { backoffMs } from '../domain/backoff';
import { isWanted } from '../domain/decide';
import { orderReasons } from '../domain/reasons';
import type { DueReason } from '../domain/words';
import { freeNames } from '../store/account-names';
import { askGuard, confirmTaking } from '../store/guard';
import type { GuardAnswer } from '../store/guard';
import type { EngineService } from '../store/engine-services';
import { passwordSetByHook, wantedPassword } from '../store/passwords';
import type { Release } from '../store/settle';
import type { AccountSituation } from '../store/situations';
import type { AccountWorkflow } from '../workflows/contracts';
import { memberOf, workflowOf } from './hook-members';
import type { HookedService } from './overrides';
import { createPort } from './port';
import type { PortDependencies } from './port';

/** How a call of the hook ended. `ordinary`: nothing that is overridden concerns this account now. */
export type HookResult =
  | { readonly kind: 'ordinary' | 'handed on'; readonly reason: AccountWorkflow }
  | { readonly kind: 'settled'; readonly release: Partial<Release> };

const REMOVED = {
  status: 'removed',
  remoteId: null,
  remoteName: null,
  appliedProfile: null,
  appliedGroups: null,
  instruction: null,
} as const;

export interface CalledAccount {
  readonly situation: AccountSituation;
  /** Gives the account's lease back, so that a workflow can write it. */
  readonly letGo: () => Promise<void>;
}

/** One due account and the members of the hook that are called for it. What the hook hands on goes to the workflows; the rest it has done. */
export class HookCall {
  readonly situation: AccountSituation;
  readonly user: HookUser;
  readonly reasons: readonly DueReason[];
  readonly #hook: ServiceHook;
  readonly #letGo: () => Promise<void>;
  /** Set by the port: the hook has handed this account to the ordinary path. */
  #handedOn = false;
  #wanted = false;
  #facts: Release['facts'] = {};

  constructor(
    private readonly deps: PortDependencies,
    private readonly hooked: HookedService,
    taken: CalledAccount,
  ) {
    const { situation } = taken;
    this.situation = situation;
    this.#letGo = taken.letGo;
    this.user = situation.user ?? goneUser(situation);
    this.reasons = orderReasons(situation.dueReasons);
    this.#hook = hooked.build(this.#port());
  }

  /** The members to call, in order; empty = none that is overridden is concerned. Asks the hook for the entitlement if it decides alone. */
  async plan(): Promise<readonly HookMember[]> {
    this.#wanted = isWanted({ ...this.situation, entitled: await this.#entitled() });
    if (this.#wanted) return this.#membersOfWanted();
    if (this.reasons.includes('validateUser') && this.#overrides('validateUser')) return ['validateUser'];
    return this.#overrides('deleteUser') && this.#isThere() ? ['deleteUser'] : [];
  }

  /** Calls the members one after the other. Never throws: a failure is an outcome with a next try. */
  async run(members: readonly HookMember[]): Promise<HookResult> {
    try {
      for (const member of members) await this.#call(member);
      return this.result(members);
    } catch (error) {
      return { kind: 'settled', release: error instanceof HookStops ? stopped(error) : this.failure(error) };
    }
  }

  /** What is to be done after the members were called. */
  result(members: readonly HookMember[]): HookResult {
    const reason = workflowOf(this.reasons);
    if (this.hooked.hasManager) {
      if (this.#handedOn) return { kind: 'handed on', reason };
      // Every workflow does everything: one start is enough for all that is not overridden.
      if (members.length === 0 || (this.#wanted && this.#isLeftToWorkflow(members)))
        return { kind: 'ordinary', reason };
    }
    return {
      kind: 'settled',
      release: {
        reached: true,
        outcome: 'done by the hook',
        did: members.length > 0 ? ['hook'] : [],
        facts: this.#finalFacts(),
      },
    };
  }

  /** The hook threw: it is called again, with growing pauses. Only typed errors are shown: other texts may hold anything. */
  failure(error: unknown): Partial<Release> {
    const failures = this.situation.failures + 1;
    const message = isServiceError(error) ? error.message : 'the hook failed in an unexpected way';
    return {
      outcome: 'the hook failed, it will be called again',
      attention: 'waiting',
      nextTryMs: backoffMs(failures, Math.random()),
      failures,
      error: { kind: 'hook', message },
    };
  }

  get service(): EngineService {
    return this.hooked.service;
  }

  /** Told by the port of a bulk call. */
  handOn(): void {
    this.#handedOn = true;
  }

  #overrides(member: HookMember): boolean {
    return this.hooked.overrides.has(member);
  }

  #isThere(): boolean {
    return this.situation.status !== 'none' && this.situation.status !== 'removed';
  }

  /** An account that is there is not created again, whatever the change was; one that is missing is, whatever the change was. */
  #membersOfWanted(): readonly HookMember[] {
    const wanted = this.reasons.flatMap((reason) => memberOf(reason, this.hooked.overrides));
    const creates = !this.#isThere() && this.#overrides('createAccount');
    const others = wanted.filter((member) => member !== 'createAccount');
    return creates ? ['createAccount', ...others] : others;
  }

  #isLeftToWorkflow(members: readonly HookMember[]): boolean {
    if (!this.#isThere() && !members.includes('createAccount')) return true;
    const open = this.reasons.filter(
      (reason) => reason !== 'createAccount' && memberOf(reason, this.hooked.overrides).length === 0,
    );
    return open.length > 0;
  }

  async #entitled(): Promise<boolean> {
    const { user, serviceEnabled, grantId, hookState } = this.situation;
    if (user === null || !user.active || !serviceEnabled) return false;
    if (this.#overrides('serviceActiveForUser')) return this.#hook.serviceActiveForUser(user);
    return grantId !== null || hookState;
  }

  /** Bulk members are called for many accounts at once, before this. */
  async #call(member: HookMember): Promise<void> {
    if (member === 'deleteUser') return this.#remove();
    if (member === 'setPassword' || member === 'resetPassword') return this.#password();
    if (!isForOne(member)) return;
    await this.#hook[member](this.user);
    if (member === 'createAccount') this.#facts = { status: 'active' };
  }

  /** Nothing goes before the guard has allowed it, whoever takes it away. */
  async #remove(): Promise<void> {
    const { userId, username, version, serviceId } = this.situation;
    const taking = { userId, username, kind: 'removal', amount: 1, groups: [] } as const;
    const answer = await askGuard(this.deps.db, { serviceId, version, taking });
    if (answer !== 'allowed') throw new HookStops(answer);
    const removal = await this.#hook.deleteUser(this.user, { notifyUser: this.situation.notifyUser });
    if (this.#handedOn) return;
    if (removal === 'failed') throw new Unavailable('the hook could not remove the account');
    this.#facts = REMOVED;
    await freeNames(this.deps.db, { serviceId, userId });
    await confirmTaking(this.deps.db, { serviceId, userId }, ['removal']);
  }

  /** The secret is unsealed for the hook only; a reset that the hook does itself has nothing of ours to show. */
  async #password(): Promise<void> {
    const { serviceId, userId } = this.situation;
    const request = await wantedPassword(this.deps.db, serviceId, userId);
    if (request === undefined) return;
    if (request.generated) await this.#hook.resetPassword(this.user);
    else
      await this.#hook.setPassword(
        this.user,
        new Secret(this.deps.sealer.open(request.sealed, passwordPurpose(serviceId, userId))),
      );
    if (!this.#handedOn) await passwordSetByHook(this.deps.db, request.operationId);
  }

  /** A hook without a manager has no far side that Muster could ask: its word is what the account is. */
  #finalFacts(): Release['facts'] {
    if (this.hooked.hasManager) return this.#facts;
    if (this.#wanted) return { status: 'active', remoteName: this.user.username };
    return this.#isThere() ? REMOVED : {};
  }

  /** For this account the port only notes that it was handed on: it is due already. Everybody else goes the ordinary way. */
  #port(): WorkflowPort {
    const { service, hasManager } = this.hooked;
    const port = createPort(this.deps, service, (userId) => {
      if (userId === this.user.id) this.#handedOn = true;
    });
    const isOwn = (userId: string): boolean => userId === this.user.id;
    return {
      ...port,
      start: async (reason, userId, options) => {
        if (!isOwn(userId)) return port.start(reason, userId, options);
        // The ordinary validation would remove the account: that is a member of its own.
        if (reason === 'validateUser' && !this.#wanted && this.#overrides('deleteUser'))
          return this.#isThere() ? this.#remove() : undefined;
        this.#handedOn = true;
        return undefined;
      },
      remove: async (userId, options) => {
        if (isOwn(userId) && !hasManager) return 'nothing there';
        if (isOwn(userId)) await this.#letGo();
        return port.remove(userId, options);
      },
      password: async (userId, secret) =>
        isOwn(userId) ? this.#passPassword(port, secret) : port.password(userId, secret),
    };
  }

  /** The request that stands is the one that is handed on; another secret is a new request, which supersedes it. */
  async #passPassword(port: WorkflowPort, secret: Secret | undefined): Promise<void> {
    const { serviceId, userId } = this.situation;
    const request = await wantedPassword(this.deps.db, serviceId, userId);
    const standing =
      request === undefined ? undefined : this.deps.sealer.open(request.sealed, passwordPurpose(serviceId, userId));
    if (standing === undefined || (secret !== undefined && secret.reveal() !== standing))
      return port.password(userId, secret);
    this.#handedOn = true;
  }
}

const FOR_ONE = ['createAccount', 'validateUser', 'updateGroups', 'updateProfile', 'syncNickname'] as const;

function isForOne(member: HookMember): member is (typeof FOR_ONE)[number] {
  return FOR_ONE.some((one) => one === member);
}

const STOPPED = {
  staged: 'removal waits for approval',
  held: 'removal was rejected',
  wait: 'a change is being looked at',
} as const;

class HookStops extends Error {
  constructor(readonly attention: Exclude<GuardAnswer, 'allowed'>) {
    super(STOPPED[attention]);
  }
}

function stopped(error: HookStops): Partial<Release> {
  if (error.attention === 'wait') return { outcome: error.message, attention: 'waiting', nextTryMs: 1_000 };
  if (error.attention === 'held') return { outcome: error.message, attention: 'held', nextTryMs: null, reached: true };
  return { outcome: error.message, attention: 'staged', nextTryMs: 'never' };
}

/** The person's row is gone: what is left of them is the account's own memory. */
function goneUser(situation: AccountSituation): HookUser {
  const { userId, username } = situation;
  return {
    id: userId,
    username,
    displayName: username,
    email: null,
    active: false,
    state: 'Guest',
    attributes: {},
    groups: [],
  };
}
