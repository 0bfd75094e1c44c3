import fc from 'fast-check';
import { escapeRdnValue, parentOf } from './dn';
import { entryNames, groupNames, windowsGroupNames, windowsNames } from './names';

test.each([
  ['people', entryNames],
  ['groups', groupNames],
  ['Windows people', windowsNames],
  ['Windows groups', windowsGroupNames],
])('cleaning a name of %s twice is cleaning it once', (_title, { clean }) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (name) => {
      expect(clean(clean(name))).toBe(clean(name));
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['Ada  Lovelace ', 'ada lovelace', 'ada.lovelace'],
  ['O’Brien/..', 'o’brien/..', 'o’brien'],
  ['a\u202Eb\u0000c', 'ab c', 'ab.c'],
  ['..', '..', ''],
])('%j becomes %j, and %j on Windows', (name, plain, windows) => {
  expect([entryNames.clean(name), windowsNames.clean(name)]).toEqual([plain, windows]);
});

test('a DN is taken apart at its first comma that is not escaped', () => {
  const dn = `uid=${escapeRdnValue('a,b\\')},ou=people,dc=example`;

  expect([dn, parentOf(dn), parentOf('cn=a\\,b,ou=x')]).toEqual([
    'uid=a\\2cb\\5c,ou=people,dc=example',
    'ou=people,dc=example',
    'ou=x',
  ]);
});
