import { Rejected } from '@muster/sdk';
import type { NameRules } from '@muster/sdk';

/** NAMEDATALEN - 1. The server cuts what is longer without an error, so it must never get that far (docs: 4.1.1 Identifiers). */
const MAX_NAME_BYTES = 63;

// Control characters and lone surrogates: NUL cannot be sent at all, the others only ever hide something in a log or a psql prompt.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** What CREATE ROLE refuses however it is quoted (docs: CREATE ROLE; 22.5 Predefined Roles; parser RoleSpec). */
const RESERVED = new Set(['public', 'none']);

/**
 * Role names: lower case, so that nobody has to quote them in SQL; at most 63 bytes of UTF-8. Reserved names are not
 * cleaned away here, because a prefix may make them good: `checkedRoleName` decides.
 */
export const roleNames: NameRules = {
  maxLength: MAX_NAME_BYTES,
  lengthUnit: 'bytes',
  clean: (name) =>
    cutToBytes(name.normalize('NFC').toLowerCase().replace(UNPRINTABLE, '').trim(), MAX_NAME_BYTES).trim(),
};

/** Cuts to at most `maxBytes` of UTF-8 without splitting a character. */
export function cutToBytes(text: string, maxBytes: number): string {
  let bytes = 0;
  let end = 0;
  for (const char of text) {
    bytes += Buffer.byteLength(char);
    if (bytes > maxBytes) break;
    end += char.length;
  }
  return text.slice(0, end);
}

/** The full role name for `name`, or a Rejected that says what is wrong with it. Idempotent: a prefix is not put twice. */
export function checkedRoleName(name: string, prefix = ''): string {
  const full = name.startsWith(prefix) ? name : prefix + name;
  if (full === '') throw new Rejected('The role name is empty.', { code: 'name-empty' });
  if (Buffer.byteLength(full) > MAX_NAME_BYTES) {
    throw new Rejected(`A role name has at most ${MAX_NAME_BYTES} bytes; this one is longer.`, {
      code: 'name-too-long',
    });
  }
  if (full.search(UNPRINTABLE) >= 0) {
    throw new Rejected('The role name holds characters that cannot be printed.', { code: 'name-characters' });
  }
  if (full.startsWith('pg_') || RESERVED.has(full)) {
    throw new Rejected(`PostgreSQL keeps the name "${full}" for itself; use a prefix or another name format.`, {
      code: 'name-reserved',
    });
  }
  return full;
}
