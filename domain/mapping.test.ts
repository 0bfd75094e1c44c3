import fc from 'fast-check';
import { mapGroups, matchesAny } from './mapping';
import type { MappingRules, MappingSource } from './mapping';

const PILOTS: MappingSource = { kind: 'group', id: 'g1', name: 'Pilots' };
const COOKS: MappingSource = { kind: 'group', id: 'g2', name: 'Cooks' };
const MEMBER: MappingSource = { kind: 'state', id: 's1', name: 'Member' };
const ALL = [PILOTS, COOKS, MEMBER];

const remote = (rules: MappingRules, sources: readonly MappingSource[] = ALL): readonly string[] =>
  mapGroups(rules, sources).map((mapped) => mapped.remoteName);

describe('which remote groups a service has', () => {
  const table: readonly (readonly [string, MappingRules, readonly string[]])[] = [
    ['without rules every group keeps its name, states have none', {}, ['Pilots', 'Cooks']],
    ['a template gives the names a form', { groups: { template: 'org-{group}' } }, ['org-Pilots', 'org-Cooks']],
    ['deny takes groups out', { groups: { deny: ['coo*'] } }, ['Pilots']],
    ['allow lets in only what it names', { groups: { allow: ['PIL*'] } }, ['Pilots']],
    ['deny wins over allow', { groups: { allow: ['*'], deny: ['Pilots'] } }, ['Cooks']],
    [
      'the table wins over template, allow and deny',
      { groups: { table: { Pilots: ['crew', 'air'] }, deny: ['*'] } },
      ['crew', 'air'],
    ],
    ['an empty table entry maps to nothing', { groups: { table: { Pilots: [] } } }, ['Cooks']],
    [
      'without a default only the table counts',
      { groups: { default: 'none', table: { Cooks: ['kitchen'] } } },
      ['kitchen'],
    ],
    [
      'a state maps only where the table says so',
      { groups: { default: 'none' }, states: { table: { Member: ['members'] } } },
      ['members'],
    ],
    [
      'reserved names are never touched',
      { reserved: ['PILOTS'], states: { table: { Member: ['pilots'] } } },
      ['Cooks'],
    ],
  ];
  test.each(table)('%s', (_title, rules, names) => {
    expect(remote(rules)).toEqual(names);
  });

  test('a renamed group is the same remote group', () => {
    const [before] = mapGroups({}, [PILOTS]);
    const [after] = mapGroups({}, [{ ...PILOTS, name: 'Aviators' }]);

    expect(after?.origin).toBe(before?.origin);
    expect(after?.remoteName).toBe('Aviators');
  });

  test('two sources named for one remote group share it', () => {
    const mapped = mapGroups({ groups: { table: { Pilots: ['crew'], Cooks: ['crew'] } } }, ALL);

    expect(new Set(mapped.map((one) => one.origin)).size).toBe(1);
  });

  test('a group with the name of an object member has no table entry', () => {
    expect(
      remote({ groups: { table: {}, default: 'none' } }, [{ kind: 'group', id: 'g', name: 'constructor' }]),
    ).toEqual([]);
  });

  test('a group name with $ and braces stays as it is', () => {
    expect(remote({ groups: { template: 'x-{group}' } }, [{ kind: 'group', id: 'g', name: '$& {group}' }])).toEqual([
      'x-$& {group}',
    ]);
  });
});

describe('patterns', () => {
  test('a star is any run of characters, everything else is literal', () => {
    expect(matchesAny(['a*c'], 'ABBC')).toBe(true);
    expect(matchesAny(['a.c'], 'abc')).toBe(false);
    expect(matchesAny(['(a|b)[c]'], '(a|b)[c]')).toBe(true);
    expect(matchesAny([], 'a')).toBe(false);
  });

  test('a name without a star matches itself and nothing longer', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((name) => !name.includes('*')),
        (name) => {
          expect(matchesAny([name], name)).toBe(true);
          expect(matchesAny([name], `${name}x`)).toBe(false);
        },
      ),
    );
  });
});
