import { isKept, matchAdoptions } from './orphans';

const account = (remoteId: string, name: string, email: string | null = null) => ({ remoteId, name, email });
const person = (userId: string, name: string, email: string | null = null) => ({ userId, name, email });

describe('accounts that Muster did not make', () => {
  test('are nobody’s unless an operator gives a rule', () => {
    expect(matchAdoptions({}, [account('1', 'ada')], [person('u', 'ada')]).size).toBe(0);
  });

  test('are known by their name, whatever its case', () => {
    const found = matchAdoptions(
      { adopt: 'by name' },
      [account('1', 'Ada'), account('2', 'eve')],
      [person('u', 'ada')],
    );

    expect([...found]).toEqual([['1', 'u']]);
  });

  test('are known by their address, and not by an absent one', () => {
    const accounts = [account('1', 'x', 'Ada@Example.org '), account('2', 'bob')];
    const people = [person('u', 'ada', 'ada@example.org'), person('v', 'bob')];

    expect([...matchAdoptions({ adopt: 'by email' }, accounts, people)]).toEqual([['1', 'u']]);
  });

  test.each([
    ['two accounts', [account('1', 'a', 'ada@x.org'), account('2', 'b', 'ada@x.org')], [person('u', 'a', 'ada@x.org')]],
    ['two people', [account('1', 'a', 'ada@x.org')], [person('u', 'a', 'ada@x.org'), person('v', 'b', 'ada@x.org')]],
  ])('are given to nobody where %s are the same', (_what, accounts, people) => {
    expect(matchAdoptions({ adopt: 'by email' }, accounts, people).size).toBe(0);
  });

  test('that are to be kept are given to nobody', () => {
    const settings = { adopt: 'by name', keep: ['svc-*'] } as const;

    expect(matchAdoptions(settings, [account('1', 'svc-ada')], [person('u', 'svc-ada')]).size).toBe(0);
    expect(isKept(settings, 'SVC-backup')).toBe(true);
  });
});
