import { Rejected } from '@muster/sdk';
import type { NameRules } from '@muster/sdk';

/** docs.discord.com, "Guild Resource", Create Guild Role: `name`, "max 100 characters". */
const ROLE_NAME_LENGTH = 100;
/** docs.discord.com, "Users Resource", "Usernames and Nicknames": 1 to 32 characters, without spaces around. */
const NICKNAME_LENGTH = 32;

export const roleNames: NameRules = {
  maxLength: ROLE_NAME_LENGTH,
  clean: (name) => cut(tidy(name), ROLE_NAME_LENGTH),
};

/** The name of a role as it was given; throws Rejected for one that the rules would have altered. */
export function checkedRoleName(name: string): string {
  if (name !== '' && roleNames.clean(name) === name) return name;
  throw new Rejected('The name of the role is empty, too long, or has characters that cannot be in it.', {
    code: 'name',
  });
}

/** What Discord will show: a nickname identifies nobody, so it is cut. '' = no nickname. */
export function nicknameOf(text: string): string {
  return cut(tidy(text), NICKNAME_LENGTH);
}

function tidy(text: string): string {
  // Normal again after characters were taken out: what they kept apart may belong together now.
  const plain = text.normalize('NFC').replace(/\s/g, ' ').replace(/\p{C}/gu, '').normalize('NFC');
  return plain.replace(/ +/g, ' ').trim();
}

/** Discord counts UTF-16 units; a character of two is not cut in half. */
function cut(text: string, length: number): string {
  let taken = '';
  for (const char of text) {
    if (taken.length + char.length > length) break;
    taken += char;
  }
  return taken.trim();
}
