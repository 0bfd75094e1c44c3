import type { HookMember } from '@muster/sdk';
import { orderReasons } from '../domain/reasons';
import type { DueReason } from '../domain/words';
import type { AccountWorkflow } from '../workflows/contracts';

/** The workflow that a reason starts. */
export function workflowOf(reasons: readonly DueReason[]): AccountWorkflow {
  const first = orderReasons(reasons)[0];
  return first === undefined || first === 'reconfigured' ? 'convergeAccount' : first;
}

/** The overridden member that a reason calls; the bulk override is preferred. */
export function memberOf(reason: DueReason, overrides: ReadonlySet<HookMember>): readonly HookMember[] {
  const candidates: readonly HookMember[] = MEMBERS[reason];
  return candidates.filter((member) => overrides.has(member)).slice(0, 1);
}

const MEMBERS: Readonly<Record<DueReason, readonly HookMember[]>> = {
  createAccount: ['createAccount'],
  validateUser: ['validateUser'],
  deleteAccount: [],
  updateGroups: ['updateGroupsBulk', 'updateGroups'],
  updateProfile: ['updateProfile'],
  syncNickname: ['syncNicknamesBulk', 'syncNickname'],
  setPassword: ['setPassword'],
  resetPassword: ['resetPassword'],
  reconfigured: [],
};
