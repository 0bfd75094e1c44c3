/** DNs and names are the same in any case, and with or without blanks after commas. */
export function spelled(name: string): string {
  return name.toLowerCase().replace(/\s*,\s*/g, ',');
}

/** The value of the first part of a group's DN, where that is its common name. */
export function commonName(groupDn: string): string {
  const value = /^cn=((?:[^,\\]|\\.)*)/i.exec(groupDn)?.[1] ?? '';
  return value.replace(/\\(.)/g, '$1').toLowerCase();
}

/** Does the configuration mean this group, by DN or common name? */
export function sameName(groupDn: string, name: string): boolean {
  return [spelled(groupDn), commonName(groupDn)].includes(spelled(name));
}
