import { join, resolve } from 'node:path';
import { ensureAdminToken } from '../auth/admin-token';
import type { Config } from '../config/schema';
import { answersHttp, startChild } from './child-process';
import { startEmbeddedPostgres } from './embedded-postgres';
import type { EmbeddedPostgres } from './embedded-postgres';
import { prepareDatabase } from './prepare-database';
import { freePort } from './ports';
import { withProgress } from './progress';
import type { Supervisor } from './supervisor';
import { findTemporalBinary } from './temporal-binary';
import { startTemporalServer } from './temporal-server';

export interface LaunchOptions {
  readonly config: Config;
  readonly supervisor: Supervisor;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
  /** Start the sample's external service too. */
  readonly target: boolean;
}

/** Where everything is. */
export interface Launched {
  readonly apiUrl: string;
  readonly temporalUiUrl: string | undefined;
  readonly databaseUrl: string;
  /** The sample's external service; undefined when it was not asked for. Its URL carries a password: never log it. */
  readonly target: EmbeddedPostgres | undefined;
}

/** Starts whatever is not given by address, brings the database up to date, then the workers and the API. */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const { config } = options;
  const home = resolve(config.home);
  const [databaseUrl, temporal, target] = await Promise.all([
    startStore(options, home),
    startTemporal(options, home),
    options.target ? startTarget(options, home) : undefined,
  ]);
  await prepare(databaseUrl, options);
  const apiUrl = urlOf(config);
  ensureAdminToken(config.home);
  const env = {
    ...options.environment,
    DATABASE_URL: databaseUrl,
    DATABASE_URL_FILE: undefined,
    TEMPORAL_ADDRESS: temporal.address,
    MUSTER_HOME: home,
    ...(temporal.uiUrl === undefined ? {} : { TEMPORAL_UI_URL: temporal.uiUrl }),
  };
  const figures = await metricsOf(config);
  const workerEnv = { ...env, MUSTER_METRICS_PORT: String(figures.port) };
  const apiEnv = { ...env, MUSTER_METRICS_SOURCES: figures.sources };
  await Promise.all([startWorker(options, home, workerEnv), startApi(options, home, { env: apiEnv, apiUrl })]);
  return { apiUrl, temporalUiUrl: temporal.uiUrl, databaseUrl, target };
}

/** Where the API answers on this machine: an address that stands for all of them is not one to call. */
function urlOf({ apiHost, apiPort }: Config): string {
  const reachable: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const host = reachable[apiHost] ?? apiHost;
  return `http://${host.includes(':') ? `[${host}]` : host}:${apiPort}`;
}

/** The worker's page of figures, on any free port of loopback: the API's /metrics shows it as its own. */
async function metricsOf(config: Config): Promise<{ readonly port: number; readonly sources: string }> {
  const port = config.metricsPort ?? (await freePort());
  return { port, sources: [...config.metricsSources, `http://127.0.0.1:${port}/metrics`].join(',') };
}

async function startStore({ config, supervisor, log }: LaunchOptions, home: string): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  const { url } = await supervisor.start({
    name: 'PostgreSQL',
    start: () =>
      startEmbeddedPostgres({
        dataDir: join(home, 'postgres'),
        port: config.embedded.postgresPort,
        database: 'muster',
        portSetting: 'MUSTER_POSTGRES_PORT',
        settings: { max_connections: '200' },
        log,
      }),
  });
  return url;
}

/** The sample's external service: a cluster of its own, into which people are provisioned as login roles. */
async function startTarget({ config, supervisor, log }: LaunchOptions, home: string): Promise<EmbeddedPostgres> {
  return supervisor.start({
    name: "the sample's external PostgreSQL",
    start: () =>
      startEmbeddedPostgres({
        dataDir: join(home, 'sample-target'),
        port: config.embedded.targetPort,
        portSetting: 'MUSTER_TARGET_PORT',
        purpose: "the sample's external PostgreSQL",
        log,
      }),
  });
}

async function startTemporal(
  { config, supervisor, environment, log }: LaunchOptions,
  home: string,
): Promise<{ readonly address: string; readonly uiUrl: string | undefined }> {
  if (config.temporalAddress !== undefined) return { address: config.temporalAddress, uiUrl: config.temporalUiUrl };
  const binary = await withProgress('Getting the Temporal server', log, () =>
    findTemporalBinary({ environment, fallbackDir: home, log }),
  );
  return supervisor.start({
    name: 'Temporal',
    start: () =>
      startTemporalServer({
        binary: binary.path,
        dbFile: join(home, 'temporal', 'temporal.db'),
        port: config.embedded.temporalPort,
        uiPort: config.embedded.temporalUiPort,
        portSetting: 'MUSTER_TEMPORAL_PORT',
        uiPortSetting: 'MUSTER_TEMPORAL_UI_PORT',
        log,
      }),
  });
}

async function prepare(databaseUrl: string, { log }: LaunchOptions): Promise<void> {
  await withProgress('Bringing the database up to date', log, () => prepareDatabase(databaseUrl));
}

type Environment = Readonly<Record<string, string | undefined>>;

async function startWorker({ supervisor }: LaunchOptions, home: string, env: Environment): Promise<void> {
  await supervisor.start({
    name: 'the worker',
    start: () =>
      startChild({
        name: 'The worker',
        entry: join(__dirname, '..', 'workers', 'main.js'),
        env,
        pidFile: join(home, 'run', 'worker.pid'),
        logFile: join(home, 'logs', 'worker.log'),
        drainMs: 30_000,
      }),
  });
}

async function startApi(
  { supervisor }: LaunchOptions,
  home: string,
  api: { readonly env: Environment; readonly apiUrl: string },
): Promise<void> {
  await supervisor.start({
    name: 'the API',
    start: () =>
      startChild({
        name: 'The API',
        entry: join(__dirname, '..', 'api', 'main.js'),
        env: api.env,
        pidFile: join(home, 'run', 'api.pid'),
        logFile: join(home, 'logs', 'api.log'),
        ready: () => answersHttp(`${api.apiUrl}/health/live`),
      }),
  });
}
