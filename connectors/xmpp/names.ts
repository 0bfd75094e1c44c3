import type { NameRules } from '@muster/sdk';

/** What XEP-0106 allows in a local part by an escape: https://xmpp.org/extensions/xep-0106.html */
const ESCAPES: Readonly<Record<string, string>> = {
  ' ': '\\20',
  '"': '\\22',
  '&': '\\26',
  "'": '\\27',
  '/': '\\2f',
  ':': '\\3a',
  '<': '\\3c',
  '>': '\\3e',
  '@': '\\40',
  '\\': '\\5c',
};
const UNESCAPES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(ESCAPES).map(([character, escape]) => [escape, character]),
);

/**
 * Names of accounts. The server folds case and normal form (nodeprep, RFC 6122 appendix A) and knows the characters of Unicode 3.2, so
 * pictures go.
 */
export const accountNames: NameRules = { maxLength: 100, lengthUnit: 'bytes', clean: (name) => folded(visible(name)) };

/** A group's label, as people see it above their contacts. */
export const groupLabels: NameRules = { maxLength: 100, clean: visible };

/** The local part of the JID: `o'brien` becomes `o\27brien`. */
export function toLocalPart(name: string): string {
  // A backslash alone stays; one that would look like the beginning of an escape does not.
  return name.replace(/["&'/:<>@ ]|\\(?=20|22|26|27|2f|3a|3c|3e|40|5c)/g, (character) => ESCAPES[character] ?? '');
}

/** The name that a local part stands for. */
export function fromLocalPart(localPart: string): string {
  return localPart.replace(/\\(?:20|22|26|27|2f|3a|3c|3e|40|5c)/g, (escape) => UNESCAPES[escape] ?? escape);
}

function visible(name: string): string {
  const seen = name.replace(/[\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Extended_Pictographic}\u{1F1E6}-\u{1F1FF}]/gu, (character) =>
    /[#*\d]/.test(character) ? character : '',
  );
  return seen
    .normalize('NFKC')
    .replace(/[\p{Cc}\p{Z}]+/gu, ' ')
    .trim();
}

/** As the server compares: ß is ss, and all sigmas are one. */
function folded(name: string): string {
  return visible(name.toUpperCase().toLowerCase().replaceAll('ς', 'σ'));
}
