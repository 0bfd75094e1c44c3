import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { ensureAdminToken } from '../../auth/admin-token';
import { createClient } from '../../cli/client';
import type { Client } from '../../cli/client';
import { startEmbeddedPostgres } from '../../runtime/embedded-postgres';
import { requireFreePort } from '../../runtime/ports';
import { prepareDatabase } from '../../runtime/prepare-database';
import { ensureProvisioner, PROVISIONER } from '../../runtime/provisioner-role';
import { stopProcess } from '../../runtime/stop-process';
import { findTemporalBinary } from '../../runtime/temporal-binary';
import { startTemporalServer } from '../../runtime/temporal-server';
import { waitFor } from '../../runtime/wait-for';
import { openDatabase } from '../../store/database';
import type { Database } from '../../store/database';
import { startRealProcess } from './real-process';
import type { RealProcess } from './real-process';

/** The processes of one installation, each of which can be killed and started again by itself. */
export const COMPONENTS = ['PostgreSQL', 'Temporal', 'target', 'worker', 'API'] as const;
export type Component = (typeof COMPONENTS)[number];

/** A whole Muster of real processes, servers included. */
export interface Installation {
  readonly client: Client;
  /** Muster's own database, for reading how things stand. */
  readonly db: Database;
  /** The target's catalog, read by its superuser. */
  readonly witness: Pool;
  /** Configuration of a service on the target. */
  readonly target: Readonly<Record<string, unknown>>;
  /** `kill -9`, without a word to anybody; resolves when it is gone. */
  kill(...components: readonly Component[]): Promise<void>;
  /** Starts what is not running, as a supervisor does; processes of Muster may be given a failpoint. */
  startMissing(failpoints?: Partial<Record<Component, string>>): Promise<void>;
  /** How the process ended, if it did within the time. */
  deathOf(component: 'worker' | 'API', timeoutMs: number): Promise<string>;
  close(): Promise<void>;
}

interface Running {
  /** Resolves when it has ended. */
  readonly ended: Promise<unknown>;
  readonly pid: number;
  readonly process?: RealProcess;
}

type Starter = (failpoint?: string) => Promise<Running>;

/** Call time limit of these tests, in milliseconds: what was cut is looked at soon after. */
const CALL_TIMEOUT_MS = 3_000;
const GONE_MS = 10_000;

/** Starts everything in a folder of its own, on ports that stay the same over restarts. */
export async function startInstallation(): Promise<Installation> {
  const home = mkdtempSync(join(tmpdir(), 'muster-faults-'));
  // As root, PostgreSQL runs under another account, which must be able to enter.
  chmodSync(home, 0o711);
  const running = new Map<Component, Running>();
  try {
    return await startIn(home, running);
  } catch (error) {
    await killAll(running, COMPONENTS);
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(home: string, running: Map<Component, Running>): Promise<Installation> {
  const [postgresPort, targetPort, temporalPort, apiPort] = await fixedPorts();
  const startPostgres = postgresIn(join(home, 'postgres'), postgresPort);
  const startTarget = postgresIn(join(home, 'target'), targetPort);
  const [own, target] = await Promise.all([startPostgres(), startTarget()]);
  note(running, 'PostgreSQL', own);
  note(running, 'target', target);
  await prepareDatabase(own.url);
  const password = await ensureProvisioner(target.url, join(home, 'provisioner-password'));
  const temporal = {
    binary: (await findTemporalBinary({ environment: process.env, fallbackDir: home })).path,
    port: temporalPort,
  };
  const env = {
    DATABASE_URL: own.url,
    TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
    MUSTER_HOME: home,
    MUSTER_API_PORT: String(apiPort),
    MUSTER_CALL_TIMEOUT_MS: String(CALL_TIMEOUT_MS),
    MUSTER_LOG_LEVEL: 'warn',
  };
  const starters: Readonly<Record<Component, Starter>> = {
    PostgreSQL: startPostgres,
    target: startTarget,
    Temporal: async () => {
      const { pid, exited } = await startTemporalServer({ ...temporal, dbFile: join(home, 'temporal', 'temporal.db') });
      return { pid, ended: exited };
    },
    worker: (failpoint) => startNode('workers', env, failpoint),
    API: (failpoint) => startNode('api', env, failpoint),
  };
  const startMissing: Installation['startMissing'] = async (failpoints = {}) => {
    for (const component of COMPONENTS) {
      if (running.has(component)) continue;
      note(running, component, await patiently(component, () => starters[component](failpoints[component])));
    }
  };
  await startMissing();
  const db = openDatabase({ url: own.url, max: 4, name: 'muster faults' });
  const witness = new Pool({ connectionString: target.url, max: 4 });
  witness.on('error', () => undefined);
  const kill = (...components: readonly Component[]): Promise<void> => killAll(running, components);
  return {
    client: createClient({ url: `http://127.0.0.1:${apiPort}`, token: ensureAdminToken(home) }),
    db,
    witness,
    target: { host: '127.0.0.1', port: targetPort, database: 'muster', user: PROVISIONER, password },
    kill,
    startMissing,
    deathOf: async (component, timeoutMs) => running.get(component)?.process?.deathWithin(timeoutMs) ?? 'dead before',
    close: async () => {
      await Promise.all([db.close(), witness.end()]);
      await kill(...COMPONENTS);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

type Ports = readonly [postgres: number, target: number, temporal: number, api: number];

/**
 * Ports that stay the same over restarts, below those that the system gives to outgoing connections: a client that calls a
 * dead server again and again would else in the end be given the server's own port.
 */
async function fixedPorts(): Promise<Ports> {
  const first = 20_000 + 4 * Math.floor(Math.random() * 3_000);
  const ports: Ports = [first, first + 1, first + 2, first + 3];
  try {
    for (const port of ports) await requireFreePort({ port, purpose: 'a test' });
    return ports;
  } catch {
    return fixedPorts();
  }
}

function postgresIn(dataDir: string, port: number): () => Promise<Running & { readonly url: string }> {
  return async () => {
    const { url, pid, exited } = await startEmbeddedPostgres({ dataDir, port, database: 'muster' });
    return { url, pid, ended: exited };
  };
}

function note(running: Map<Component, Running>, component: Component, started: Running): void {
  running.set(component, started);
  void started.ended.then(() => running.get(component) === started && running.delete(component));
}

async function killAll(running: Map<Component, Running>, components: readonly Component[]): Promise<void> {
  const victims = components.flatMap((component) => running.get(component) ?? []);
  for (const component of components) running.delete(component);
  await Promise.all(victims.map(({ pid }) => stopProcess(pid, [{ signal: 'SIGKILL', graceMs: GONE_MS }])));
}

const START_MS = 60_000;

/** What does not start (a port that is just becoming free, a server that is not there yet) is started again, as a supervisor does. */
async function patiently(what: string, start: () => Promise<Running>): Promise<Running> {
  let reason: unknown;
  const started = await waitFor(START_MS, () =>
    start().catch((error: unknown) => {
      reason = error;
      return undefined;
    }),
  );
  if (started === undefined) throw new Error(`${what} did not start within ${START_MS / 1000} s`, { cause: reason });
  return started;
}

async function startNode(
  entry: 'workers' | 'api',
  env: Readonly<Record<string, string>>,
  failpoint: string | undefined,
): Promise<Running> {
  const child = startRealProcess(entry, {
    ...env,
    ...(failpoint === undefined ? {} : { MUSTER_FAILPOINT: failpoint }),
  });
  await child.ready();
  return { pid: child.pid, ended: child.ended, process: child };
}
