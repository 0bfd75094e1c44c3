import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { openLog, tailOf } from './log-file';
import { ensureDatabase, probePostgres } from './postgres-connection';
import type { PostgresAddress } from './postgres-connection';
import { createCluster, readPassword } from './postgres-cluster';
import { prepareInstallation } from './postgres-installation';
import type { PostgresInstallation } from './postgres-installation';
import { freePort, requireFreePort } from './ports';
import { commandLine, isAlive } from './process-identity';
import { StartupError } from './startup-error';
import { endAtOnce, stopProcess, watchExit } from './stop-process';
import { waitFor } from './wait-for';

/** How one embedded PostgreSQL cluster is started. */
export interface EmbeddedPostgresOptions {
  /** The folder of this cluster: data, log, library links and password file. Made when missing. */
  readonly dataDir: string;
  /** Loopback port; 0 takes any free one. */
  readonly port: number;
  /** Superuser of the cluster; `muster` unless told. */
  readonly user?: string;
  /** File with the superuser's password (0600); made with a random one when missing. Default `<dataDir>/password`. */
  readonly passwordFile?: string;
  /** A database to make when it is missing and to name in `url`; `postgres` unless told. */
  readonly database?: string;
  /** False gives up safety against power loss (not against kill -9) for speed: for tests only. */
  readonly durable?: boolean;
  /** More server settings, such as `max_connections`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The option or variable that changes the port, named when the port is taken. */
  readonly portSetting?: string;
  /** What it is for, in messages; `the embedded PostgreSQL` unless told. */
  readonly purpose?: string;
  readonly log?: (line: string) => void;
}

/** A running embedded PostgreSQL. It outlives the process that started it unless `stop` is called. */
export interface EmbeddedPostgres {
  /** Connection URL with the password: never log it. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** True when it was running already, left behind by a start that was killed. */
  readonly adopted: boolean;
  /** Resolves with a few words when the server ends, whoever ended it. */
  readonly exited: Promise<string>;
  /** Ends every session and stops; 10 s for an orderly stop, then at once (the next start recovers). */
  stop(): Promise<void>;
  /** Ends it at once; the next start recovers. */
  kill(): void;
}

const STOP_STEPS = [
  { signal: 'SIGINT', graceMs: 10_000 },
  { signal: 'SIGQUIT', graceMs: 10_000 },
  { signal: 'SIGKILL', graceMs: 2_000 },
] as const;

/** Recovery after a crash can take minutes on a big cluster; each second longer than this is a hang. */
const READY_TIMEOUT_MS = 300_000;
const ADOPT_TIMEOUT_MS = 30_000;
/** Backends of a killed server end by themselves as soon as they notice; until then a start is refused. */
const LEFTOVER_BACKENDS_MS = 15_000;

/**
 * Starts PostgreSQL on the loopback interface and waits until it answers; keeps what an earlier start stored.
 * An orphan of a killed start is adopted, a killed server recovers, a stale pid file is no obstacle.
 * @throws StartupError PORT_TAKEN, NO_WRITE_PERMISSION, UNSUPPORTED_PLATFORM, SERVER_FAILED
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => undefined);
  const installation = prepareInstallation(options.dataDir, log);
  const { clusterDir } = installation;
  const user = options.user ?? 'muster';
  const password = readPassword(options.passwordFile ?? join(options.dataDir, 'password'), clusterDir);
  if (!existsSync(join(clusterDir, 'pgdata'))) {
    await createCluster(installation, { user, password, durable: options.durable ?? true });
  }
  const cluster: Cluster = { installation, options, log, credentials: { user, password } };
  const server = (await adoptOrphan(cluster)) ?? (await launchPatiently(cluster));
  if (options.database !== undefined) await ensureDatabase(server.address, options.database);
  return {
    url: connectionUrl({ ...server.address, database: options.database ?? 'postgres' }),
    port: server.address.port,
    pid: server.pid,
    adopted: server.child === undefined,
    exited: watchExit(server.pid, server.child),
    stop: async () => {
      await stopProcess(server.pid, STOP_STEPS);
    },
    kill: () => endAtOnce(server.pid, 'SIGQUIT'),
  };
}

interface Cluster {
  readonly installation: PostgresInstallation;
  readonly options: EmbeddedPostgresOptions;
  readonly log: (line: string) => void;
  readonly credentials: { readonly user: string; readonly password: string };
}

interface RunningServer {
  readonly pid: number;
  readonly address: PostgresAddress;
  readonly child?: ChildProcess;
}

function connectionUrl(address: PostgresAddress & { readonly database: string }): string {
  const { user, password, port, database } = address;
  const credentials = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  return `postgres://${credentials}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

async function adoptOrphan(cluster: Cluster): Promise<RunningServer | undefined> {
  const pidFile = join(cluster.installation.clusterDir, 'pgdata', 'postmaster.pid');
  const recorded = readPostmaster(pidFile);
  if (!recorded) return undefined;
  if (!isOurs(recorded.pid, cluster)) {
    // Somebody else has the number now, or the process is a zombie. PostgreSQL would see "a process is alive" and
    // refuse for ever; live backends are still found by it through shared memory.
    if (processAnswers(recorded.pid)) rmSync(pidFile, { force: true });
    return undefined;
  }
  const portFits = cluster.options.port === 0 || cluster.options.port === recorded.port;
  const address = { ...cluster.credentials, port: recorded.port };
  if (portFits && (await answersSoon(address, recorded.pid))) return { pid: recorded.pid, address };
  await stopProcess(recorded.pid, STOP_STEPS);
  return undefined;
}

async function answersSoon(address: PostgresAddress, pid: number): Promise<boolean> {
  const outcome = await waitFor(ADOPT_TIMEOUT_MS, async () => {
    if (!isAlive(pid)) return 'dead';
    return (await probePostgres(address)) === 'ready' ? 'ready' : undefined;
  });
  return outcome === 'ready';
}

function isOurs(pid: number, cluster: Cluster): boolean {
  return isAlive(pid) && commandLine(pid).includes(join(cluster.installation.clusterDir, 'pgdata'));
}

function processAnswers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function readPostmaster(pidFile: string): { readonly pid: number; readonly port: number } | undefined {
  if (!existsSync(pidFile)) return undefined;
  const lines = readFileSync(pidFile, 'utf8').split('\n');
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  return Number.isInteger(pid) && pid > 0 && Number.isInteger(port) ? { pid, port } : undefined;
}

async function launchPatiently(cluster: Cluster): Promise<RunningServer> {
  const deadline = Date.now() + LEFTOVER_BACKENDS_MS;
  for (;;) {
    const started = await launch(cluster);
    if ('pid' in started) return started;
    const backendsRemain = /shared memory block|lock file .* already exists/.test(started.failure);
    if (!backendsRemain || Date.now() > deadline) {
      throw new StartupError('SERVER_FAILED', `PostgreSQL did not start: ${started.failure}`);
    }
  }
}

async function launch(cluster: Cluster): Promise<RunningServer | { readonly failure: string }> {
  const { installation, options } = cluster;
  const port = options.port === 0 ? await freePort() : options.port;
  await requireFreePort({ port, purpose: options.purpose ?? 'the embedded PostgreSQL', setting: options.portSetting });
  const logFile = join(installation.clusterDir, 'server.log');
  const output = openLog(logFile);
  const child = spawn(installation.postgres, serverArguments(cluster, port), {
    ...installation.runAs,
    cwd: installation.clusterDir,
    env: installation.env,
    stdio: ['ignore', output.descriptor, output.descriptor],
    // Ctrl-C in the terminal must reach Muster only, which then stops its servers last.
    detached: true,
  });
  output.close();
  child.unref();
  const failure = await untilReady(child, { ...cluster.credentials, port }, cluster.log);
  if (failure !== undefined) return { failure: `${failure} ${tailOf(logFile, output.startsAt)}`.trim() };
  if (child.pid === undefined) return { failure: 'no process was made' };
  return { pid: child.pid, address: { ...cluster.credentials, port }, child };
}

function serverArguments({ installation, options }: Cluster, port: number): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // The path of a socket may not exceed 107 bytes, which a deep checkout does; nobody needs the socket.
    unix_socket_directories: '',
    max_connections: '200',
    ...(options.durable === false ? { fsync: 'off', full_page_writes: 'off' } : {}),
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', join(installation.clusterDir, 'pgdata'), ...flags];
}

/** Undefined when the server answers, else what happened. A pid file may still say "ready" from last time: connect. */
async function untilReady(
  child: ChildProcess,
  address: PostgresAddress,
  log: (line: string) => void,
): Promise<string | undefined> {
  let spawnFailure: string | undefined;
  child.once('error', (error) => {
    spawnFailure = error.message;
  });
  const outcome = await waitFor(
    READY_TIMEOUT_MS,
    async () => {
      if (spawnFailure !== undefined) return spawnFailure;
      if (child.exitCode !== null || child.signalCode !== null) return `it ended at once.`;
      const answer = await probePostgres(address);
      return answer === 'not yet' ? undefined : answer;
    },
    { everyMs: 10, onWaiting: (waitedS) => log(`PostgreSQL is recovering (${waitedS} s) ...`) },
  );
  if (outcome === 'ready') return undefined;
  return outcome ?? `it did not answer within ${READY_TIMEOUT_MS / 1000} s.`;
}
