import { EXIT } from './failure';
import { runCommandLine } from './run';

// Who reads only the first lines (`| head`) closes the pipe: that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed);
});

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
