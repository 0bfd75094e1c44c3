import { accessOf } from './access';
import type { Caller } from './access';

/** What somebody holds, as far as it bounds what they may hand on. */
export interface Held {
  readonly acl: readonly string[];
  readonly caller: Caller;
}

/**
 * Entries of `wanted` that the holder may not hand on, because they allow something that the holder may not do. Empty = all
 * may be handed on. Taking away (`!`) may always be handed on. Stricter than wazo in one point: who is denied something may
 * hand on what contains it only together with the denial.
 */
export function notGrantable(held: Held, wanted: readonly string[]): readonly string[] {
  const denials = held.acl.filter((entry) => entry.startsWith('!')).map((entry) => entry.slice(1));
  const denied = wanted.filter((entry) => entry.startsWith('!')).map((entry) => entry.slice(1));
  const kept = accessOf(denied, held.caller);
  const open = denials.filter((denial) => !variants(denial).every((variant) => kept.allows(variant)));
  return wanted.filter((entry) => !entry.startsWith('!') && !isGrantable(held, entry, open));
}

function isGrantable(held: Held, entry: string, denials: readonly string[]): boolean {
  const check = accessOf(
    held.acl.filter((one) => !one.startsWith('!')),
    { me: ANYBODY, session: ANYBODY },
  );
  const own = accessOf(
    held.acl.filter((one) => !one.startsWith('!')),
    held.caller,
  );
  const isHeld = variants(entry).every((variant) => check.allows(variant) || own.allows(variant));
  const ids = [held.caller.me, held.caller.session].filter((id) => id !== undefined);
  return isHeld && !denials.some((denial) => overlap(variants(denial, ids), variants(entry, ids)));
}

/** In the place of `me`: a word that no entry names, so that only `me` itself or a wildcard covers it. */
const ANYBODY = '\u0001anybody\u0001';

/** What an entry can stand for: its reserved words replaced by each thing they mean. Wildcards stay as they are. */
function variants(entry: string, ids: readonly string[] = []): readonly string[] {
  return entry
    .split('.')
    .reduce<readonly string[]>(
      (heads, word, index) =>
        heads.flatMap((head) => meanings(word, ids).map((meaning) => (index === 0 ? meaning : `${head}.${meaning}`))),
      [''],
    );
}

function meanings(word: string, ids: readonly string[]): readonly string[] {
  if (word === 'edit') return ['edit', 'update'];
  return word === 'me' || word === 'my_session' ? [word, ANYBODY, ...ids] : [word];
}

function overlap(left: readonly string[], right: readonly string[]): boolean {
  return left.some((a) => right.some((b) => intersects(a, b)));
}

/** Is there a text that both entries match? Walks both at once; a pair of places is visited once. */
function intersects(a: string, b: string): boolean {
  const seen = new Set<number>();
  const open: (readonly [number, number])[] = [[0, 0]];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const [i, j] = place;
    if (i > a.length || j > b.length || seen.has(i * (b.length + 1) + j)) continue;
    seen.add(i * (b.length + 1) + j);
    if (i === a.length && j === b.length) return true;
    open.push(...steps(a, b, place));
  }
  return false;
}

function steps(a: string, b: string, [i, j]: readonly [number, number]): readonly (readonly [number, number])[] {
  const [left, right] = [a[i] ?? '', b[j] ?? ''];
  const skips: (readonly [number, number])[] = [];
  if (isWildcard(left)) skips.push([i + 1, j]);
  if (isWildcard(right)) skips.push([i, j + 1]);
  if (!shareCharacter(left, right)) return skips;
  return [...skips, [isWildcard(left) ? i : i + 1, isWildcard(right) ? j : j + 1]];
}

function isWildcard(text: string): boolean {
  return text === '*' || text === '#';
}

function shareCharacter(left: string, right: string): boolean {
  if (left === '' || right === '') return false;
  // Two wildcards consume together only where a character of the other side would follow: skipping them finds that too.
  if (isWildcard(left) && isWildcard(right)) return false;
  if (isWildcard(left)) return left === '#' || right !== '.';
  if (isWildcard(right)) return right === '#' || left !== '.';
  return left === right;
}
