import { Command } from 'commander';

/** `muster start`: everything on this machine, until Ctrl-C. */
export function startCommand(): Command {
  return new Command('start')
    .description('Start Muster: database, Temporal, workers and API, with a sample organisation at the first start.')
    .option('--no-sample', 'leave the sample organisation and its external service out')
    .addHelpText(
      'after',
      `
With DATABASE_URL and TEMPORAL_ADDRESS set, those servers are used and none is started; the sample is then left out.

Examples:
  npm start
  npm start -- --no-sample
  MUSTER_API_PORT=9090 npm start`,
    )
    .action(async (options: { readonly sample: boolean }) => {
      // Loaded only here: every other command would wait for it.
      const { start } = await import('../runtime/start.js');
      process.exitCode = await start(options.sample);
    });
}
