import { styleText } from 'node:util';

export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'bold';

/** Where a command writes to, and how. */
export interface Output {
  /** Print the API's own JSON instead of text. */
  readonly json: boolean;
  /** Standard output is a terminal. */
  readonly isTerminal: boolean;
  line(text?: string): void;
  /** One JSON value; only with `json`. */
  value(value: unknown): void;
  table(headings: readonly string[], rows: readonly (readonly string[])[]): void;
  /** A line that the next one replaces; plain lines where there is no terminal. Goes to standard error. */
  progress(text: string): void;
  /** Ends the progress line, if there is one. */
  endProgress(): void;
  tone(tone: Tone, text: string): string;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly isTerminal: boolean;
  readonly wantsColour: boolean;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

const STYLES = { good: 'green', bad: 'red', warn: 'yellow', dim: 'dim', bold: 'bold' } as const;

export function createOutput(options: OutputOptions): Output {
  const { json, isTerminal, write, writeError } = options;
  let shown = '';
  const tone = (wanted: Tone, text: string): string =>
    options.wantsColour && !json ? styleText(STYLES[wanted], text, { validateStream: false }) : text;
  return {
    json,
    isTerminal,
    tone,
    line: (text = '') => write(`${text}\n`),
    value: (value) => write(`${JSON.stringify(value, null, 2)}\n`),
    table: (headings, rows) =>
      write(
        tableText(
          headings.map((heading) => tone('bold', heading)),
          rows,
        ),
      ),
    progress: (text) => {
      if (json || text === shown) return;
      writeError(isTerminal ? `\r\u001B[2K${text}` : `${text}\n`);
      shown = text;
    },
    endProgress: () => {
      if (isTerminal && !json && shown !== '') writeError('\n');
      shown = '';
    },
  };
}

/** Text from elsewhere must not steer the terminal: control characters are shown as `?`. */
export function safe(text: string | number | boolean | null | undefined): string {
  return String(text ?? '-').replace(/\p{Cc}/gu, '?');
}

function tableText(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_heading, column) => Math.max(...all.map((row) => visibleLength(row[column] ?? ''))));
  const lines = all.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - visibleLength(cell)));
}

const graphemes = new Intl.Segmenter();

function visibleLength(text: string): number {
  // eslint-disable-next-line no-control-regex -- colour codes take no room
  return [...graphemes.segment(text.replace(/\u001B\[\d+m/g, ''))].length;
}

/** `2 s ago`, `3 h ago`; for tables, where the exact moment would only take room. */
export function ago(moment: string | null, now = Date.now()): string {
  if (moment === null) return '-';
  const seconds = Math.max(0, Math.round((now - Date.parse(moment)) / 1000));
  if (seconds < 100) return `${seconds} s ago`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} d ago`;
}
