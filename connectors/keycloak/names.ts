import { Rejected } from '@muster/sdk';
import type { NameRules } from '@muster/sdk';

/** The columns `username` and `name` of Keycloak's tables. */
const MAX_LENGTH = 255;

/**
 * Keycloak keeps user names in lower case, and its default user profile refuses what could be mistaken for another character
 * ("username-prohibited-characters", "up-username-not-idn-homograph"), so only ASCII is left.
 */
export const usernames: NameRules = {
  maxLength: MAX_LENGTH,
  clean: (name) => {
    const text = name
      .normalize('NFKD')
      .toLowerCase()
      .trim()
      .replace(/\s+/g, '.')
      .replace(/[^a-z0-9._@-]/g, '')
      .slice(0, MAX_LENGTH);
    return text === '' ? '' : text.padEnd(3, '1');
  },
};

/** Anything printable, but no slash: it separates the parts of a group's path. */
export const groupNames: NameRules = {
  maxLength: MAX_LENGTH,
  clean: (name) => Array.from(tidy(name)).slice(0, MAX_LENGTH).join('').trim(),
};

/** The name as it was given; throws Rejected for one that its rules would have altered. */
export function checked(name: string, rules: NameRules): string {
  if (name !== '' && rules.clean(name) === name) return name;
  throw new Rejected('The name is too short, too long, or has characters that cannot be in it.', { code: 'name' });
}

/** Normal again after characters were taken out: what they kept apart may belong together now. */
function tidy(name: string): string {
  const plain = name
    .normalize('NFC')
    .replace(/\s/g, ' ')
    .replace(/[\p{C}/]/gu, '')
    .normalize('NFC');
  return plain.replace(/ +/g, ' ').trim();
}
