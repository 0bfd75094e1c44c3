import { CommanderError } from 'commander';
import { ConfigError } from '../config/config';
import { CliFailure, EXIT } from './failure';
import { createProgram } from './program';
import type { ExitCode } from './failure';

/** Runs one command line (without node and script); answers its exit code. Errors go to standard error, in words. */
export async function runCommandLine(argv: readonly string[]): Promise<ExitCode> {
  try {
    await createProgram().parseAsync([...argv], { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return report(error, argv.includes('--json'));
  }
}

function report(error: unknown, json: boolean): ExitCode {
  // Commander has printed what was wrong, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CliFailure && json) {
    process.stderr.write(
      `${JSON.stringify({ error: error.message, details: error.details, problem: error.problem }, null, 2)}\n`,
    );
    return error.exitCode;
  }
  if (error instanceof CliFailure) {
    process.stderr.write([`muster: ${error.message}`, ...error.details.map((detail) => `  ${detail}`), ''].join('\n'));
    return error.exitCode;
  }
  process.stderr.write(`muster: ${error instanceof Error ? error.message : String(error)}\n`);
  return error instanceof ConfigError ? EXIT.usage : EXIT.failed;
}
