import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { Option } from 'commander';
import { openSession, withExamples } from './command';
import { usageFailure } from './failure';
import { followOperation } from './operation';
import { safe } from './output';
import type { Command } from 'commander';
import type { Readable } from 'node:stream';
import type { OperationView } from './operation';
import type { Output } from './output';

const TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.yaml': 'application/yaml',
  '.yml': 'application/yaml',
  '.csv': 'text/csv',
  '.ndjson': 'application/x-ndjson',
  '.jsonl': 'application/x-ndjson',
};

interface Options {
  readonly mode: 'replace' | 'merge';
  readonly dryRun?: true;
  readonly allowEmpty?: true;
  readonly format?: 'json' | 'yaml' | 'csv' | 'ndjson';
  readonly reason?: string;
  readonly watch: boolean;
}

/** The part of the answer that is shown. Without an operation nothing was altered. */
interface Imported {
  readonly operation?: OperationView;
  readonly difference: Readonly<Record<string, number | { readonly count: number; readonly names: readonly string[] }>>;
}

/** `muster import FILE` */
export function addImport(program: Command): void {
  const command = program
    .command('import <file>')
    .description('takes in a roster: JSON, YAML or CSV; - reads standard input')
    .addOption(
      new Option(
        '--mode <mode>',
        'replace: the file is the whole truth, who is missing is deactivated; merge: only who is in it',
      )
        .choices(['replace', 'merge'])
        .default('replace'),
    )
    .option('--dry-run', 'only show the difference')
    .option('--allow-empty', 'a roster without people means that everybody has left')
    .addOption(
      new Option('--format <format>', 'needed where the name does not tell').choices(['json', 'yaml', 'csv', 'ndjson']),
    )
    .option('--reason <text>', 'kept with the operation')
    .option('--no-watch', 'do not wait until the accounts are provisioned')
    .action(async (file: string, options: Options, self: Command) => {
      const { client, output } = openSession(self);
      const contentType = typeOf(file, options.format);
      const stream = { content: await open(file), contentType };
      const { mode, dryRun = false, allowEmpty = false, reason } = options;
      const imported = await client.call<Imported>({
        method: 'POST',
        path: '/v1/imports',
        query: { mode, dryRun, allowEmpty, reason },
        stream,
      });
      await show(imported, options, output);
      const { operation } = imported;
      if (dryRun || !options.watch || operation === undefined) return;
      await followOperation({ client, output }, operation.id);
    });
  withExamples(command, [
    ['muster import roster.yaml --dry-run', 'what would change'],
    ['muster import roster.yaml', 'change it, and watch the accounts follow'],
    ['muster import new-people.csv --mode merge', 'add and update; nobody is deactivated'],
  ]);
}

function typeOf(file: string, format: Options['format']): string {
  const type = TYPES[format === undefined ? extname(file).toLowerCase() : `.${format}`];
  if (type !== undefined) return type;
  throw usageFailure(`The name ${file} does not tell the format.`, ['Give --format json, yaml, csv or ndjson.']);
}

async function open(file: string): Promise<Readable> {
  if (file === '-') return process.stdin;
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw usageFailure(`${file} cannot be read (${error.code ?? 'unknown'}).`);
  });
  if (!found.isFile()) throw usageFailure(`${file} is not a file.`);
  return createReadStream(file);
}

async function show(imported: Imported, options: Options, output: Output): Promise<void> {
  if (output.json) {
    // With a watch that follows, the operation's end is the value: one command prints one JSON value.
    const follows = options.watch && options.dryRun !== true && imported.operation !== undefined;
    if (!follows) output.value(imported);
    return;
  }
  const lines = differenceLines(imported.difference);
  if (lines.length === 0) {
    output.line('Everything is as the roster says: nothing changes.');
    return;
  }
  output.line(options.dryRun === true ? 'This would change:' : 'Changed:');
  for (const line of lines) output.line(`  ${line}`);
}

/** `created 3: ada, ben, cy`; what did not change is left out. */
function differenceLines(difference: Imported['difference']): readonly string[] {
  return Object.entries(difference).flatMap(([key, part]) => {
    if (typeof part === 'number' || part.count === 0) return [];
    const names = part.names.slice(0, SHOWN_NAMES).map(safe).join(', ');
    const more = part.count > SHOWN_NAMES ? ` and ${part.count - SHOWN_NAMES} more` : '';
    return [`${words(key)} ${part.count}: ${names}${more}`];
  });
}

const SHOWN_NAMES = 10;

function words(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
