import { Problem } from './problem';
import type { ErrorItem } from '../store/errors';

/** Deeper nesting than this is an attack or a mistake: no body of ours needs it. */
const MAX_DEPTH = 64;

/**
 * Reads a JSON text strictly: UTF-8, one value, every key once per object, nothing PostgreSQL cannot hold.
 * @throws Problem malformed-json, duplicate-key, invalid-body
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  const value = parse(text);
  checkStructure(text);
  const errors: ErrorItem[] = [];
  findUnstorable(value, '', errors);
  if (errors.length > 0)
    throw new Problem('invalid-body', 'Some texts hold characters that cannot be stored.', { errors });
  return value;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Problem('malformed-json', 'The body is not UTF-8.', { cause: error });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    // The engine's message may quote the body, and the body may hold a password: only the place is told.
    const at = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    throw new Problem(
      'malformed-json',
      at === undefined ? 'The body is not JSON.' : `The body is not JSON: see character ${at}.`,
    );
  }
}

/** A reviver cannot see that a key stood twice (the last one wins silently), so the text itself is looked at. */
function checkStructure(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  let expectsKey = false;
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index];
    if (char === '"') {
      const end = endOfString(text, index);
      if (expectsKey) addKey(open.at(-1), text.slice(index, end + 1));
      expectsKey = false;
      index = end;
    } else if (char === '{' || char === '[') {
      open.push(char === '{' ? new Set() : undefined);
      if (open.length > MAX_DEPTH) throw new Problem('malformed-json', `The body is nested deeper than ${MAX_DEPTH}.`);
      expectsKey = char === '{';
    } else if (char === '}' || char === ']') {
      open.pop();
      expectsKey = false;
    } else if (char === ',') {
      expectsKey = open.at(-1) !== undefined;
    }
  }
}

function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (text[index] !== '"') index += text[index] === '\\' ? 2 : 1;
  return index;
}

function addKey(keys: Set<string> | undefined, quoted: string): void {
  const key = JSON.parse(quoted) as string;
  const shown = JSON.stringify(key.slice(0, 100));
  if (keys?.has(key) === true) throw new Problem('duplicate-key', `The key ${shown} stands twice in one object.`);
  if (key === '__proto__') throw new Problem('invalid-body', 'The key "__proto__" is not taken.');
  keys?.add(key);
}

/** NUL has no place in PostgreSQL's text, and a lone surrogate would silently become another character. */
const UNSTORABLE = /[\0\p{Cs}]/u;

function findUnstorable(value: unknown, pointer: string, errors: ErrorItem[]): void {
  if (typeof value === 'string') {
    if (UNSTORABLE.test(value)) errors.push({ pointer, detail: 'holds a NUL character or a lone surrogate' });
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    const place = `${pointer}/${key.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (UNSTORABLE.test(key)) errors.push({ pointer, detail: 'has a key with a NUL character or a lone surrogate' });
    findUnstorable(item, place, errors);
  }
}
