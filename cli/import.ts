import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { Option } from 'commander';
import { openSession, withExamples } from './command';
import { CliFailure, EXIT } from './failure';
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
};

interface Options {
  readonly mode: 'replace' | 'merge';
  readonly dryRun?: true;
  readonly format?: 'json' | 'yaml' | 'csv';
  readonly reason?: string;
  readonly watch: boolean;
}

/** The part of the answer that is shown; counts are shown as they come. */
interface Imported {
  readonly operation?: OperationView | null;
  readonly difference: Readonly<Record<string, unknown>>;
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
    .addOption(new Option('--format <format>', 'needed where the name does not tell').choices(['json', 'yaml', 'csv']))
    .option('--reason <text>', 'kept with the operation')
    .option('--no-watch', 'do not wait until the accounts are provisioned')
    .action(async (file: string, options: Options, self: Command) => {
      const { client, output } = openSession(self);
      const stream = { content: await open(file), contentType: typeOf(file, options.format) };
      const { mode, dryRun = false, reason } = options;
      const imported = await client.call<Imported>({
        method: 'POST',
        path: '/v1/imports',
        query: { mode, dryRun, reason },
        stream,
      });
      await show(imported, options, output);
      const { operation } = imported;
      if (dryRun || !options.watch || operation === undefined || operation === null) return;
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
  throw new CliFailure(`The name ${file} does not tell the format.`, EXIT.usage, ['Give --format json, yaml or csv.']);
}

async function open(file: string): Promise<Readable> {
  if (file === '-') return process.stdin;
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new CliFailure(`${file} cannot be read (${error.code ?? 'unknown'}).`, EXIT.usage);
  });
  if (!found.isFile()) throw new CliFailure(`${file} is not a file.`, EXIT.usage);
  return createReadStream(file);
}

async function show(imported: Imported, options: Options, output: Output): Promise<void> {
  if (output.json) {
    // With a watch that follows, the operation's end is the value: one command prints one JSON value.
    const follows =
      options.watch && options.dryRun !== true && imported.operation !== undefined && imported.operation !== null;
    if (!follows) output.value(imported);
    return;
  }
  output.line(options.dryRun === true ? 'This would change:' : 'Changed:');
  const lines = differenceLines(imported.difference);
  for (const line of lines.length === 0 ? ['nothing'] : lines) output.line(`  ${line}`);
}

/** `users created 3: ada, ben, cy`: counts and, where the API names them, the first few names. */
function differenceLines(difference: Readonly<Record<string, unknown>>, prefix = ''): readonly string[] {
  return Object.entries(difference).flatMap(([key, value]) => {
    const label = `${prefix}${words(key)}`;
    if (typeof value === 'number') return value === 0 ? [] : [`${label} ${value}`];
    if (Array.isArray(value)) return value.length === 0 ? [] : [`${label}: ${namesOf(value)}`];
    if (typeof value === 'object' && value !== null)
      return differenceLines(value as Record<string, unknown>, `${label} `);
    return [];
  });
}

const SHOWN_NAMES = 10;

function namesOf(values: readonly unknown[]): string {
  const names = values
    .slice(0, SHOWN_NAMES)
    .map((value) => safe(typeof value === 'object' ? JSON.stringify(value) : value));
  return values.length > SHOWN_NAMES ? `${names.join(', ')} and ${values.length - SHOWN_NAMES} more` : names.join(', ');
}

function words(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
