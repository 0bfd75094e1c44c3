/** What a plan says of one account: what would be done, and how it looks before and after. Pure. */
import type { Decision, Profile, Situation, Step } from './decide';
import type { GuardKind } from './guard';
import type { AccountStatus, Attributes } from './words';

/** An account at the far side as Muster knows it; names instead of ids. */
export interface AccountView {
  readonly status: AccountStatus;
  readonly name: string | null;
  readonly nickname: string | null;
  readonly displayName: string | null;
  readonly email: string | null;
  readonly attributes: Attributes;
  /** Managed groups, sorted; null = not known, or not set per account. */
  readonly groups: readonly string[] | null;
}

export interface PlannedAccount {
  readonly steps: readonly Step['step'][];
  /** null = there is none. */
  readonly before: AccountView | null;
  readonly after: AccountView | null;
  readonly why: string;
  /** What the guard will be asked for when it is executed. */
  readonly guard: readonly GuardKind[];
}

export type GroupNames = ReadonlyMap<string, string>;

export type ViewedAccount = Pick<Situation, 'status' | 'appliedProfile' | 'appliedGroups'>;

/** The account as it is recorded; null = there is none at the far side. */
export function viewAccount(account: ViewedAccount, names: GroupNames): AccountView | null {
  const { status, appliedProfile, appliedGroups } = account;
  if (status === 'none' || status === 'removed') return null;
  return { status, ...profileView(appliedProfile), groups: groupView(appliedGroups, names) };
}

function profileView(profile: Profile | null): Omit<AccountView, 'status' | 'groups'> {
  if (profile === null) return { name: null, nickname: null, displayName: null, email: null, attributes: {} };
  const { name, nickname, displayName, email, attributes } = profile;
  return { name, nickname, displayName, email, attributes };
}

function groupView(groups: readonly string[] | null, names: GroupNames): readonly string[] | null {
  return groups === null ? null : groups.map((id) => names.get(id) ?? id).sort();
}

export interface PlanInput {
  readonly situation: Situation;
  readonly decision: Decision;
  readonly names: GroupNames;
  readonly why: string;
}

/** The plan of one account from the same decision that its execution would take. */
export function planAccount({ situation, decision, names, why }: PlanInput): PlannedAccount {
  const before = viewAccount(situation, names);
  const after = decision.steps.reduce<AccountView | null>(
    (view, step) => afterStep(view, step, { situation, names }),
    before,
  );
  return { steps: decision.steps.map(({ step }) => step), before, after, why, guard: guardOf(decision) };
}

function afterStep(
  view: AccountView | null,
  step: Step,
  { situation, names }: Pick<PlanInput, 'situation' | 'names'>,
): AccountView | null {
  const wanted = profileView(situation.wantedProfile);
  if (step.step === 'create' || step.step === 'adopt') return { status: 'active', ...wanted, groups: null };
  if (view === null) return null;
  switch (step.step) {
    case 'delete':
      return null;
    case 'disable':
      return { ...view, status: 'disabled' };
    case 'enable':
      return { ...view, status: 'active' };
    case 'update profile':
      return { ...view, ...wanted };
    case 'set nickname':
      return { ...view, nickname: wanted.nickname };
    case 'set groups':
      return { ...view, groups: groupView(step.wanted, names) };
    case 'set password':
    case 'end sessions':
      return view;
  }
}

function guardOf({ guard, steps }: Decision): readonly GuardKind[] {
  const takesGroups = steps.some((step) => step.step === 'set groups' && step.removed.length > 0);
  return [...(guard === null ? [] : [guard]), ...(takesGroups ? (['group removal'] as const) : [])];
}
