/**
 * A name as it stands in a DN (RFC 4514 2.4). Special characters become hexadecimal pairs, never `\,`: the client takes a new
 * name apart at its commas.
 */
export function escapeRdnValue(value: string): string {
  const inside = value.replace(/[",+;<>=\\]/g, hex);
  return inside.replace(/^[ #]/, hex).replace(/ $/, hex);
}

/** E.g. `uid=ada,ou=people,dc=example,dc=org`. */
export function dnUnder(base: string, attribute: string, value: string): string {
  return `${attribute}=${escapeRdnValue(value)},${base}`;
}

/** The DN without its first part: where the entry is. An administrator may have moved it into a folder below ours. */
export function parentOf(dn: string): string {
  return dn.replace(/^(?:\\.|[^\\,])+,/s, '');
}

/** For comparing DNs that the same directory wrote: it always escapes in the same way. */
export function foldDn(dn: string): string {
  return dn.toLowerCase();
}

function hex(character: string): string {
  return `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
