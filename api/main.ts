import { loadConfig } from '../config/config';
import { consoleMounts } from '../console/console';
import { collectProcessMetrics } from './metrics';
import { startApi } from './serve';

/** The entry of an API process: reads the configuration, serves until SIGTERM or SIGINT, drains. */
async function main(): Promise<void> {
  collectProcessMetrics();
  const api = await startApi(loadConfig(), consoleMounts);
  process.send?.('ready');
  await signalled();
  await api.drain();
  process.exit(0);
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`muster api: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
