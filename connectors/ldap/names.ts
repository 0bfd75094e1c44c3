import { Rejected } from '@muster/sdk';
import type { NameRules } from '@muster/sdk';

/**
 * Names in a directory: matching ignores case and runs of spaces (RFC 4518), so names that differ only there would be taken
 * for one. OpenLDAP keeps the name twice in 511 bytes, which bounds its length.
 */
export const entryNames: NameRules = {
  maxLength: 100,
  lengthUnit: 'bytes',
  clean: (name) => plain(plain(name).toLowerCase()),
};

/** Group names keep their case: people read them. */
export const groupNames: NameRules = { maxLength: 100, lengthUnit: 'bytes', clean: plain };

/**
 * `sAMAccountName` of a person: at most 20 characters, and none of the listed ones.
 * https://learn.microsoft.com/en-us/windows/win32/adschema/a-samaccountname
 */
export const windowsNames: NameRules = {
  maxLength: 20,
  clean: (name) =>
    windowsPlain(windowsPlain(name).toLowerCase())
      .replaceAll(' ', '.')
      .replace(/\.{2,}/g, '.')
      .replace(/^\.|\.$/g, ''),
};

/** A group's name is its `cn`, 64 characters, and its `sAMAccountName`. */
export const windowsGroupNames: NameRules = {
  maxLength: 64,
  clean: (name) => windowsPlain(name).replace(/[. ]+$/, ''),
};

/** Throws Rejected for a name that would not be stored as it is. */
export function requireName(name: string, rules: NameRules): void {
  const length = rules.lengthUnit === 'bytes' ? Buffer.byteLength(name) : Array.from(name).length;
  if (name === '' || length > rules.maxLength || rules.clean(name) !== name) {
    throw new Rejected('The directory would not keep this name as it is.', { code: 'name-characters' });
  }
}

/** As the directory compares it: nothing that is not seen, normal form KC, single spaces inside. */
function plain(name: string): string {
  const seen = name.replace(/[\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu, '').normalize('NFKC');
  return seen.replace(/[\p{Cc}\p{Z}]+/gu, ' ').trim();
}

/** The normal form may be made of characters that are not allowed (`⁇` is `??`), so they are taken out of it, not before. */
function windowsPlain(name: string): string {
  return plain(plain(name).replace(/["/\\[\]:;|=,+*?<>@]/g, ''));
}
