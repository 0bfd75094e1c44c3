import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeMachine } from './machine';
import type { Bar, Section, SectionReport, Table } from './section';

/** A section as it is kept. */
interface KeptSection extends SectionReport {
  readonly title: string;
  readonly machine: string;
  readonly date: string;
  readonly seconds: number;
}

/** The page and the figures that it is made of. */
const DOCS = join(__dirname, '..', '..', 'docs');
const FIGURES = join(DOCS, 'benchmarks');

export interface Measured extends SectionReport {
  readonly seconds: number;
  /** Only some scenes were measured: those of an earlier run stay. */
  readonly isPart: boolean;
}

/** Keeps the figures of a section and writes the page anew; the other sections stay as they were measured. */
export function keepSection(section: Section, measured: Measured, order: readonly string[]): void {
  mkdirSync(FIGURES, { recursive: true });
  const { isPart, ...report } = measured;
  const fresh: KeptSection = { title: section.title, ...stamp(), ...report };
  const kept = isPart && existsSync(fileOf(section.name)) ? joined(readSection(section.name), fresh) : fresh;
  writeFileSync(fileOf(section.name), `${JSON.stringify(kept, undefined, 2)}\n`);
  const names = readdirSync(FIGURES).flatMap((file) => /^(.*)\.generated\.json$/.exec(file)?.[1] ?? []);
  const sections = order.filter((name) => names.includes(name)).map((name) => readSection(name));
  writeFileSync(join(DOCS, 'benchmarks.md'), pageOf(sections));
}

/** A row is known by its first cell, a bar by its words: what was measured anew takes the place of the old. */
function joined(old: KeptSection, fresh: KeptSection): KeptSection {
  const tables = fresh.tables.map((table, index) => {
    const rows = old.tables[index]?.rows ?? [];
    return { ...table, rows: together(rows, table.rows, ([first]) => first) };
  });
  const bars = together(old.bars, fresh.bars, ({ what }) => what);
  return { ...fresh, tables, bars, seconds: old.seconds + fresh.seconds };
}

function together<T>(old: readonly T[], fresh: readonly T[], keyOf: (one: T) => unknown): readonly T[] {
  const measured = new Set(fresh.map(keyOf));
  return [...old.filter((one) => !measured.has(keyOf(one))), ...fresh];
}

/** One section as text, for the terminal. */
export function showSection(title: string, report: SectionReport, seconds: number): string {
  return textOf({ title, ...stamp(), ...report, seconds }).join('\n');
}

function stamp(): Pick<KeptSection, 'machine' | 'date'> {
  return { machine: describeMachine(), date: new Date().toISOString().slice(0, 10) };
}

function fileOf(name: string): string {
  return join(FIGURES, `${name}.generated.json`);
}

function readSection(name: string): KeptSection {
  if (!existsSync(fileOf(name))) throw new Error(`there are no figures of ${name}`);
  return JSON.parse(readFileSync(fileOf(name), 'utf8')) as KeptSection;
}

function pageOf(sections: readonly KeptSection[]): string {
  const lines = [
    '# Benchmarks',
    '',
    'Written by `npm run bench`; each section is of one run on one machine, its baseline in the same run. `npm run bench -- <name>`',
    'measures one section anew and leaves the others. Sizes can be given (`--seconds 10 --people 500`); then nothing is written here.',
    '',
    ...overview(sections),
    ...sections.flatMap((section) => textOf(section)),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function overview(sections: readonly KeptSection[]): readonly string[] {
  const rows = sections.map(({ title, bars, date }) => {
    const met = bars.filter((bar) => bar.met).length;
    return [title, bars.length === 0 ? 'none' : `${met} of ${bars.length}`, date];
  });
  return tableOf({ columns: ['section', 'bars met', 'measured'], rows });
}

function textOf({ title, machine, date, seconds, method, tables, bars, remarks = [] }: KeptSection): readonly string[] {
  return [
    `## ${title}`,
    '',
    `Machine: ${machine}. Date: ${date}. The section took ${seconds} s.`,
    '',
    ...method.flatMap((paragraph) => [paragraph, '']),
    ...tables.flatMap((table) => tableOf(table)),
    ...(bars.length === 0 ? [] : barsOf(bars)),
    ...remarks.flatMap((paragraph) => [paragraph, '']),
  ];
}

function barsOf(bars: readonly Bar[]): readonly string[] {
  const rows = bars.map(({ what, wanted, measured, met }) => [what, wanted, measured, met ? 'met' : '**not met**']);
  return tableOf({ columns: ['bar', 'wanted', 'measured', ''], rows });
}

function tableOf({ columns, rows }: Table): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line), ''];
}
