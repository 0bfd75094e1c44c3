/** Our key as it stands in an attribute of the entry. */
export function accountKeyText({ owner, userId }: { readonly owner: string; readonly userId: string }): string {
  return `muster:${owner}:user:${userId}`;
}

export function groupKeyText({ owner, key }: { readonly owner: string; readonly key: string }): string {
  return `muster:${owner}:group:${key}`;
}

export interface ParsedKey {
  readonly owner: string;
  readonly kind: 'user' | 'group';
  readonly id: string;
}

/** The first of the attribute's values that is a key of some Muster; others may keep texts of their own there. */
export function parseKey(values: readonly string[]): ParsedKey | undefined {
  for (const value of values) {
    const [, owner, kind, id] = /^muster:(.+):(user|group):([^:]+)$/.exec(value) ?? [];
    if (owner !== undefined && id !== undefined && (kind === 'user' || kind === 'group')) return { owner, kind, id };
  }
  return undefined;
}
