import { Rejected } from '@muster/sdk';
import type { NameRules } from '@muster/sdk';

/** RFC 7643 sets no limits; most servers keep names in a column of 255 characters, some in one of 128. */
const MAX_LENGTH = 128;

/** Anything printable; white space becomes one space. A server that is stricter answers 400, which is Rejected. */
export const scimNames: NameRules = {
  maxLength: MAX_LENGTH,
  clean: (name) => Array.from(tidy(name)).slice(0, MAX_LENGTH).join('').trim(),
};

/** The name as it was given; throws Rejected for one that the rules would have altered. */
export function checkedName(name: string): string {
  if (name !== '' && scimNames.clean(name) === name) return name;
  throw new Rejected('The name is empty, too long, or has characters that cannot be in it.', { code: 'name' });
}

/** Normal again after characters were taken out: what they kept apart may belong together now. */
function tidy(name: string): string {
  const plain = name.normalize('NFKC').replace(/\s/g, ' ').replace(/\p{C}/gu, '').normalize('NFKC');
  return plain.replace(/ +/g, ' ').trim();
}
