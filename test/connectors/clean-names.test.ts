import fc from 'fast-check';
import { nicknameOf, roleNames } from '../../connectors/discord/names';
import { forumNames } from '../../connectors/discourse/names';
import { groupNames, usernames } from '../../connectors/keycloak/names';
import { localparts, roomNames } from '../../connectors/matrix/names';
import { scimNames } from '../../connectors/scim/names';

const RULES = {
  scim: scimNames,
  'discord roles': roleNames,
  'discord nicknames': { maxLength: 32, clean: nicknameOf },
  discourse: forumNames,
  'keycloak users': usernames,
  'keycloak groups': groupNames,
  'matrix users': localparts,
  'matrix rooms': roomNames,
};

/** What really comes together in names, and what falls apart when something between is taken out. */
const parts = fc.constantFrom(
  'a',
  'E',
  '\u0301',
  '\u0000',
  '\u200d',
  ' ',
  '\t',
  '_',
  '-',
  '.',
  '7',
  '´',
  '⁇',
  '/',
  '👩',
  '\ud83d',
);
const names = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.array(parts, { maxLength: 300 }).map((all) => all.join('')),
);

test.each(Object.entries(RULES))('cleaning a name for %s twice is cleaning it once', (_title, { clean, maxLength }) => {
  fc.assert(
    fc.property(names, (name) => {
      const cleaned = clean(name);
      expect(clean(cleaned)).toBe(cleaned);
      expect(Array.from(cleaned).length).toBeLessThanOrEqual(maxLength);
    }),
    { numRuns: 300 },
  );
});
