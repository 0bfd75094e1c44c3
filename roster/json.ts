import { MAX_ITEM_LENGTH } from './items';
import type { RosterItem, RosterParser } from './items';
import { JsonProblem, parseJsonValue } from './json-value';

/** Where the reader stands, outside of the things it collects. */
type Place =
  | 'top'
  | 'key or end'
  | 'key'
  | 'colon'
  | 'value'
  | 'after value'
  | 'element or end'
  | 'element'
  | 'after element'
  | 'end';

const LISTS: Readonly<Record<string, 'user' | 'group'>> = { users: 'user', groups: 'group' };

/** Where a punctuation mark leads from each place. */
const MOVES: Readonly<Partial<Record<Place, Readonly<Record<string, Place | 'end of list'>>>>> = {
  top: { '{': 'key or end', '[': 'element or end' },
  'key or end': { '}': 'end' },
  colon: { ':': 'value' },
  'after value': { ',': 'key', '}': 'end' },
  'element or end': { ']': 'end of list' },
  'after element': { ',': 'element', ']': 'end of list' },
};

/** What a key, a value or an element may begin with. */
const BEGINNINGS: Readonly<Partial<Record<Place, RegExp>>> = {
  key: /"/,
  'key or end': /"/,
  value: /[^,:\]}]/,
  element: /[^,:\]}]/,
  'element or end': /[^,:\]}]/,
};

/**
 * `{"users": [...], "groups": [...]}` or a list of users, read as a stream: only one person is held at a time. A person that
 * is not valid JSON inside its braces is reported and the next one read; where the frame around is broken, reading ends.
 */
export class JsonRoster implements RosterParser {
  isBroken = false;
  #place: Place = 'top';
  #inObject = false;
  #keys = new Set<string>();
  #key = '';
  #list: 'user' | 'group' = 'user';
  #line = 1;
  #collector: Collector | undefined;
  #items: RosterItem[] = [];

  push(text: string): readonly RosterItem[] {
    let at = 0;
    while (at < text.length && !this.isBroken)
      at = this.#collector === undefined ? this.#step(text, at) : this.#collect(text, at);
    return this.#taken();
  }

  end(): readonly RosterItem[] {
    if (this.isBroken) return this.#taken();
    if (this.#collector !== undefined) this.#break(this.#collector.line, 'begins a value that does not end');
    else if (this.#place === 'top') this.#break(1, 'is empty: a roster is {"users": [...]}');
    else if (this.#place !== 'end') this.#break(this.#line, 'ends too early: a closing bracket is missing');
    return this.#taken();
  }

  #taken(): readonly RosterItem[] {
    const taken = this.#items;
    this.#items = [];
    return taken;
  }

  #step(text: string, at: number): number {
    const character = text[at] ?? '';
    if (character === '\n') this.#line += 1;
    if (/[ \t\r\n]/.test(character)) return at + 1;
    if (this.#place === 'value' && character === '[' && Object.hasOwn(LISTS, this.#key)) {
      this.#list = LISTS[this.#key] ?? 'user';
      this.#place = 'element or end';
      return at + 1;
    }
    const next = MOVES[this.#place]?.[character];
    if (next !== undefined) {
      this.#move(next, character);
      return at + 1;
    }
    if (BEGINNINGS[this.#place]?.test(character) !== true) return this.#lost(character, at);
    this.#collector = new Collector(this.#line);
    return at;
  }

  #move(next: Place | 'end of list', character: string): void {
    if (character === '{') this.#inObject = true;
    if (character === '}' && !this.#keys.has('users')) {
      this.#items.push({ kind: 'problem', line: this.#line, detail: 'lacks the key "users"' });
    }
    const afterList = this.#inObject ? 'after value' : 'end';
    this.#place = next === 'end of list' ? afterList : next;
  }

  #lost(character: string, at: number): number {
    if (this.#place === 'top')
      this.#break(
        this.#line,
        `begins with ${JSON.stringify(character)}: a roster is {"users": [...]} or a list of users`,
      );
    else if (this.#place === 'end') this.#break(this.#line, 'goes on after the end of the roster');
    else this.#break(this.#line, `is not valid JSON: unexpected ${JSON.stringify(character)}`);
    return at;
  }

  #collect(text: string, at: number): number {
    const collector = this.#collector;
    if (collector === undefined) return at;
    const end = collector.take(text, at);
    this.#line += collector.newLines;
    if (collector.length > MAX_ITEM_LENGTH)
      this.#break(collector.line, 'begins a value of more than 1 MiB; is a quote missing?');
    else if (collector.isWhole) {
      this.#collector = undefined;
      this.#whole(collector);
    }
    return end;
  }

  #whole(collector: Collector): void {
    const isElement = this.#place === 'element' || this.#place === 'element or end';
    const isKey = this.#place === 'key' || this.#place === 'key or end';
    try {
      const value = parseJsonValue(collector.text);
      if (isElement) this.#items.push({ kind: this.#list, line: collector.line, value });
      else if (isKey) this.#takeKey(typeof value === 'string' ? value : '', collector.line);
      else this.#takeValue(collector.line);
    } catch (error) {
      if (!(error instanceof JsonProblem)) throw error;
      const line = collector.line + error.lineOffset;
      this.#items.push({
        kind: 'problem',
        line,
        detail: error.message,
        ...(isElement && this.#list === 'user' ? { of: 'user' as const } : {}),
      });
    }
    if (isElement) this.#place = 'after element';
    else this.#place = isKey ? 'colon' : 'after value';
  }

  #takeKey(key: string, line: number): void {
    if (this.#keys.has(key))
      this.#items.push({ kind: 'problem', line, detail: `has the key "${key.slice(0, 60)}" twice` });
    else if (!Object.hasOwn(LISTS, key)) {
      this.#items.push({
        kind: 'problem',
        line,
        detail: `has the unknown key "${key.slice(0, 60)}"; a roster has users and groups`,
      });
    }
    this.#keys.add(key);
    this.#key = key;
  }

  /** A list of users or groups never comes here; other keys were already reported. */
  #takeValue(line: number): void {
    if (Object.hasOwn(LISTS, this.#key))
      this.#items.push({ kind: 'problem', line, detail: `"${this.#key}" must be a list` });
  }

  #break(line: number, detail: string): void {
    this.#items.push({ kind: 'problem', line, detail });
    this.isBroken = true;
  }
}

/** Finds the end of one value by brackets and quotes alone; whether it is valid is asked afterwards. */
class Collector {
  newLines = 0;
  isWhole = false;
  length = 0;
  #parts: string[] = [];
  #depth = 0;
  #inString = false;
  #isEscaped = false;

  constructor(readonly line: number) {}

  get text(): string {
    return this.#parts.join('');
  }

  /** Answers where it stopped: behind the value, or at the end of the text. */
  take(text: string, from: number): number {
    this.newLines = 0;
    let at = from;
    while (at < text.length && !this.isWhole) {
      const character = text.charCodeAt(at);
      if (character === 0x0a) this.newLines += 1;
      if (this.#inString) this.#inside(character);
      else if (this.#depth === 0 && isDelimiter(character)) break;
      else this.#outside(character);
      at += 1;
    }
    if (at < text.length) this.isWhole = true;
    this.#parts.push(text.slice(from, at));
    this.length += at - from;
    return at;
  }

  #inside(character: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (character === 0x5c) this.#isEscaped = true;
    else if (character === 0x22) this.#closed(false);
  }

  #outside(character: number): void {
    if (character === 0x22) this.#inString = true;
    else if (character === 0x7b || character === 0x5b) this.#depth += 1;
    else if (character === 0x7d || character === 0x5d) {
      this.#depth -= 1;
      this.#closed(true);
    }
  }

  #closed(isBracket: boolean): void {
    if (!isBracket) this.#inString = false;
    if (this.#depth <= 0) this.isWhole = true;
  }
}

/** Ends a number or a word that stands by itself: comma, colon, closing bracket or blank. */
function isDelimiter(character: number): boolean {
  return character === 0x2c || character === 0x3a || character === 0x5d || character === 0x7d || character <= 0x20;
}
