import type { Decision, Situation } from './decide';
import { decide } from './decide';
import { planAccount, viewAccount } from './plan-account';

const PROFILE = { name: 'ada', nickname: 'Ada', displayName: 'Ada', email: null, attributes: {} };
const NAMES = new Map([
  ['g1', 'staff'],
  ['g2', 'board'],
]);
const SITUATION: Situation = {
  status: 'active',
  remoteId: 'r1',
  appliedProfile: PROFILE,
  appliedGroups: ['g1', 'g2'],
  choice: null,
  begins: 'automatic',
  onLoss: 'delete',
  graceOver: false,
  entitled: true,
  userGone: false,
  abilities: new Set(['createAccount', 'updateAccount', 'setNickname', 'setGroups', 'disableAccount', 'deleteAccount']),
  wantedProfile: PROFILE,
  wantedGroups: ['g1', 'g2'],
  passwordWanted: false,
};

function plan(change: Partial<Situation>) {
  const situation = { ...SITUATION, ...change };
  return planAccount({ situation, decision: decide(situation), names: NAMES, why: 'because' });
}

describe('the plan of an account', () => {
  test('that is as it should be has no steps and stays the same', () => {
    const planned = plan({});
    expect(planned).toMatchObject({ steps: [], guard: [], why: 'because' });
    expect(planned.after).toEqual(planned.before);
    expect(planned.before?.groups).toEqual(['board', 'staff']);
  });

  test('that is not there yet begins with nothing and ends with everything', () => {
    const planned = plan({ status: 'none', remoteId: null, appliedProfile: null, appliedGroups: null });
    expect(planned.steps).toEqual(['create', 'set groups']);
    expect(planned).toMatchObject({
      before: null,
      after: { status: 'active', name: 'ada', groups: ['board', 'staff'] },
    });
  });

  test('that loses a group says that the guard counts it', () => {
    expect(plan({ wantedGroups: ['g1'] })).toMatchObject({
      steps: ['set groups'],
      before: { groups: ['board', 'staff'] },
      after: { groups: ['staff'] },
      guard: ['group removal'],
    });
  });

  test.each([
    ['delete', 'removal', null],
    ['disable', 'disable', 'disabled'],
  ] as const)('that is lost to a service with %s', (onLoss, guard, status) => {
    const planned = plan({ entitled: false, onLoss });
    expect(planned).toMatchObject({ steps: [onLoss], guard: [guard] });
    expect(planned.after?.status ?? null).toBe(status);
  });

  test('that only gets a nickname keeps the rest', () => {
    const { after } = plan({ wantedProfile: { ...PROFILE, nickname: 'Countess' } });
    expect(after).toMatchObject({ nickname: 'Countess', displayName: 'Ada', groups: ['board', 'staff'] });
  });

  test('shows what cannot be seen as unchanged', () => {
    const decision: Decision = { wanted: true, steps: [{ step: 'set password' }], guard: null, impossible: null };
    const planned = planAccount({ situation: SITUATION, decision, names: NAMES, why: '' });
    expect(planned.after).toEqual(viewAccount(SITUATION, NAMES));
  });
});
