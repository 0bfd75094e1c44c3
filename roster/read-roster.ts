import { TextDecoder } from 'node:util';
import { checkName, kindOf, shortened } from '../domain/organisation-rules';
import type { RosterMode, RosterUser } from '../domain/roster';
import { CsvRoster } from './csv';
import type { RosterFormat, RosterItem, RosterParser } from './items';
import { JsonRoster } from './json';
import { NdjsonRoster } from './ndjson';
import { checkPerson } from './person';
import type { PersonRules } from './person';
import { RosterSpool } from './spool';
import { YamlRoster } from './yaml';

export interface RosterSource {
  /** The bytes of the file as they arrive. */
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly format: RosterFormat;
  readonly mode: RosterMode;
  /** Names of the states that exist. */
  readonly states: readonly string[];
}

/** One thing that is wrong, and where. */
export interface RosterProblem {
  /** Line of the file, from 1. */
  readonly line: number;
  /** E.g. `users[11].email: must be an e-mail address`. */
  readonly detail: string;
}

export interface ReadRoster {
  /** How many people the file names. */
  readonly users: number;
  /** Names from the file's own list of groups. */
  readonly groups: readonly string[];
  /** What is wrong, in the order of the file; the first 10,000. Empty: the roster may be imported. */
  readonly problems: readonly RosterProblem[];
  /** All that is wrong, also beyond the list. */
  readonly problemCount: number;
  /** The people; only complete when there is no problem. Close it in any case. */
  readonly spool: RosterSpool;
}

/** More are counted but not listed: a file of the wrong kind must not fill the memory. */
const MAX_PROBLEMS = 10_000;

const BATCH = 1_000;

/**
 * Reads and checks a whole roster as a stream, and changes nothing. Every bad line is reported, not only the first. Throws
 * only what the source throws.
 */
export async function readRoster(source: RosterSource): Promise<ReadRoster> {
  const reader = new RosterReader(source);
  try {
    await reader.read(source.chunks);
  } catch (error) {
    await reader.spool.close();
    throw error;
  }
  return reader.result();
}

class RosterReader {
  readonly spool = new RosterSpool();
  readonly #parser: RosterParser;
  readonly #rules: PersonRules;
  readonly #usernames = new Map<string, number>();
  readonly #externalIds = new Map<string, number>();
  readonly #groups = new Map<string, string>();
  readonly #problems: RosterProblem[] = [];
  #problemCount = 0;
  #users = 0;
  #isNotText = false;
  #batch: RosterUser[] = [];

  constructor(source: RosterSource) {
    this.#parser = parserOf(source.format);
    this.#rules = {
      states: new Map(source.states.map((name) => [name.toLowerCase(), name])),
      isDefaulted: (field) => isDefaulted(source.mode, this.#parser.columns, field),
    };
  }

  async read(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    let line = 1;
    for await (const chunk of chunks) {
      const text = decode(decoder, chunk);
      // The rest of a broken file is still read, so that the sender can finish and hear why.
      if (this.#parser.isBroken || this.#isNotText) continue;
      if (text === undefined) this.#notText(line, 'the roster is not UTF-8 text (on this line or soon after it)');
      else await this.#takeAll(this.#parser.push(text));
      line += (text ?? '').split('\n').length - 1;
    }
    if (decode(decoder, undefined) === undefined)
      this.#notText(line, 'the roster ends in the middle of a UTF-8 character');
    if (this.#isNotText) return;
    await this.#takeAll(this.#parser.end());
    if (this.#batch.length > 0) await this.spool.add(this.#batch);
  }

  result(): ReadRoster {
    return {
      users: this.#users,
      groups: [...this.#groups.values()],
      problems: [...this.#problems].sort((a, b) => a.line - b.line),
      problemCount: this.#problemCount,
      spool: this.spool,
    };
  }

  async #takeAll(items: readonly RosterItem[]): Promise<void> {
    for (const item of items) {
      this.#take(item);
      if (this.#batch.length < BATCH) continue;
      await this.spool.add(this.#batch);
      this.#batch = [];
    }
  }

  #take(item: RosterItem): void {
    if (item.kind === 'group') return this.#takeGroup(item.value, item.line);
    const index = this.#users;
    const isUser = item.kind === 'user' || item.of === 'user';
    if (isUser) this.#users += 1;
    if (item.kind === 'problem')
      return this.#report(item.line, isUser ? `users[${index}]: ${item.detail}` : `the roster ${item.detail}`);
    const checked = checkPerson(item.value, item.line, this.#rules);
    if ('user' in checked) return this.#takeUser(checked.user, index);
    for (const { field, detail } of checked.problems) {
      this.#report(item.line, `users[${index}]${field === undefined ? '' : `.${field}`}: ${detail}`);
    }
  }

  #takeUser(user: RosterUser, index: number): void {
    const at = `users[${index}]`;
    this.#unique(this.#usernames, {
      key: user.username.toLowerCase(),
      shown: user.username,
      line: user.line,
      at: `${at}.username`,
    });
    if (user.externalId !== undefined) {
      this.#unique(this.#externalIds, {
        key: user.externalId,
        shown: user.externalId,
        line: user.line,
        at: `${at}.externalId`,
      });
    }
    // Once something is wrong nothing will be imported: there is no use in keeping the people.
    if (this.#problemCount === 0) this.#batch.push(user);
  }

  #unique(
    seen: Map<string, number>,
    entry: { readonly key: string; readonly shown: string; readonly line: number; readonly at: string },
  ): void {
    const first = seen.get(entry.key);
    if (first === undefined) seen.set(entry.key, entry.line);
    else this.#report(entry.line, `${entry.at}: "${shortened(entry.shown)}" stands already on line ${first}`);
  }

  #takeGroup(value: unknown, line: number): void {
    const given = value instanceof Map ? (value as ReadonlyMap<string, unknown>).get('name') : value;
    const unknownKey = value instanceof Map ? [...value.keys()].find((key) => key !== 'name') : undefined;
    if (unknownKey !== undefined)
      this.#report(line, `groups: a group has the unknown key "${shortened(String(unknownKey))}"`);
    if (!(value instanceof Map) && typeof value !== 'string')
      return this.#report(line, `groups: a group is {name: ...}, not ${kindOf(value)}`);
    const name = checkName(given);
    if (!name.ok) return this.#report(line, `groups: the name of a group ${name.problem}`);
    const key = name.value.toLowerCase();
    if (this.#groups.has(key)) return this.#report(line, `groups: "${shortened(name.value)}" stands twice`);
    this.#groups.set(key, name.value);
  }

  #notText(line: number, detail: string): void {
    if (!this.#isNotText) this.#report(line, detail);
    this.#isNotText = true;
  }

  #report(line: number, detail: string): void {
    this.#problemCount += 1;
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push({ line, detail });
  }
}

/**
 * In a merge what is absent stays as it is. A whole roster says everything: absent is the default; but a column that a CSV
 * file does not have at all is unknown, and unknown is not "none". `active` is the exception: to be in the file is to be active.
 */
function isDefaulted(mode: RosterMode, columns: ReadonlySet<string> | undefined, field: string): boolean {
  if (mode === 'merge') return false;
  return columns === undefined || field === 'active' || columns.has(field);
}

function parserOf(format: RosterFormat): RosterParser {
  if (format === 'csv') return new CsvRoster();
  if (format === 'yaml') return new YamlRoster();
  return format === 'ndjson' ? new NdjsonRoster() : new JsonRoster();
}

function decode(decoder: TextDecoder, chunk: Uint8Array | undefined): string | undefined {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    return undefined;
  }
}
