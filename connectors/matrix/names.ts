import { Rejected } from '@muster/sdk';
import type { NameRules } from '@muster/sdk';

/** spec.matrix.org, "User Identifiers": 255 bytes with the server's name, of which this leaves it plenty. */
const LOCALPART_LENGTH = 120;
const ROOM_NAME_LENGTH = 255;

/**
 * The part of a user id before the server's name: `a-z 0-9 . _ = -`. Synapse keeps what begins with `_` for application services
 * and what is digits only for guests. `/` and `+` are allowed too, but are trouble in URLs and addresses.
 */
export const localparts: NameRules = {
  maxLength: LOCALPART_LENGTH,
  clean: (name) => {
    const text = name
      .normalize('NFKD')
      .toLowerCase()
      .replace(/\s+/g, '.')
      .replace(/[^a-z0-9._=-]/g, '')
      .replace(/^_+/, '')
      .slice(0, LOCALPART_LENGTH);
    return /^\d+$/.test(text) ? `u${text}`.slice(0, LOCALPART_LENGTH) : text;
  },
};

export const roomNames: NameRules = {
  maxLength: ROOM_NAME_LENGTH,
  clean: (name) => Array.from(tidy(name)).slice(0, ROOM_NAME_LENGTH).join('').trim(),
};

/** The name as it was given; throws Rejected for one that its rules would have altered. */
export function checked(name: string, rules: NameRules): string {
  if (name !== '' && rules.clean(name) === name) return name;
  throw new Rejected('The name is empty, too long, or has characters that cannot be in it.', { code: 'name' });
}

/** Normal again after characters were taken out: what they kept apart may belong together now. */
function tidy(name: string): string {
  const plain = name.normalize('NFC').replace(/\s/g, ' ').replace(/\p{C}/gu, '').normalize('NFC');
  return plain.replace(/ +/g, ' ').trim();
}
