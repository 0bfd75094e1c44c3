/** What must be done to one account, decided from one snapshot. Pure: the same situation gives the same steps. */
import type { GuardKind } from './guard';
import type { OrphanPolicy } from './orphans';
import type { AccountBegins, AccountStatus, Attributes, ManagerMethod, OnLoss } from './words';

export interface Profile {
  readonly name: string;
  readonly nickname: string;
  readonly displayName: string;
  readonly email: string | null;
  readonly attributes: Attributes;
}

export interface Situation {
  readonly status: AccountStatus;
  readonly remoteId: string | null;
  readonly appliedProfile: Profile | null;
  /** null = never written: the next write says the full set, even an empty one. */
  readonly appliedGroups: readonly string[] | null;
  readonly choice: 'wanted' | 'declined' | null;
  readonly begins: AccountBegins;
  readonly onLoss: OnLoss;
  /** It is disabled, and its days of grace are over. */
  readonly graceOver: boolean;
  /** Entitled by a grant or the hook, and active. */
  readonly entitled: boolean;
  /** The person's row is gone. */
  readonly userGone: boolean;
  readonly abilities: ReadonlySet<ManagerMethod>;
  readonly wantedProfile: Profile | null;
  /** Remote groups, sorted; null = this service's groups are not set per account. */
  readonly wantedGroups: readonly string[] | null;
  readonly passwordWanted: boolean;
  /** An account without a key waits at the far side to become this one. Default false. */
  readonly adoptable?: boolean;
  /** It belongs to nobody: what is done about such accounts. Default null: it is a person's. */
  readonly orphan?: OrphanPolicy | null;
}

export type Step =
  | { readonly step: 'create' }
  | { readonly step: 'adopt' }
  | { readonly step: 'enable' }
  | { readonly step: 'update profile' }
  | { readonly step: 'set nickname' }
  | { readonly step: 'set groups'; readonly wanted: readonly string[]; readonly removed: readonly string[] }
  | { readonly step: 'set password' }
  | { readonly step: 'disable' }
  | { readonly step: 'end sessions' }
  | { readonly step: 'delete' };

/** The names of all steps, in the order in which they are done. */
export const STEPS = [
  'create',
  'adopt',
  'enable',
  'update profile',
  'set nickname',
  'set groups',
  'set password',
  'disable',
  'end sessions',
  'delete',
] as const satisfies readonly Step['step'][];

export interface Decision {
  readonly wanted: boolean;
  readonly steps: readonly Step[];
  /** What the guard must allow before the first step; group removals are asked for at their own step. */
  readonly guard: GuardKind | null;
  /** The account should change but the service cannot do it: a sentence for a person. */
  readonly impossible: string | null;
}

/** Decides what to do. Nothing to do = no steps. */
export function decide(situation: Situation): Decision {
  return isWanted(situation) ? decideWanted(situation) : decideUnwanted(situation);
}

/** Should there be an account? Entitled, and not declined; on request only when somebody asked. */
export function isWanted(situation: Pick<Situation, 'entitled' | 'choice' | 'begins'>): boolean {
  if (!situation.entitled || situation.choice === 'declined') return false;
  return situation.begins === 'automatic' || situation.choice === 'wanted';
}

function decideWanted(situation: Situation): Decision {
  const begins = beginning(situation);
  if (begins === 'impossible')
    return { wanted: true, steps: [], guard: null, impossible: 'the service cannot create accounts' };
  const steps: Step[] = begins === null ? enabling(situation) : [{ step: begins }];
  // What an adopted account looks like is unknown; a created one looks as it was asked for.
  if (begins === 'adopt') steps.push(...profileSteps({ ...situation, appliedProfile: null }));
  if (begins === null) steps.push(...profileSteps(situation));
  const groups = groupStep(situation, begins !== null);
  if (groups !== null) steps.push(groups);
  if (situation.passwordWanted && situation.abilities.has('setPassword')) steps.push({ step: 'set password' });
  return { wanted: true, steps, guard: null, impossible: null };
}

/** How an account that is not there comes to be; null: it is there. */
function beginning({ status, remoteId, adoptable, abilities }: Situation): 'create' | 'adopt' | 'impossible' | null {
  if (status !== 'none' && status !== 'removed' && remoteId !== null) return null;
  if (adoptable === true) return 'adopt';
  return abilities.has('createAccount') ? 'create' : 'impossible';
}

function enabling({ status, abilities }: Situation): Step[] {
  return status === 'disabled' && abilities.has('enableAccount') ? [{ step: 'enable' }] : [];
}

function profileSteps(situation: Situation): readonly Step[] {
  const { appliedProfile: applied, wantedProfile: wanted, abilities } = situation;
  if (wanted === null) return [];
  const steps: Step[] = [];
  const nicknameDiffers = applied === null || applied.nickname !== wanted.nickname;
  if (abilities.has('updateAccount') && profileDiffers(applied, wanted, !abilities.has('setNickname'))) {
    steps.push({ step: 'update profile' });
  }
  if (abilities.has('setNickname') && nicknameDiffers) steps.push({ step: 'set nickname' });
  return steps;
}

function profileDiffers(applied: Profile | null, wanted: Profile, withNickname: boolean): boolean {
  if (applied === null) return true;
  if (withNickname && applied.nickname !== wanted.nickname) return true;
  if (applied.name !== wanted.name || applied.displayName !== wanted.displayName) return true;
  return applied.email !== wanted.email || stable(applied.attributes) !== stable(wanted.attributes);
}

/** JSON with sorted keys: PostgreSQL's jsonb does not keep their order. */
function stable(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function groupStep(situation: Situation, creates: boolean): Step | null {
  const wanted = situation.wantedGroups;
  if (wanted === null || !situation.abilities.has('setGroups')) return null;
  const applied = creates ? null : situation.appliedGroups;
  if (applied !== null && sameSet(applied, wanted)) return null;
  return { step: 'set groups', wanted, removed: (applied ?? []).filter((group) => !wanted.includes(group)) };
}

function sameSet(left: readonly string[], right: readonly string[]): boolean {
  const members = new Set(right);
  return left.length === members.size && left.every((item) => members.has(item));
}

function decideUnwanted(situation: Situation): Decision {
  const nothing: Decision = { wanted: false, steps: [], guard: null, impossible: null };
  if (situation.status === 'none' || situation.status === 'removed' || situation.remoteId === null) return nothing;
  return situation.orphan == null ? decideLost(situation) : decideOrphan(situation, situation.orphan);
}

/** There is an account, and its person has no right to it or does not want it. */
function decideLost(situation: Situation): Decision {
  const nothing: Decision = { wanted: false, steps: [], guard: null, impossible: null };
  const { abilities } = situation;
  const disables = wantsDisable(situation);
  if (disables && situation.status === 'disabled') return graceEnds(situation) ? removal(situation, 'delete') : nothing;
  if (disables && abilities.has('disableAccount')) return removal(situation, 'disable');
  if (abilities.has('deleteAccount')) return removal(situation, 'delete');
  if (abilities.has('disableAccount')) {
    return situation.status === 'disabled' ? nothing : removal(situation, 'disable');
  }
  return { ...nothing, impossible: 'the service can neither remove nor disable accounts: do it by hand there' };
}

/** What is nobody's goes only as policy says; it gets our key first, without which the far side would refuse us. */
function decideOrphan(situation: Situation, policy: OrphanPolicy): Decision {
  const { status, abilities, adoptable } = situation;
  const nothing: Decision = { wanted: false, steps: [], guard: null, impossible: null };
  if (policy === 'report' || (policy === 'disable' && status === 'disabled')) return nothing;
  const step = policy === 'remove' ? 'delete' : 'disable';
  if (!abilities.has(step === 'delete' ? 'deleteAccount' : 'disableAccount'))
    return { ...nothing, impossible: `the service cannot ${step} accounts: do it by hand there` };
  const taken = removal(situation, step);
  return adoptable === true ? { ...taken, steps: [{ step: 'adopt' }, ...taken.steps] } : taken;
}

function graceEnds({ graceOver, abilities }: Situation): boolean {
  return graceOver && abilities.has('deleteAccount');
}

/** Disable is for people who may come back; who is deleted or declined the account is removed for good. */
function wantsDisable(situation: Situation): boolean {
  return situation.onLoss === 'disable' && !situation.userGone && situation.choice !== 'declined';
}

function removal(situation: Situation, step: 'disable' | 'delete'): Decision {
  const ending: readonly Step[] = situation.abilities.has('endSessions') ? [{ step: 'end sessions' }] : [];
  // Sessions end after the login is closed: before, a new one could begin in between.
  const steps: readonly Step[] = step === 'delete' ? [...ending, { step }] : [{ step }, ...ending];
  return { wanted: false, steps, guard: step === 'delete' ? 'removal' : 'disable', impossible: null };
}
