/** Which reason comes first when an account is due for several: validate before update, and creation before both. */
import type { DueReason } from './words';

const ORDER: readonly DueReason[] = [
  'deleteAccount',
  'validateUser',
  'createAccount',
  'updateGroups',
  'updateProfile',
  'syncNickname',
  'setPassword',
  'resetPassword',
  'reconfigured',
];

/** The reasons in the order in which hook members are called. */
export function orderReasons(reasons: readonly DueReason[]): readonly DueReason[] {
  return ORDER.filter((reason) => reasons.includes(reason));
}
