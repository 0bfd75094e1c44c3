/**
 * Strict JSON of one value, with what `JSON.parse` does not tell: keys that stand twice, and the line of a mistake.
 * Objects become maps, so no key (`__proto__`) has a meaning of its own.
 */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | ReadonlyMap<string, JsonValue>;

/** What is wrong, and on which line counted from the first line of the text (0 = the same line). */
export class JsonProblem extends Error {
  override readonly name = 'JsonProblem';

  constructor(
    message: string,
    readonly lineOffset: number,
  ) {
    super(message);
  }
}

const MAX_DEPTH = 16;
const BLANKS = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const WORDS: Readonly<Record<string, JsonValue>> = { true: true, false: false, null: null };

/** Parses one JSON value that fills the text. @throws JsonProblem */
export function parseJsonValue(text: string): JsonValue {
  const reader = new ValueReader(text);
  const value = reader.value(0);
  reader.blanks();
  if (!reader.atEnd) throw reader.problem('has text after the value');
  return value;
}

class ValueReader {
  #at = 0;

  constructor(private readonly text: string) {}

  get atEnd(): boolean {
    return this.#at >= this.text.length;
  }

  problem(message: string): JsonProblem {
    return new JsonProblem(message, this.text.slice(0, this.#at).split('\n').length - 1);
  }

  blanks(): void {
    this.#match(BLANKS);
  }

  value(depth: number): JsonValue {
    this.blanks();
    if (depth > MAX_DEPTH) throw this.problem(`is nested more than ${MAX_DEPTH} deep`);
    const first = this.text[this.#at];
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#array(depth);
    if (first === '"') return this.#string();
    const word = this.#match(WORD);
    if (word !== undefined) return WORDS[word] ?? null;
    const number = this.#match(NUMBER);
    if (number === undefined) throw this.problem(this.atEnd ? 'ends too early' : 'is not valid JSON');
    return Number(number);
  }

  #object(depth: number): JsonValue {
    const entries = new Map<string, JsonValue>();
    this.#at += 1;
    if (this.#skip('}')) return entries;
    do {
      this.blanks();
      const key = this.#string();
      if (entries.has(key)) throw this.problem(`has the key "${key.slice(0, 60)}" twice`);
      if (!this.#skip(':')) throw this.problem('lacks a colon after a key');
      entries.set(key, this.value(depth + 1));
    } while (this.#skip(','));
    if (!this.#skip('}')) throw this.problem('lacks a comma or the end of an object');
    return entries;
  }

  #array(depth: number): JsonValue {
    const items: JsonValue[] = [];
    this.#at += 1;
    if (this.#skip(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.#skip(','));
    if (!this.#skip(']')) throw this.problem('lacks a comma or the end of a list');
    return items;
  }

  #string(): string {
    const token = this.#match(STRING);
    if (token === undefined) throw this.problem('lacks a string in double quotes, or has a bad character in one');
    return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
  }

  #skip(character: string): boolean {
    this.blanks();
    if (this.text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}
