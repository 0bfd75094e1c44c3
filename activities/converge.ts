import { decide, isWanted } from '../domain/decide';
import type { Decision, Situation } from '../domain/decide';
import type { GuardKind } from '../domain/guard';
import { hookFor, INERT_PORT } from '../hooks/service-hooks';
import { hookOverrides, isServiceError, Unavailable } from '@muster/sdk';
import type { ServiceHook, WorkflowPort } from '@muster/sdk';
import { freeNames } from '../store/account-names';
import type { Queryable } from '../store/database';
import type { EngineService } from '../store/engine-services';
import { forgetDeletion, planDeletion } from '../store/grace';
import { askGuard, cancelTakings } from '../store/guard';
import { markForVerification } from '../store/leases';
import { FenceLost, recordFacts, releaseLease } from '../store/settle';
import type { Release } from '../store/settle';
import { readSituations } from '../store/situations';
import type { AccountSituation } from '../store/situations';
import { declineAccount } from '../store/wish';
import type { ConvergeOutcome } from '../workflows/contracts';
import { AccountGone, graceDays, performStep } from './account-steps';
import { planProfile, settleUnknown } from './create-account';
import type { HookFormats } from './create-account';
import { judgeFailure } from './failures';
import type { ManagerEntry } from './managers';
import { GuardNotReady, Round, RoundEnds } from './round';
import { serviceTrouble, serviceWorked } from './service-trouble';
import { settlePart } from './shared-account';
import { concernsOperators, tellGone, tellOperators } from './tell';

/** What is needed to ask a hook, beside the round. */
export interface HookAccess {
  /** For hooks that override the question of entitlement; reading abilities needs no live port. */
  readonly portFor?: (service: EngineService) => WorkflowPort;
}

/**
 * Brings one account, whose lease the round holds, to what it should be now: decides from one snapshot, does the steps,
 * gives the lease back. Every kind of request ends here; none of them decides anything itself (rule 3).
 */
export async function convergeLeased(round: Round, access: HookAccess = {}): Promise<ConvergeOutcome> {
  try {
    const release = await attempt(round, access);
    round.passes('account:before-release');
    const { changed } = await releaseAndTell(round, release);
    round.passes('account:after-release');
    return outcomeOf(release, changed);
  } catch (error) {
    if (!(error instanceof FenceLost)) throw error;
    await markForVerification(round.deps.db, round.lease);
    return { outcome: 'later', waitMs: 1_000, reason: 'another worker took over', did: round.did };
  }
}

/** One statement, unless somebody must be told of it: then both are committed together. */
function releaseAndTell(round: Round, release: Release): Promise<{ readonly changed: boolean }> {
  const { db, writes } = round.deps;
  if (!concernsOperators(release)) return writes.release(round.lease, release, round.call.lane);
  return db.transaction(async (client) => {
    const released = await releaseLease(client, round.lease, release);
    await tellOperators(client, round, release);
    return released;
  });
}

function outcomeOf(release: Release, changed: boolean): ConvergeOutcome {
  const { did } = release;
  if (changed && release.attention !== 'waiting') return { outcome: 'again', did };
  if (release.reached) return { outcome: 'settled', did };
  if (release.nextTryMs === 'never') return { outcome: 'stopped', reason: release.outcome, did };
  return { outcome: 'later', waitMs: release.nextTryMs ?? 0, reason: release.outcome, did };
}

async function attempt(round: Round, access: HookAccess): Promise<Release> {
  try {
    const release = await walk(round, access);
    if (release.did.length > 0) await serviceWorked(round.deps, round.service);
    return release;
  } catch (error) {
    if (error instanceof RoundEnds) return endedRelease(round, error);
    if (error instanceof AccountGone) return goneRelease(round);
    if (!isServiceError(error)) throw error;
    // A group that is gone says nothing about the account: it is tried again, once the group has been made anew.
    if (error.kind === 'gone' && error.what !== 'group') return goneRelease(round);
    if (round.did.length > 0) await serviceWorked(round.deps, round.service);
    const judged = judgeFailure(error, round.situation.failures, round.deps.random());
    const subject = round.situation.userId;
    const { service: _service, ...verdict } = await serviceTrouble(round.deps, round.service, {
      verdict: judged,
      subject,
    });
    round.deps.log.warn({ event: 'account.failed', ...logFields(round), kind: error.kind, code: error.code });
    return { ...base(round), ...verdict, reached: false };
  }
}

async function walk(round: Round, access: HookAccess): Promise<Release> {
  const current = (await settleUnknown(round)) ? await again(round) : round;
  const hook = hookFor(current.deps.registry, current.service, access.portFor?.(current.service) ?? INERT_PORT);
  const formats: HookFormats = { name: hook.nameFormat, nickname: hook.nicknameFormat };
  const entitled = await isEntitled(current.situation, hook);
  const mayWant = entitled && current.situation.choice !== 'declined';
  await settlePart(current, { hook, wanted: isWanted({ ...current.situation, entitled }) });
  current.profile = mayWant ? await planProfile(current, formats) : null;
  const graceOver = await grace(current, entitled);
  const decision = decide({ ...situationOf(current, entitled), graceOver });
  if (decision.impossible !== null) {
    throw new RoundEnds({
      outcome: 'impossible',
      attention: 'rejected',
      nextTryMs: 'never',
      message: decision.impossible,
    });
  }
  await guard(current, decision);
  for (const step of decision.steps) await performStep(current, step, formats);
  round.did.splice(0, round.did.length, ...current.did);
  round.facts = current.facts;
  return { ...base(current), reached: true, outcome: current.did.length === 0 ? 'nothing to do' : 'done' };
}

/** The same lease with what is true after an unknown call was settled. */
async function again(round: Round): Promise<Round> {
  const [situation] = await readSituations(round.deps.db, round.service.id, [round.situation.userId]);
  if (situation === undefined) throw new FenceLost(round.lease);
  const next = new Round({ ...round.start, situation });
  next.did.push(...round.did);
  return next;
}

/** Unknown is neither yes nor no: the account is tried again later. The text of an unknown error may hold anything. */
async function askHook<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (isServiceError(error)) throw error;
    throw new Unavailable('the hook could not say whether the person has the right', { cause: error, code: 'hook' });
  }
}

/** The right to the service, asked again at every write. */
export async function isEntitled(situation: AccountSituation, hook: ServiceHook): Promise<boolean> {
  const { user } = situation;
  if (user === null || !user.active || !situation.serviceEnabled) return false;
  if (hookOverrides(hook).has('serviceActiveForUser')) return askHook(() => hook.serviceActiveForUser(user));
  return situation.grantId !== null || situation.hookState;
}

/** Keeps the time of the planned deletion as the settings and the right say now. Answers whether it has come. */
async function grace(round: Round, entitled: boolean): Promise<boolean> {
  const { deps, situation } = round;
  const deleteAfterDays = graceDays(round);
  if (situation.status === 'disabled' && !isWanted({ ...situation, entitled })) {
    if (deleteAfterDays === null && !situation.deletionPlanned) return false;
    return planDeletion(deps.db, { ...situation, deleteAfterDays });
  }
  if (situation.graceBegan) await forgetDeletion(deps.db, situation);
  return false;
}

/** The part of a round that the decision is made of. */
type Deciding = Pick<Round, 'situation' | 'service' | 'profile'> & {
  readonly entry: Pick<ManagerEntry, 'abilities'>;
};

/** What `decide` decides from. */
export function situationOf(round: Deciding, entitled: boolean): Omit<Situation, 'graceOver'> {
  const { situation, entry } = round;
  return {
    status: situation.status,
    remoteId: situation.remoteId,
    appliedProfile: situation.appliedProfile,
    appliedGroups: situation.appliedGroups,
    choice: situation.choice,
    begins: situation.begins,
    onLoss: situation.onLoss,
    entitled,
    userGone: situation.user === null,
    abilities: entry.abilities,
    wantedProfile: round.profile,
    wantedGroups: round.service.membership === 'by account' ? situation.desiredGroups : null,
    passwordWanted: situation.passwordWanted,
    adoptable: situation.adopt !== null && entry.abilities.has('adoptAccount'),
    orphan: situation.orphan,
  };
}

const TAKINGS: readonly GuardKind[] = ['removal', 'disable'];

/** Nothing is taken away before the guard has allowed it; a right that came back voids what was staged or held. */
async function guard(round: Round, decision: Decision): Promise<void> {
  const { deps, service, situation } = round;
  if (decision.wanted && situation.guarded) await cancelTakings(deps.db, situation, returnedKinds(round, decision));
  if (decision.guard === null) return;
  const taking = {
    userId: situation.userId,
    username: situation.username,
    kind: decision.guard,
    amount: 1,
    groups: [],
  };
  const answer = await askGuard(deps.db, { serviceId: service.id, version: situation.version, taking });
  if (answer === 'wait') throw new GuardNotReady();
  if (answer === 'staged')
    throw new RoundEnds({ outcome: 'removal waits for approval', attention: 'staged', nextTryMs: 'never' });
  if (answer === 'held')
    throw new RoundEnds({ outcome: 'removal was rejected', attention: 'held', nextTryMs: null, reached: true });
}

/** Where groups are set per account and need no write, whatever was to be taken of them has come back too. */
function returnedKinds(round: Round, decision: Decision): readonly GuardKind[] {
  const groupsStand =
    round.service.membership === 'by account' && !decision.steps.some((step) => step.step === 'set groups');
  return groupsStand ? [...TAKINGS, 'group removal'] : TAKINGS;
}

/** What every release of this round has in common: success, nothing special. */
function base(round: Round): Release {
  return {
    version: round.situation.version,
    reached: false,
    facts: round.facts,
    did: round.did,
    outcome: 'done',
    attention: null,
    nextTryMs: null,
    failures: 0,
    error: null,
  };
}

function endedRelease(round: Round, error: RoundEnds): Release {
  const { ending } = error;
  const shown = ending.message === undefined ? null : { kind: ending.attention ?? 'waiting', message: ending.message };
  return {
    ...base(round),
    reached: ending.reached ?? false,
    outcome: ending.outcome,
    attention: ending.attention,
    nextTryMs: ending.nextTryMs,
    failures: round.situation.failures,
    error: ending.attention === 'rejected' ? shown : null,
  };
}

const NOT_THERE = { remoteId: null, remoteName: null, appliedProfile: null, appliedGroups: null } as const;

/** The account vanished at the far side: made anew at once, or let go, as the service's policy says. */
async function goneRelease(round: Round): Promise<Release> {
  const dropped = round.service.onGone === 'drop';
  const facts = { ...NOT_THERE, status: dropped ? 'removed' : 'none' } as const;
  await round.deps.db.transaction(async (client) => {
    await recordFacts(client, round.lease, facts);
    if (dropped) await letGo(client, round);
  });
  return {
    ...base(round),
    facts,
    did: [...round.did, 'found it gone'],
    reached: dropped,
    outcome: 'gone',
    nextTryMs: dropped ? null : 0,
  };
}

/** Whoever took it away over there meant it: it does not come back with the next change, but when it is asked for. */
async function letGo(client: Queryable, round: Round): Promise<void> {
  const account = { serviceId: round.service.id, userId: round.situation.userId };
  await freeNames(client, account);
  if (!isEntitledByGrant(round.situation)) return;
  await declineAccount(client, account);
  await tellGone(client, round);
}

function isEntitledByGrant({ user, grantId, hookState }: AccountSituation): boolean {
  return user !== null && user.active && (grantId !== null || hookState);
}

/** The ids that stand in every log line about an account. */
export function logFields(round: Round): Readonly<Record<string, string>> {
  return { service: round.service.name, user: round.situation.userId, workflow: round.lease.holder };
}
