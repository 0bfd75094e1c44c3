import { EXIT } from './failure';
import { runCommandLine } from './run';

// The code is set, not forced: what was printed must reach a pipe that reads slowly.
runCommandLine(process.argv.slice(2)).then(
  (code) => {
    process.exitCode ??= code;
  },
  (error: unknown) => {
    process.stderr.write(`muster: ${String(error)}\n`);
    process.exitCode = EXIT.failed;
  },
);
