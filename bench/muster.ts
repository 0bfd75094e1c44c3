import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureAdminToken } from '../auth/admin-token';
import { createClient } from '../cli/client';
import type { Client } from '../cli/client';
import { processEnvironment } from '../config/environment';
import { answersHttp, startChild } from '../runtime/child-process';
import { startEmbeddedPostgres } from '../runtime/embedded-postgres';
import { freePort } from '../runtime/ports';
import { prepareDatabase } from '../runtime/prepare-database';
import { createSupervisor } from '../runtime/supervisor';
import type { Supervisor } from '../runtime/supervisor';
import { findTemporalBinary } from '../runtime/temporal-binary';
import { startTemporalServer } from '../runtime/temporal-server';
import { openDatabase } from '../store/database';
import type { Database } from '../store/database';
import { killAtExit } from './running';

export interface BenchMusterOptions {
  readonly log: (line: string) => void;
  /** Worker processes. Default 1. */
  readonly workers?: number;
  /** Whatever ends is started again, as under `npm start`. Default: what is killed stays dead. */
  readonly restarts?: boolean;
  /** Settings of Muster's PostgreSQL. */
  readonly postgres?: Readonly<Record<string, string>>;
  /** More variables for workers and API. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Names of the processes: `PostgreSQL`, `Temporal`, `API`, `worker 1` and so on. */
export type Part = string;

/** A whole Muster of real processes in a folder of its own. */
export interface BenchMuster {
  readonly client: Client;
  /** Where its API and console answer. */
  readonly apiUrl: string;
  /** Muster's own database, for preparing a scene and for reading how things stand. */
  readonly db: Database;
  readonly home: string;
  readonly temporalAddress: string;
  /** The processes that run now. */
  parts(): ReadonlyMap<Part, number>;
  /** `kill -9` */
  kill(part: Part): void;
  /** Starts the workers anew that were killed. */
  revive(): Promise<void>;
  stop(): Promise<void>;
}

interface RunningPart {
  readonly pid: number;
  readonly exited: Promise<string>;
  stop(): Promise<void>;
  kill(): void;
}

/** Connectors of the benches, beside the built-in ones. */
const CONNECTOR_FOLDERS = [join(__dirname, 'connectors'), join(__dirname, '..', 'test', 'fakes')].join(',');

/** Starts PostgreSQL, Temporal, the API and workers as `npm start` does, on free ports; `stop` removes everything again. */
export async function startMuster(options: BenchMusterOptions): Promise<BenchMuster> {
  const home = mkdtempSync(join(tmpdir(), 'muster-bench-'));
  // As root, PostgreSQL runs under another account, which must be able to enter.
  chmodSync(home, 0o711);
  const keeper = new Keeper(options);
  const [postgresPort, temporalPort, apiPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const [postgres, temporal] = await Promise.all([
    keeper.keep('PostgreSQL', () => startPostgres(home, postgresPort, options.postgres)),
    keeper.keep('Temporal', () => startTemporal(home, temporalPort)),
  ]);
  await prepareDatabase(postgres.url);
  const token = ensureAdminToken(home);
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const env = {
    ...processEnvironment(),
    DATABASE_URL: postgres.url,
    TEMPORAL_ADDRESS: temporal.address,
    MUSTER_HOME: home,
    MUSTER_API_PORT: String(apiPort),
    MUSTER_CONNECTOR_FOLDERS: CONNECTOR_FOLDERS,
    MUSTER_LOG_LEVEL: 'warn',
    ...options.environment,
  };
  await keeper.keep('API', () => startApi(home, apiUrl, env));
  const workers = Array.from({ length: options.workers ?? 1 }, (_none, index) => `worker ${index + 1}`);
  const startWorkers = async (names: readonly Part[]): Promise<void> => {
    await Promise.all(names.map((name) => keeper.keep(name, () => startWorker(home, name, env))));
  };
  await startWorkers(workers);
  const db = openDatabase({ url: postgres.url, max: 6, name: 'muster bench' });
  return {
    client: createClient({ url: apiUrl, token }),
    apiUrl,
    db,
    home,
    temporalAddress: temporal.address,
    parts: () => keeper.pids,
    kill: (name) => keeper.kill(name),
    revive: () => startWorkers(workers.filter((name) => !keeper.pids.has(name))),
    stop: async () => {
      await db.close();
      await keeper.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Knows what runs; where that is asked for, a supervisor starts again what has ended. */
class Keeper {
  readonly #running = new Map<Part, RunningPart>();
  readonly #supervisor: Supervisor | undefined;

  constructor({ log, restarts }: BenchMusterOptions) {
    killAtExit(this.#running);
    this.#supervisor = restarts === true ? createSupervisor({ log }) : undefined;
  }

  keep<P extends RunningPart>(name: Part, start: () => Promise<P>): Promise<P> {
    const noted = async (): Promise<P> => {
      const part = await start();
      this.#running.set(name, part);
      void part.exited.then(() => this.#running.get(name) === part && this.#running.delete(name));
      return part;
    };
    return this.#supervisor === undefined ? noted() : this.#supervisor.start({ name, start: noted });
  }

  get pids(): ReadonlyMap<Part, number> {
    return new Map([...this.#running].map(([name, { pid }]) => [name, pid]));
  }

  kill(name: Part): void {
    const part = this.#running.get(name);
    if (part !== undefined) process.kill(part.pid, 'SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#supervisor?.stop();
    for (const part of [...this.#running.values()].toReversed()) await part.stop();
  }
}

async function startPostgres(
  home: string,
  port: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<RunningPart & { readonly url: string }> {
  const dataDir = join(home, 'postgres');
  return startEmbeddedPostgres({
    dataDir,
    port,
    database: 'muster',
    settings: { max_connections: '300', ...settings },
  });
}

async function startTemporal(home: string, port: number): Promise<RunningPart & { readonly address: string }> {
  const binary = await findTemporalBinary({ environment: processEnvironment(), fallbackDir: home });
  return startTemporalServer({ binary: binary.path, dbFile: temporalFile(home), port });
}

/** Where Temporal keeps everything. */
export function temporalFile(home: string): string {
  return join(home, 'temporal', 'temporal.db');
}

type Environment = Readonly<Record<string, string | undefined>>;

function startApi(home: string, url: string, env: Environment): Promise<RunningPart> {
  return startChild({
    name: 'The API',
    entry: join(__dirname, '..', 'api', 'main.js'),
    env,
    pidFile: join(home, 'run', 'api.pid'),
    logFile: join(home, 'logs', 'api.log'),
    ready: () => answersHttp(`${url}/health/live`),
  });
}

function startWorker(home: string, name: Part, env: Environment): Promise<RunningPart> {
  const file = name.replace(' ', '-');
  return startChild({
    name: `The ${name}`,
    entry: join(__dirname, '..', 'workers', 'main.js'),
    env,
    pidFile: join(home, 'run', `${file}.pid`),
    logFile: join(home, 'logs', `${file}.log`),
    drainMs: 30_000,
  });
}
