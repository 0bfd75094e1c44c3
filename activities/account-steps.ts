import { isServiceError, Secret, Unavailable } from '@muster/sdk';
import type { AccountProfile, GroupRef, WriteOutcome } from '@muster/sdk';
import type { Step } from '../domain/decide';
import { passwordPurpose } from '../config/service-secrets';
import { freeNames } from '../store/account-names';
import { forgetDeletion, planDeletion } from '../store/grace';
import { confirmTaking, askGuard, cancelTakings } from '../store/guard';
import { forgetRemoteGroup } from '../store/remote-groups';
import { endShare } from '../store/shared-accounts';
import { passwordApplied, wantedPassword } from '../store/passwords';
import { adoptAccount } from './adopt-account';
import { convergeGroup } from './converge-group';
import { appears, createAccount, withFreeName } from './create-account';
import type { HookFormats } from './create-account';
import { readManagedGroups } from './managed-groups';
import { GuardNotReady, RoundEnds } from './round';
import type { Round } from './round';
import { tellTaken } from './tell';

export const WAITING_FOR_GROUP = 'waiting for a remote group';

/** Thrown by a step when the account is not there any more. */
export class AccountGone extends Error {
  constructor() {
    super('the account is not there any more');
    this.name = 'AccountGone';
  }
}

/** Does one step at the far side and notes what it did. Set-like steps need no intent: doing them twice is harmless. */
export async function performStep(round: Round, step: Step, hookFormats: HookFormats): Promise<void> {
  round.passes(`step:before ${step.step}`);
  switch (step.step) {
    case 'create':
      return createAccount(round, hookFormats);
    case 'adopt':
      return adoptStep(round);
    case 'update profile':
      return updateProfile(round, hookFormats);
    case 'set nickname':
      return setNickname(round);
    case 'set groups':
      return setGroups(round, step);
    case 'set password':
      return setPassword(round);
    case 'enable':
      return enable(round);
    case 'disable':
      return disable(round);
    case 'end sessions':
      return endSessions(round);
    case 'delete':
      return deleteAccount(round);
  }
}

/** Whoever gets an account that was locked can use it. */
async function adoptStep(round: Round): Promise<void> {
  await adoptAccount(round);
  const isPersons = round.situation.orphan === null;
  if (isPersons && round.facts.status === 'disabled' && round.entry.abilities.has('enableAccount')) await enable(round);
}

function present(outcome: WriteOutcome | undefined): void {
  if (outcome === 'gone') throw new AccountGone();
}

function wantedProfile(round: Round): AccountProfile {
  if (round.profile === null) throw new Error('a step that writes a profile needs a person');
  return round.profile;
}

async function updateProfile(round: Round, hookFormats: HookFormats): Promise<void> {
  wantedProfile(round);
  await withFreeName(round, hookFormats, (profile) => writeProfile(round, profile));
}

async function writeProfile(round: Round, profile: AccountProfile): Promise<void> {
  const { manager } = round.entry;
  const { serviceId, userId } = round.situation;
  present(await round.ask(async (context) => manager.updateAccount?.(round.ref, profile, context)));
  round.passes('step:after update profile');
  const facts = { remoteName: profile.name, appliedProfile: profile };
  const hasOther = [...round.heldNames].some((name) => name !== profile.name);
  if (!hasOther) return round.note('update profile', facts);
  await round.commit('update profile', facts, (client) => freeNames(client, { serviceId, userId, keep: profile.name }));
}

async function setNickname(round: Round): Promise<void> {
  const profile = wantedProfile(round);
  const { manager } = round.entry;
  present(await round.ask(async (context) => manager.setNickname?.(round.ref, profile.nickname, context)));
  const applied = round.facts.appliedProfile ?? round.situation.appliedProfile ?? profile;
  round.note('set nickname', { appliedProfile: { ...applied, nickname: profile.nickname } });
}

async function setPassword(round: Round): Promise<void> {
  const { deps, service, situation } = round;
  const request = await wantedPassword(deps.db, service.id, situation.userId);
  if (request === undefined) return;
  const secret = new Secret(deps.sealer.open(request.sealed, passwordPurpose(service.id, situation.userId)));
  const { manager } = round.entry;
  present(await round.ask(async (context) => manager.setPassword?.(round.ref, secret, context)));
  round.passes('step:after set password');
  await passwordApplied(deps.db, request.operationId);
  round.passes('step:after password applied');
  round.note('set password', {});
}

async function enable(round: Round): Promise<void> {
  const { manager } = round.entry;
  present(await round.ask(async (context) => manager.enableAccount?.(round.ref, context)));
  round.passes('step:after enable');
  if (round.service.membership === 'by group') await appears(round, 'enable', { status: 'active' });
  else round.note('enable', { status: 'active' });
}

async function disable(round: Round): Promise<void> {
  const { manager } = round.entry;
  present(await round.ask(async (context) => manager.disableAccount?.(round.ref, context)));
  round.passes('step:after disable');
  await round.commit('disable', { status: 'disabled' }, async (client) => {
    await confirmTaking(client, round.situation, ['disable']);
    await planDeletion(client, { ...round.situation, deleteAfterDays: graceDays(round) });
    await tellTaken(client, round, 'disabled');
  });
}

/** Days between disabling and deleting; null: it is never deleted, or cannot be. */
export function graceDays({ situation, entry }: Round): number | null {
  const isPlanned = situation.onLoss === 'disable' && entry.abilities.has('deleteAccount');
  return isPlanned ? situation.deleteAfterDays : null;
}

async function endSessions(round: Round): Promise<void> {
  const { manager } = round.entry;
  await round.ask(async (context) => manager.endSessions?.(round.ref, context));
  round.passes('step:after end sessions');
  round.note('end sessions', {});
}

/** Deletes, looks whether it is gone, and only then frees the name and closes the account's books (promise 10). */
async function deleteAccount(round: Round): Promise<void> {
  const { manager, abilities } = round.entry;
  const { serviceId, userId } = round.situation;
  const outcome = await round.ask(async (context) => manager.deleteAccount?.(round.ref, context));
  round.passes('step:after delete');
  if (abilities.has('findAccount')) {
    const left = await round.ask(async (context) => manager.findAccount?.(round.key, context));
    if (left !== undefined)
      throw new Unavailable('the service said that the account was removed, but it is still there');
  }
  // Also who finds nothing tells: the one who deleted may have died before it could.
  await round.commit(outcome === 'nothing there' ? 'found nothing to delete' : 'delete', REMOVED, async (client) => {
    await freeNames(client, { serviceId, userId });
    await endShare(client, { serviceId, userId });
    await confirmTaking(client, { serviceId, userId }, ['removal']);
    await forgetDeletion(client, { serviceId, userId });
    await tellTaken(client, round, 'removed');
  });
}

const REMOVED = {
  status: 'removed',
  remoteId: null,
  remoteName: null,
  appliedProfile: null,
  appliedGroups: null,
  instruction: null,
} as const;

type GroupStep = Extract<Step, { step: 'set groups' }>;

/** Writes the whole set of managed groups; what the guard does not let go is kept, what is new is given all the same. */
async function setGroups(round: Round, step: GroupStep): Promise<void> {
  const kept = await heldBack(round, step);
  const groups = [...step.wanted, ...kept.groups];
  await remoteGroupsFirst(round, groups);
  const managed = await readManagedGroups(round.deps, round.service, groups);
  const wanted = groups.flatMap((id) => managed.ref(id) ?? []);
  const { manager } = round.entry;
  try {
    // Where no group is managed there is none to be in or out of: no call is spent on it.
    if (managed.all.length > 0 && !(await areSet(round, wanted, managed.all)))
      present(
        await round.ask(async (context) => manager.setGroups?.(round.ref, { wanted, managed: managed.all }, context)),
      );
  } catch (error) {
    if (!isServiceError(error) || error.kind !== 'gone' || error.what !== 'group') throw error;
    if (error.remoteId === undefined) throw error;
    await forgetRemoteGroup(round.deps.db, round.service.id, error.remoteId);
    managed.forget();
    throw new RoundEnds({ outcome: 'a remote group is made anew', attention: 'waiting', nextTryMs: 0 });
  }
  round.passes('step:after set groups');
  if (step.removed.length > 0 && kept.groups.length === 0) {
    const { serviceId, userId } = round.situation;
    // Together: else a crash in between would have the same removals counted twice.
    await round.commit('set groups', { appliedGroups: groups }, (client) =>
      confirmTaking(client, { serviceId, userId }, ['group removal']),
    );
  } else {
    round.note('set groups', { appliedGroups: groups });
  }
  if (kept.answer === 'staged')
    throw new RoundEnds({ outcome: 'group removals wait for approval', attention: 'staged', nextTryMs: 'never' });
  if (kept.answer === 'held')
    throw new RoundEnds({ outcome: 'group removals were rejected', attention: 'held', nextTryMs: null, reached: true });
}

/** A holder that died may have set them before it could say so: one look then saves a second write. */
async function areSet(round: Round, wanted: readonly GroupRef[], managed: readonly GroupRef[]): Promise<boolean> {
  const { lease, entry, key } = round;
  if (!lease.takenOver || !entry.abilities.has('findAccount')) return false;
  const found = await round.ask(async (context) => entry.manager.findAccount?.(key, context));
  if (found?.groups === undefined) return false;
  const joined = new Set(found.groups);
  const due = new Set(wanted.map(({ remoteId }) => remoteId));
  return managed.every(({ remoteId }) => joined.has(remoteId) === due.has(remoteId));
}

interface HeldBack {
  readonly groups: readonly string[];
  readonly answer: 'allowed' | 'staged' | 'held';
}

async function heldBack(round: Round, step: GroupStep): Promise<HeldBack> {
  const { deps, service, situation } = round;
  if (step.removed.length === 0) {
    if (situation.guarded) await cancelTakings(deps.db, situation, ['group removal']);
    return { groups: [], answer: 'allowed' };
  }
  const answer = await askGuard(deps.db, {
    serviceId: service.id,
    version: situation.version,
    taking: {
      userId: situation.userId,
      username: situation.username,
      kind: 'group removal',
      amount: step.removed.length,
      groups: step.removed,
    },
  });
  if (answer === 'wait') throw new GuardNotReady();
  return { groups: answer === 'allowed' ? [] : step.removed, answer };
}

function waitingForGroup(waitMs: number): RoundEnds {
  return new RoundEnds({ outcome: WAITING_FOR_GROUP, attention: 'waiting', nextTryMs: waitMs });
}

/** A remote group converges before its members: those that are not there yet are made now. */
async function remoteGroupsFirst(round: Round, groups: readonly string[]): Promise<void> {
  const managed = await readManagedGroups(round.deps, round.service, groups);
  const missing = groups.filter((id) => managed.ref(id) === undefined && !managed.rejected(id));
  if (missing.length === 0) return;
  for (const id of missing) {
    if (managed.waitMs(id) > 0) throw waitingForGroup(managed.waitMs(id));
    const holder = `account/${round.service.id}/${round.situation.userId}`;
    const made = await convergeGroup(
      round.deps,
      { service: round.service, entry: round.entry, call: round.call, holder },
      id,
    );
    if (made.outcome === 'later') throw waitingForGroup(made.waitMs);
  }
  managed.forget();
}
