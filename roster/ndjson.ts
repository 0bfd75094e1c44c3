import { MAX_ITEM_LENGTH } from './items';
import type { RosterItem, RosterParser } from './items';
import { JsonProblem, parseJsonValue } from './json-value';

/** One JSON object per line, each a person. Blank lines are fine. */
export class NdjsonRoster implements RosterParser {
  isBroken = false;
  #line = 1;
  #rest = '';

  push(text: string): readonly RosterItem[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const items = lines.flatMap((line) => this.#take(line));
    if (this.#rest.length <= MAX_ITEM_LENGTH) return items;
    this.isBroken = true;
    return [...items, { kind: 'problem', line: this.#line, detail: 'has a line of more than 1 MiB' }];
  }

  end(): readonly RosterItem[] {
    return this.isBroken ? [] : this.#take(this.#rest);
  }

  #take(text: string): readonly RosterItem[] {
    const line = this.#line;
    this.#line += 1;
    if (text.trim() === '') return [];
    try {
      return [{ kind: 'user', line, value: parseJsonValue(text) }];
    } catch (error) {
      if (!(error instanceof JsonProblem)) throw error;
      return [{ kind: 'problem', line, detail: error.message, of: 'user' }];
    }
  }
}
