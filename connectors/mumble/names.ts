import { Rejected } from '@muster/sdk';
import type { NameRules } from '@muster/sdk';

/** What the server takes by default (`username` in its settings): `[-=\w\[\]\{\}\(\)\@\|\.]+`, with the letters of all scripts. */
export const userNames: NameRules = { maxLength: 60, clean: (name) => tidy(name, /[^-=\p{L}\p{N}_[\]{}()@|.]/gu) };

/** Names of groups stand in rules, where some first characters mean more: `~`, `!`, `#`, `$`. */
export const aclGroupNames: NameRules = { maxLength: 60, clean: (name) => tidy(name, /[^-=\p{L}\p{N}_().@|]/gu) };

/** Throws Rejected for a name that would not be taken as it is. */
export function requireName(name: string, rules: NameRules): string {
  if (name === '' || Array.from(name).length > rules.maxLength || rules.clean(name) !== name) {
    throw new Rejected('The server does not take this name as it is.', { code: 'name-characters' });
  }
  return name;
}

/** Letters beyond the first plane are no letters to the server. */
function tidy(name: string, unfit: RegExp): string {
  const plain = name
    .normalize('NFKC')
    .trim()
    .replace(/\s+/g, '_')
    .replace(/[\u{10000}-\u{10ffff}]/gu, '');
  return plain.replace(unfit, '').normalize('NFKC');
}
