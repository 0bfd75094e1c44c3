import { MAX_ITEM_LENGTH } from './items';
import type { RosterItem, RosterParser } from './items';
import { readYaml } from './yaml-text';

const SECTION = /^(users|groups):[ \t]*(?:#.*)?$/;
const SECTIONS: Readonly<Record<string, 'user' | 'group'>> = { users: 'user', groups: 'group' };
const ITEM = /^( *)-(?:[ \t]|$)/;

/**
 * YAML, read as a stream: `users:` and `groups:` with one `- ` item per person, or a list of such items alone. Whatever
 * belongs to an item is indented deeper than its dash, so that items can be parted by their lines; each is then parsed by
 * itself (a whole document costs 60 times its size in memory). Anchors hold within one item. Lists in brackets are
 * read too, up to 1 MiB.
 */
export class YamlRoster implements RosterParser {
  isBroken = false;
  #line = 0;
  #rest = '';
  #keys = new Set<string>();
  #section: 'user' | 'group' | undefined;
  #indent: number | undefined;
  #isFlow = false;
  #begunOn = 1;
  /** Lines of the item or of the entry that is being collected. */
  #lines: string[] = [];
  #length = 0;
  #items: RosterItem[] = [];

  push(text: string): readonly RosterItem[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
    if (this.#rest.length > MAX_ITEM_LENGTH) this.#break('has a line of more than 1 MiB');
    return this.#taken();
  }

  end(): readonly RosterItem[] {
    if (this.isBroken) return this.#taken();
    this.#take(this.#rest);
    this.#finish();
    if (!this.isBroken && !this.#keys.has('users'))
      this.#problem(1, 'must be "users:" with a list, or a list of users');
    return this.#taken();
  }

  #taken(): readonly RosterItem[] {
    const taken = this.#items;
    this.#items = [];
    return taken;
  }

  #take(raw: string): void {
    if (this.isBroken) return;
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    this.#line += 1;
    if (this.#isFlow || /^[ \t]*(#|$)/.test(line)) return this.#collect(line);
    const item = ITEM.exec(line);
    if (item !== null && this.#beginsItem((item[1] ?? '').length)) return this.#begin(line);
    if (line.startsWith(' ') || line.startsWith('\t') || item !== null) return this.#collect(line);
    return this.#topLevel(line);
  }

  /** A dash begins an item of the open list; the first one says how deep the list is indented. */
  #beginsItem(indent: number): boolean {
    if (this.#section === undefined && this.#keys.size === 0 && this.#lines.every(isBlank)) {
      this.#keys.add('users');
      this.#section = 'user';
    }
    if (this.#section === undefined) return false;
    this.#indent ??= indent;
    return indent === this.#indent;
  }

  #topLevel(line: string): void {
    if (line === '---' && this.#keys.size === 0 && this.#lines.every(isBlank)) return this.#collect('');
    this.#finish();
    this.#indent = undefined;
    this.#isFlow = line.startsWith('{') || line.startsWith('[');
    const key = this.#isFlow ? 'users' : (/^["']?([^"':]+)/.exec(line)?.[1] ?? '');
    if (this.#keys.has(key)) this.#problem(this.#line, `has the key "${key.slice(0, 60)}" twice`);
    this.#keys.add(key);
    this.#section = SECTIONS[SECTION.exec(line)?.[1] ?? ''];
    if (this.#section === undefined) this.#begin(line);
  }

  #begin(line: string): void {
    if (this.#section !== undefined) this.#finish();
    this.#begunOn = this.#line;
    this.#collect(line);
  }

  #collect(line: string): void {
    if (this.#lines.length === 0) this.#begunOn = this.#line;
    this.#lines.push(line);
    this.#length += line.length + 1;
    if (this.#length > MAX_ITEM_LENGTH)
      this.#break('begins something of more than 1 MiB: put every person into an item of its own ("- "), or send JSON');
  }

  #finish(): void {
    const lines = this.#lines;
    this.#lines = [];
    this.#length = 0;
    if (lines.every(isBlank)) return;
    this.#items.push(...readYaml(lines.join('\n'), { firstLine: this.#begunOn, section: this.#section }));
  }

  #problem(line: number, detail: string): void {
    this.#items.push({ kind: 'problem', line, detail });
  }

  #break(detail: string): void {
    this.#problem(this.#begunOn, detail);
    this.isBroken = true;
  }
}

function isBlank(line: string): boolean {
  return /^[ \t]*(#|$)/.test(line);
}
