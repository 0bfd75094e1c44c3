import { Rejected } from '@muster/sdk';
import type { NameRules } from '@muster/sdk';

/** Names of users and virtual hosts: any text of at most 255 bytes (an AMQP short string); less is easier to read. */
export const brokerNames: NameRules = { maxLength: 100, lengthUnit: 'bytes', clean };

/** Throws Rejected for a name that would not be kept as it is. */
export function requireName(name: string): string {
  if (name === '' || Buffer.byteLength(name) > brokerNames.maxLength || clean(name) !== name) {
    throw new Rejected('The broker would not keep this name as it is.', { code: 'name-characters' });
  }
  return name;
}

/** Clients write names into URLs and configuration files. `.` and `..` mean folders there, so no name is made of them. */
function clean(name: string): string {
  const seen = name.replace(/[\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu, '').normalize('NFKC');
  const text = seen.replace(/[\p{Cc}\p{Z}]+/gu, ' ').trim();
  return /^\.{1,2}$/.test(text) ? '' : text;
}
