import { CommanderError } from 'commander';
import { ConfigError } from '../config/config';
import { CliFailure, EXIT } from './failure';
import { createProgram } from './program';
import type { ExitCode } from './failure';

/** Runs one command line; answers its exit code. Errors go to standard error, in words. */
async function run(argv: readonly string[]): Promise<ExitCode> {
  try {
    await createProgram().parseAsync([...argv], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): ExitCode {
  // Commander has printed what was wrong, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CliFailure) {
    process.stderr.write([`muster: ${error.message}`, ...error.details.map((detail) => `  ${detail}`), ''].join('\n'));
    return error.exitCode;
  }
  process.stderr.write(`muster: ${error instanceof Error ? error.message : String(error)}\n`);
  return error instanceof ConfigError ? EXIT.usage : EXIT.failed;
}

// The code is set, not forced: what was printed must reach a pipe that reads slowly.
run(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`muster: ${String(error)}\n`);
    process.exitCode = EXIT.failed;
  },
);
