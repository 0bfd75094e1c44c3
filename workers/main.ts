import { join } from 'node:path';
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import type { LogEntry } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createIdentity } from '../auth/setup';
import { mailDesk } from '../auth/mail/setup';
import { loadConfig, publicUrlOf, required } from '../config/config';
import type { Config } from '../config/schema';
import { sealerOf } from '../config/secrets';
import { createLog } from '../config/log';
import { loadConnectors } from '../hooks/registry';
import { openDatabase } from '../store/database';
import { startWorkerProcess } from './process';

/** The entry of a worker process: reads the configuration, runs until SIGTERM or SIGINT, drains. */
async function main(): Promise<void> {
  const config = loadConfig();
  const log = createLog(config, 'worker');
  installRuntime(config, log);
  const db = openDatabase({
    url: required(config, 'databaseUrl'),
    max: Math.min(40, 10 + Math.floor(config.workerConcurrency / 4)),
    name: 'muster worker',
  });
  const registry = await loadConnectors({
    folders: [join(__dirname, '..', 'connectors'), ...config.connectors.folders],
    packages: config.connectors.packages,
    db,
  });
  for (const skipped of registry.skipped) log.error({ event: 'connector.skipped', ...skipped });
  const sealer = sealerOf(config);
  const publicUrl = publicUrlOf(config);
  const identity = createIdentity({ auth: config.auth, db, sealer, publicUrl, log });
  const mail = mailDesk({ config, db, sealer, log, publicUrl });
  const worker = await startWorkerProcess({
    db,
    registry,
    sealer,
    log,
    mail,
    identity,
    temporalAddress: required(config, 'temporalAddress'),
    temporalNamespace: config.temporalNamespace,
    webhook: { url: config.webhook.url, secret: config.webhook.secret },
    concurrency: config.workerConcurrency,
    failpoint: config.failpoint,
    callTimeoutMs: config.callTimeoutMs,
    publicUrl,
  });
  process.send?.('ready');
  await Promise.race([worker.ended, signalled()]);
  log.info({ event: 'worker.draining' });
  await worker.drain();
  mail.transport?.close();
  await identity.providers.close();
  await db.close();
  process.exit(0);
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}

/** Temporal's own log lines and figures: the lines go where all lines go, the figures to the worker's page. */
function installRuntime(config: Config, log: Logger): void {
  Runtime.install({
    // Draining is ours: services first, then the engine.
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', (entry: LogEntry) => {
      log[entry.level === 'ERROR' ? 'error' : 'warn']({ event: 'temporal', ...entry.meta }, entry.message);
    }),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
      ...(config.metricsPort === undefined || config.metricsPort === 0
        ? {}
        : { metrics: { prometheus: { bindAddress: metricsAddress(config, config.metricsPort) } } }),
    },
  });
}

function metricsAddress({ metricsHost }: Config, port: number): string {
  return metricsHost.includes(':') ? `[${metricsHost}]:${port}` : `${metricsHost}:${port}`;
}

main().catch((error: unknown) => {
  process.stderr.write(`muster worker: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
