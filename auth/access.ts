/**
 * What an access list (ACL) allows, in wazo's words: `service.resource.id.action`; `*` is one word or a part of one, `#` any
 * depth, `!` before an entry takes away and always wins. The words `me`, `my_session` and `edit` stand for the caller's own
 * id, for their session, and for `edit` as well as `update`.
 */
export interface AccessCheck {
  /** True when the permission is allowed; a route that requires none (undefined) is always allowed. */
  allows(required: string | undefined): boolean;
}

/** Whom `me` and `my_session` mean. Absent: only the words themselves. */
export interface Caller {
  readonly me?: string | undefined;
  readonly session?: string | undefined;
}

/** Longest entry of an access list, in characters. */
export const MAX_ACCESS_LENGTH = 255;

/** What one entry may look like: no blanks, no control characters. */
export const ACCESS_PATTERN = /^!?[^\s\p{C}!][^\s\p{C}]*$/u;

/** Reads the list once; asking is cheap and takes time in proportion to the texts, whatever the entries are. */
export function accessOf(acl: readonly string[], caller: Caller = {}): AccessCheck {
  const granted = acl.filter((entry) => !entry.startsWith('!')).map((entry) => readEntry(entry, caller));
  const denied = acl.filter((entry) => entry.startsWith('!')).map((entry) => readEntry(entry.slice(1), caller));
  return {
    allows: (required) => {
      if (required === undefined) return true;
      if (denied.some((entry) => matches(entry, required))) return false;
      return granted.some((entry) => matches(entry, required));
    },
  };
}

/** A value as it stands in a permission: it must stay one word, and must not read as a wildcard. */
export function accessWord(value: string): string {
  return value.replace(/[.#*!\s]/gu, '_');
}

type Token =
  | { readonly kind: 'text'; readonly anyOf: readonly string[] }
  /** `*`: no point, no `#`; `#`: whatever. */
  | { readonly kind: 'word' | 'deep' };

function readEntry(entry: string, caller: Caller): readonly Token[] {
  return entry.split('.').flatMap((word, index) => {
    const point: readonly Token[] = index === 0 ? [] : [{ kind: 'text', anyOf: ['.'] }];
    return [...point, ...readWord(word, caller)];
  });
}

function readWord(word: string, caller: Caller): readonly Token[] {
  if (word === 'edit') return [{ kind: 'text', anyOf: ['edit', 'update'] }];
  if (word === 'me') return [{ kind: 'text', anyOf: ['me', ...listed(caller.me)] }];
  if (word === 'my_session') return [{ kind: 'text', anyOf: ['my_session', ...listed(caller.session)] }];
  return word
    .split(/([*#])/)
    .filter((part) => part !== '')
    .map((part): Token => {
      if (part === '*') return { kind: 'word' };
      return part === '#' ? { kind: 'deep' } : { kind: 'text', anyOf: [part] };
    });
}

function listed(id: string | undefined): readonly string[] {
  return id === undefined || id === '' ? [] : [id];
}

/** Follows all ways through the entry at once: a backtracking search could be made to run for ever. */
function matches(entry: readonly Token[], text: string): boolean {
  let ends: ReadonlySet<number> = new Set([0]);
  for (const token of entry) {
    ends = token.kind === 'text' ? afterText(ends, token.anyOf, text) : afterWildcard(ends, token.kind, text);
    if (ends.size === 0) return false;
  }
  return ends.has(text.length);
}

function afterText(starts: ReadonlySet<number>, anyOf: readonly string[], text: string): ReadonlySet<number> {
  const ends = new Set<number>();
  for (const start of starts) {
    for (const part of anyOf) if (text.startsWith(part, start)) ends.add(start + part.length);
  }
  return ends;
}

function afterWildcard(starts: ReadonlySet<number>, kind: 'word' | 'deep', text: string): ReadonlySet<number> {
  const ends = new Set<number>();
  for (const start of starts) {
    for (let end = start; end <= text.length && !ends.has(end); end += 1) {
      ends.add(end);
      if (kind === 'word' && (text[end] === '.' || text[end] === '#')) break;
    }
  }
  return ends;
}
