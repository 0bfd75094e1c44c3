import fc from 'fast-check';
import { decide, isWanted } from './decide';
import type { Decision, Profile, Situation, Step } from './decide';
import { MANAGER_METHODS } from './words';
import type { ManagerMethod } from './words';

const ADA: Profile = { name: 'ada', nickname: 'Ada', displayName: 'Ada L.', email: 'ada@example.org', attributes: {} };
const EVERYTHING: ReadonlySet<ManagerMethod> = new Set(MANAGER_METHODS);
const G1 = 'group-1';
const G2 = 'group-2';

/** An entitled person with a settled account; tests name what differs. */
function situation(different: Partial<Situation> = {}): Situation {
  return {
    status: 'active',
    remoteId: 'r1',
    appliedProfile: ADA,
    appliedGroups: [G1],
    choice: null,
    begins: 'automatic',
    onLoss: 'delete',
    graceOver: false,
    entitled: true,
    userGone: false,
    abilities: EVERYTHING,
    wantedProfile: ADA,
    wantedGroups: [G1],
    passwordWanted: false,
    ...different,
  };
}

function without(...missing: readonly ManagerMethod[]): ReadonlySet<ManagerMethod> {
  return new Set(MANAGER_METHODS.filter((method) => !missing.includes(method)));
}

const names = (decision: Decision): readonly string[] => decision.steps.map((step) => step.step);

describe('what one account needs', () => {
  const table: readonly (readonly [string, Partial<Situation>, readonly string[]])[] = [
    ['a settled account needs nothing', {}, []],
    [
      'nothing there yet is created with its groups',
      { status: 'none', remoteId: null, appliedGroups: null },
      ['create', 'set groups'],
    ],
    [
      'a tombstone of somebody entitled again is created',
      { status: 'removed', remoteId: null },
      ['create', 'set groups'],
    ],
    ['a disabled account of somebody entitled is enabled', { status: 'disabled' }, ['enable']],
    ['another name is a profile update', { wantedProfile: { ...ADA, name: 'ada-2' } }, ['update profile']],
    ['another nickname is its own call', { wantedProfile: { ...ADA, nickname: 'A.' } }, ['set nickname']],
    [
      'attributes in another order are no difference',
      { appliedProfile: { ...ADA, attributes: { a: 1, b: 2 } }, wantedProfile: { ...ADA, attributes: { b: 2, a: 1 } } },
      [],
    ],
    ['groups in another order are no difference', { appliedGroups: [G2, G1], wantedGroups: [G1, G2] }, []],
    ['a group less is set', { appliedGroups: [G1, G2] }, ['set groups']],
    ['groups never written are written, even none', { appliedGroups: null, wantedGroups: [] }, ['set groups']],
    ['groups that are not kept by account are left alone', { appliedGroups: null, wantedGroups: null }, []],
    ['a wanted password is set', { passwordWanted: true }, ['set password']],
    [
      'a lost right removes the account and its sessions',
      { entitled: false, wantedProfile: null },
      ['end sessions', 'delete'],
    ],
    [
      'a lost right disables where the service says so',
      { entitled: false, onLoss: 'disable', wantedProfile: null },
      ['disable', 'end sessions'],
    ],
    [
      'who is disabled already stays so',
      { entitled: false, onLoss: 'disable', status: 'disabled', wantedProfile: null },
      [],
    ],
    [
      'a disabled account is deleted when its days of grace are over',
      { entitled: false, onLoss: 'disable', status: 'disabled', graceOver: true, wantedProfile: null },
      ['end sessions', 'delete'],
    ],
    [
      'somebody entitled again is enabled, however long it took',
      { status: 'disabled', onLoss: 'disable', graceOver: true },
      ['enable'],
    ],
    [
      'who is deleted is removed for good, also when disabled',
      { entitled: false, userGone: true, onLoss: 'disable', status: 'disabled', wantedProfile: null },
      ['end sessions', 'delete'],
    ],
    ['who declines is removed for good', { choice: 'declined', onLoss: 'disable' }, ['end sessions', 'delete']],
    [
      'nothing there and no right needs nothing',
      { entitled: false, status: 'none', remoteId: null, wantedProfile: null },
      [],
    ],
    [
      'a service that cannot delete disables',
      { entitled: false, abilities: without('deleteAccount'), wantedProfile: null },
      ['disable', 'end sessions'],
    ],
    ['on request, nobody asked: the account goes', { begins: 'on request' }, ['end sessions', 'delete']],
    ['on request, asked for: it stays', { begins: 'on request', choice: 'wanted' }, []],
  ];
  test.each(table)('%s', (_title, different, steps) => {
    expect(names(decide(situation(different)))).toEqual(steps);
  });

  test('sessions end before a deletion, and after a login is closed', () => {
    const deletion = names(decide(situation({ entitled: false })));
    const closing = names(decide(situation({ entitled: false, onLoss: 'disable' })));

    expect(deletion.indexOf('end sessions')).toBeLessThan(deletion.indexOf('delete'));
    expect(closing.indexOf('end sessions')).toBeGreaterThan(closing.indexOf('disable'));
  });

  test('a group step names what it takes away', () => {
    const [step] = decide(situation({ appliedGroups: [G1, G2], wantedGroups: [G1] })).steps;

    expect(step).toEqual({ step: 'set groups', wanted: [G1], removed: [G2] });
  });

  test('what the service cannot do is said in a sentence', () => {
    const noCreate = decide(situation({ status: 'none', remoteId: null, abilities: without('createAccount') }));
    const noRemove = decide(situation({ entitled: false, abilities: without('deleteAccount', 'disableAccount') }));

    expect(noCreate).toMatchObject({ steps: [], impossible: expect.stringContaining('cannot create') });
    expect(noRemove).toMatchObject({ steps: [], guard: null, impossible: expect.stringContaining('by hand') });
  });
});

const profile = fc.record({
  name: fc.constantFrom('ada', 'bob'),
  nickname: fc.constantFrom('A', 'B'),
  displayName: fc.constantFrom('Ada', 'Bob'),
  email: fc.constantFrom(null, 'a@example.org'),
  attributes: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom<string | number>('x', 1)),
});
const groups = fc.subarray(['g1', 'g2', 'g3']);

/** Every situation that can be read from the database: an account that is there has a remote id. */
const situations: fc.Arbitrary<Situation> = fc
  .record({
    status: fc.constantFrom<Situation['status'][]>('none', 'pending', 'active', 'disabled', 'removed'),
    hasRemoteId: fc.boolean(),
    appliedProfile: fc.option(profile),
    appliedGroups: fc.option(groups),
    choice: fc.constantFrom<Situation['choice'][]>('wanted', 'declined', null),
    begins: fc.constantFrom<Situation['begins'][]>('automatic', 'on request'),
    onLoss: fc.constantFrom<Situation['onLoss'][]>('delete', 'disable'),
    graceOver: fc.boolean(),
    entitled: fc.boolean(),
    userGone: fc.boolean(),
    abilities: fc.subarray([...MANAGER_METHODS]).map((methods) => new Set(methods)),
    wantedProfile: fc.option(profile),
    wantedGroups: fc.option(groups),
    passwordWanted: fc.boolean(),
    adoptable: fc.boolean(),
    orphan: fc.constantFrom<NonNullable<Situation['orphan']> | null>(null, null, 'report', 'disable', 'remove'),
  })
  .map(({ hasRemoteId, ...rest }) => ({
    ...rest,
    adoptable: rest.adoptable && rest.abilities.has('adoptAccount'),
    userGone: rest.userGone || rest.orphan !== null,
    remoteId:
      rest.status === 'active' || rest.status === 'disabled' || (rest.status === 'pending' && hasRemoteId)
        ? 'r1'
        : null,
    entitled: rest.entitled && !rest.userGone && rest.orphan === null,
  }));

/** The situation after the steps were done, as the engine records it. */
function after(before: Situation, decision: Decision): Situation {
  return decision.steps.reduce(apply, before);
}

function apply(before: Situation, step: Step): Situation {
  switch (step.step) {
    case 'create':
      return { ...before, status: 'active', remoteId: 'r2', appliedProfile: before.wantedProfile, appliedGroups: null };
    case 'adopt':
      return {
        ...before,
        status: 'active',
        remoteId: 'r3',
        adoptable: false,
        appliedProfile: null,
        appliedGroups: null,
      };
    case 'enable':
      return { ...before, status: 'active' };
    case 'update profile':
      return { ...before, appliedProfile: before.wantedProfile };
    case 'set nickname': {
      const applied = before.appliedProfile ?? before.wantedProfile;
      return {
        ...before,
        appliedProfile: applied === null ? null : { ...applied, nickname: before.wantedProfile?.nickname ?? '' },
      };
    }
    case 'set groups':
      return { ...before, appliedGroups: step.wanted };
    case 'set password':
      return { ...before, passwordWanted: false };
    case 'disable':
      // Its days of grace begin now.
      return { ...before, status: 'disabled', graceOver: false };
    case 'end sessions':
      return before;
    case 'delete':
      return { ...before, status: 'removed', remoteId: null, appliedProfile: null, appliedGroups: null };
  }
}

const REMOVING = ['disable', 'delete', 'end sessions'];

describe('in every situation', () => {
  test('deciding after the steps are done gives no steps', () => {
    fc.assert(
      fc.property(situations, (before) => {
        const decided = decide(before);
        const again = decide(after(before, decided));

        expect(again.steps).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  test('the same situation gives the same decision', () => {
    fc.assert(fc.property(situations, (before) => expect(decide(before)).toEqual(decide({ ...before }))));
  });

  test('an account that is wanted never loses itself', () => {
    fc.assert(
      fc.property(situations.filter(isWanted), (before) => {
        const decision = decide(before);

        expect(decision).toMatchObject({ wanted: true, guard: null });
        expect(names(decision).filter((step) => REMOVING.includes(step))).toEqual([]);
      }),
    );
  });

  test('an account that is not wanted gets nothing', () => {
    fc.assert(
      fc.property(
        situations.filter((before) => !isWanted(before)),
        (before) => {
          // What is nobody's gets our key only to be taken away with it.
          const ours = before.orphan == null ? REMOVING : [...REMOVING, 'adopt'];
          expect(names(decide(before)).filter((step) => !ours.includes(step))).toEqual([]);
        },
      ),
    );
  });

  test('what is nobody’s is left alone unless policy says more', () => {
    fc.assert(
      fc.property(
        situations.filter(({ orphan }) => orphan === 'report'),
        (before) => expect(decide(before).steps).toEqual([]),
      ),
    );
  });

  test('every removal and every disable names its guard', () => {
    fc.assert(
      fc.property(situations, (before) => {
        const decision = decide(before);
        const steps = names(decision);
        const removal = steps.includes('delete') ? 'removal' : null;

        expect(decision.guard).toBe(steps.includes('disable') ? 'disable' : removal);
      }),
    );
  });

  test('a step is only decided where the service can do it', () => {
    const needs: Readonly<Record<Step['step'], ManagerMethod>> = {
      create: 'createAccount',
      adopt: 'adoptAccount',
      enable: 'enableAccount',
      'update profile': 'updateAccount',
      'set nickname': 'setNickname',
      'set groups': 'setGroups',
      'set password': 'setPassword',
      disable: 'disableAccount',
      'end sessions': 'endSessions',
      delete: 'deleteAccount',
    };
    fc.assert(
      fc.property(situations, (before) => {
        for (const { step } of decide(before).steps) expect(before.abilities.has(needs[step])).toBe(true);
      }),
    );
  });

  test('groups that an account loses are named, and no others', () => {
    fc.assert(
      fc.property(situations, (before) => {
        const step = decide(before).steps.find((one) => one.step === 'set groups');
        if (step?.step !== 'set groups') return;
        const kept = new Set(step.wanted);

        expect(step.removed.every((group) => !kept.has(group))).toBe(true);
        const had = new Set(before.appliedGroups);
        expect(step.removed.every((group) => had.has(group))).toBe(true);
      }),
    );
  });
});
