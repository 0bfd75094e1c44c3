import { loadClientConfig } from '../config/client';
import { createClient } from './client';
import { createOutput } from './output';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { Client } from './client';
import type { Output } from './output';

/** What every command works with. */
export interface Session {
  readonly client: Client;
  readonly output: Output;
}

/** The session of a command, from its own and the program's options. @throws ConfigError */
export function openSession(command: Command): Session {
  const { json = false } = command.optsWithGlobals<{ readonly json?: boolean }>();
  const isTerminal = process.stdout.isTTY;
  const config = loadClientConfig(isTerminal);
  const output = createOutput({
    json,
    isTerminal: isTerminal && process.stderr.isTTY,
    wantsColour: config.wantsColour,
    write: (text) => void process.stdout.write(text),
    writeError: (text) => void process.stderr.write(text),
  });
  return { client: createClient(config), output };
}

/** A whole number of at least 1, for commander's options. Throws what commander shows as a usage error. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return number;
}

/** Examples below the help of a command. */
export function withExamples(command: Command, examples: readonly (readonly [string, string])[]): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, meaning]) => `  $ ${line.padEnd(width)}  ${meaning}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
