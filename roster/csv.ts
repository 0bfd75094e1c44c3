import { MAX_ITEM_LENGTH } from './items';
import type { RosterItem, RosterParser } from './items';
import { JsonProblem, parseJsonValue } from './json-value';

const COLUMNS = new Set(['externalId', 'username', 'displayName', 'email', 'active', 'state', 'attributes', 'groups']);
const ATTRIBUTE_COLUMN = /^attributes\.(.+)$/u;
const YES = new Set(['true', 'yes', '1']);
const NO = new Set(['false', 'no', '0']);

type CellState = 'start' | 'plain' | 'quoted' | 'quote in quoted' | 'skip record';

/**
 * CSV as RFC 4180 has it: commas, double quotes (doubled inside), CRLF or LF. The first record names the columns; groups are
 * parted by `;`; `attributes` holds a JSON object, `attributes.<key>` one value. A bad record is reported and the next one read.
 */
export class CsvRoster implements RosterParser {
  isBroken = false;
  columns: ReadonlySet<string> | undefined;
  #header: readonly string[] | undefined;
  #line = 1;
  #recordLine = 1;
  #state: CellState = 'start';
  #cell = '';
  #record: string[] = [];
  #length = 0;
  #items: RosterItem[] = [];

  push(text: string): readonly RosterItem[] {
    for (const character of text) {
      if (this.isBroken) break;
      this.#take(character);
    }
    return this.#taken();
  }

  end(): readonly RosterItem[] {
    if (this.isBroken) return this.#taken();
    if (this.#state === 'quoted') this.#report('has a quoted cell that does not end');
    else this.#endRecord();
    if (this.#header === undefined && !this.isBroken)
      this.#break('has no header: the first line must name the columns');
    return this.#taken();
  }

  #taken(): readonly RosterItem[] {
    const taken = this.#items;
    this.#items = [];
    return taken;
  }

  #take(character: string): void {
    this.#length += 1;
    if (this.#length > MAX_ITEM_LENGTH) return this.#break('has a record of more than 1 MiB; is a quote missing?');
    if (character === '\n') this.#line += 1;
    if (this.#state === 'quoted') return this.#takeQuoted(character);
    if (character === '\n') return this.#endRecord();
    if (this.#state === 'skip record') return;
    if (character === ',') return this.#endCell();
    if (character === '"') return this.#takeQuote();
    if (this.#state === 'quote in quoted') {
      if (character !== '\r') this.#report('has text after the closing quote of a cell');
      return;
    }
    this.#state = 'plain';
    this.#cell += character;
  }

  #takeQuoted(character: string): void {
    if (character === '"') this.#state = 'quote in quoted';
    else this.#cell += character;
  }

  #takeQuote(): void {
    if (this.#state === 'plain') return this.#report('has a quote inside a cell that is not quoted');
    if (this.#state === 'quote in quoted') this.#cell += '"';
    this.#state = 'quoted';
  }

  #endCell(): void {
    this.#record.push(this.#cell);
    this.#cell = '';
    this.#state = 'start';
  }

  #endRecord(): void {
    const wasSkipped = this.#state === 'skip record';
    if (!wasSkipped) this.#record.push(this.#cell.endsWith('\r') ? this.#cell.slice(0, -1) : this.#cell);
    const record = this.#record;
    const line = this.#recordLine;
    this.#cell = '';
    this.#record = [];
    this.#state = 'start';
    this.#length = 0;
    this.#recordLine = this.#line;
    const isBlank = record.length === 1 && record[0] === '';
    if (wasSkipped || isBlank) return;
    if (this.#header === undefined) this.#takeHeader(record);
    else this.#items.push(readRecord(this.#header, record, line));
  }

  #takeHeader(record: readonly string[]): void {
    const header = record.map((cell) => cell.trim());
    const unknown = header.filter((column) => !COLUMNS.has(column) && !ATTRIBUTE_COLUMN.test(column));
    const repeated = header.filter((column, index) => header.indexOf(column) !== index);
    if (header.length === 1 && (header[0] ?? '').includes(';'))
      return this.#break('must part its columns by commas, not by semicolons');
    if (unknown.length > 0)
      return this.#break(`has unknown columns: ${unknown.map((column) => `"${column.slice(0, 60)}"`).join(', ')}`);
    if (repeated.length > 0) return this.#break(`has the column "${repeated[0] ?? ''}" twice`);
    if (!header.includes('username')) return this.#break('lacks the column "username"');
    this.#header = header;
    this.columns = new Set(header.map((column) => (ATTRIBUTE_COLUMN.test(column) ? 'attributes' : column)));
  }

  #report(detail: string): void {
    this.#items.push({ kind: 'problem', line: this.#recordLine, detail, of: 'user' });
    this.#state = 'skip record';
    this.#cell = '';
    // Without a header no record can be understood.
    if (this.#header === undefined) this.isBroken = true;
  }

  #break(detail: string): void {
    this.#items.push({ kind: 'problem', line: this.#recordLine, detail });
    this.isBroken = true;
  }
}

function readRecord(header: readonly string[], record: readonly string[], line: number): RosterItem {
  if (record.length !== header.length) {
    return {
      kind: 'problem',
      line,
      detail: `has ${record.length} cells where the header has ${header.length}`,
      of: 'user',
    };
  }
  const value = new Map<string, unknown>();
  const attributes = new Map<string, unknown>();
  try {
    header.forEach((column, index) => {
      const cell = (record[index] ?? '').trim();
      const attribute = ATTRIBUTE_COLUMN.exec(column)?.[1];
      if (attribute !== undefined) {
        if (cell !== '') attributes.set(attribute, cell);
      } else readCell(value, column, cell);
    });
  } catch (error) {
    if (!(error instanceof JsonProblem)) throw error;
    return { kind: 'problem', line, detail: `attributes: the cell ${error.message}`, of: 'user' };
  }
  return { kind: 'user', line, value: withAttributes(value, attributes) };
}

/** An empty cell is "none" where there can be none, and "not given" elsewhere. */
function readCell(value: Map<string, unknown>, column: string, cell: string): void {
  if (column === 'groups')
    value.set(
      column,
      cell
        .split(';')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    );
  else if (column === 'attributes') value.set(column, cell === '' ? new Map() : parseJsonValue(cell));
  else if (column === 'email' || column === 'state') value.set(column, cell === '' ? null : cell);
  else if (cell !== '') value.set(column, column === 'active' ? readFlag(cell) : cell);
}

/** Anything else stays text and is reported as no boolean. */
function readFlag(cell: string): unknown {
  const word = cell.toLowerCase();
  if (YES.has(word)) return true;
  return NO.has(word) ? false : cell;
}

function withAttributes(
  value: Map<string, unknown>,
  attributes: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, unknown> {
  const whole = value.get('attributes');
  if (attributes.size > 0 && (whole === undefined || whole instanceof Map)) {
    value.set(
      'attributes',
      new Map([...(whole instanceof Map ? (whole as ReadonlyMap<string, unknown>) : []), ...attributes]),
    );
  }
  return value;
}
