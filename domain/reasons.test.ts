import fc from 'fast-check';
import { orderReasons } from './reasons';
import type { DueReason } from './words';

const ALL: readonly DueReason[] = [
  'reconfigured',
  'setPassword',
  'resetPassword',
  'syncNickname',
  'updateProfile',
  'updateGroups',
  'createAccount',
  'validateUser',
  'deleteAccount',
];

describe('which reason comes first', () => {
  test('what takes away comes before what gives', () => {
    expect(orderReasons(['updateGroups', 'createAccount', 'validateUser'])).toEqual([
      'validateUser',
      'createAccount',
      'updateGroups',
    ]);
  });

  test('every reason has a place', () => {
    expect([...orderReasons(ALL)].sort()).toEqual([...ALL].sort());
  });

  test('the order does not depend on how they came, and each counts once', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...ALL)), (reasons) => {
        const ordered = orderReasons(reasons);

        expect(orderReasons([...reasons].reverse())).toEqual(ordered);
        expect([...ordered].sort()).toEqual([...new Set(reasons)].sort());
      }),
    );
  });
});
