import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { Connection } from '@temporalio/client';

import { openLog, tailOf } from './log-file';
import { freePort, requireFreePort } from './ports';
import { findRecordedProcess, forgetProcess, isAlive, recordProcess } from './process-identity';
import { asWriteError, StartupError } from './startup-error';
import { endAtOnce, stopProcess, watchExit } from './stop-process';
import { waitFor } from './wait-for';

/** How a Temporal development server is started. */
export interface TemporalServerOptions {
  /** Path of the `temporal` executable: see `findTemporalBinary`. */
  readonly binary: string;
  /** The SQLite file that keeps everything; its folder also holds the log and the pid file. */
  readonly dbFile: string;
  /** Loopback port of the gRPC API; 0 takes any free one. */
  readonly port: number;
  /** Loopback port of the web pages; 0 takes any free one, undefined leaves them out. */
  readonly uiPort?: number;
  /** The options or variables that change the ports, named when one is taken. */
  readonly portSetting?: string;
  readonly uiPortSetting?: string;
  readonly log?: (line: string) => void;
}

/** A running Temporal server. It outlives the process that started it unless `stop` is called. */
export interface TemporalServer {
  /** `127.0.0.1:<port>`, as the clients want it. */
  readonly address: string;
  readonly port: number;
  readonly uiUrl: string | undefined;
  readonly pid: number;
  /** True when it was running already, left behind by a start that was killed. */
  readonly adopted: boolean;
  /** Resolves with a few words when the server ends, whoever ended it. */
  readonly exited: Promise<string>;
  /** Stops it; workflows go on at the next start. */
  stop(): Promise<void>;
  /** Ends it at once; the next start recovers. */
  kill(): void;
}

/** Registered at every start, so that the web pages can filter by them. Muster's ids only, nothing personal. */
export const SEARCH_ATTRIBUTES = ['MusterService', 'MusterUser', 'MusterKind', 'MusterOutcome'] as const;

// The first two take a workflow from 150 to 36 ms (the defaults poll 20 times a
// second); the third lets timers below one second fire on time; the rest lifts limits made for shared clusters.
const DYNAMIC_CONFIG = [
  'history.transferProcessorMaxPollRPS=2000',
  'history.timerProcessorMaxPollRPS=2000',
  'history.timerProcessorMaxTimeShift="10ms"',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
  'matching.enableFairness=true',
  'frontend.namespaceRPS=20000',
  'frontend.rps=20000',
  'matching.rps=20000',
  'history.rps=20000',
  'frontend.namespaceCount=5000',
  'admin.matchingNamespaceTaskqueueToPartitionDispatchRate=10000',
  'frontend.namespaceRPS.visibility=100',
] as const;

const STOP_STEPS = [
  { signal: 'SIGTERM', graceMs: 10_000 },
  { signal: 'SIGKILL', graceMs: 2_000 },
] as const;
const READY_TIMEOUT_MS = 60_000;
const ADOPT_TIMEOUT_MS = 10_000;
const LOOPBACK = '127.0.0.1';

/**
 * Starts `temporal server start-dev` on the loopback interface and waits until it serves the namespace `default`.
 * An orphan of a killed start with the same settings is adopted, one with others is stopped first.
 * @throws StartupError PORT_TAKEN, NO_WRITE_PERMISSION, SERVER_FAILED
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  try {
    mkdirSync(dirname(options.dbFile), { recursive: true });
  } catch (error) {
    throw asWriteError(error, dirname(options.dbFile));
  }
  const pidFile = `${options.dbFile}.pid`;
  const running = (await adoptOrphan(options, pidFile)) ?? (await launch(options, pidFile));
  const { pid, port, uiPort, child } = running;
  return {
    address: addressOf(port),
    port,
    uiUrl: uiPort === undefined ? undefined : `http://${addressOf(uiPort)}`,
    pid,
    adopted: child === undefined,
    exited: watchExit(pid, child),
    stop: async () => {
      await stopProcess(pid, STOP_STEPS);
      forgetProcess(pidFile);
    },
    kill: () => endAtOnce(pid, 'SIGKILL'),
  };
}

/** Whether a Temporal server answers at an address and serves its namespace. */
export async function temporalServes(address: string, namespace = 'default'): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: 1_000 });
    try {
      await connection.withDeadline(Date.now() + 2_000, () =>
        connection.workflowService.describeNamespace({ namespace }),
      );
      return true;
    } finally {
      await connection.close();
    }
  } catch {
    // Not listening, still starting, or without the namespace: in each case it does not serve yet.
    return false;
  }
}

interface Running {
  readonly pid: number;
  readonly port: number;
  readonly uiPort: number | undefined;
  readonly child?: ChildProcess;
}

function addressOf(port: number): string {
  return `${LOOPBACK}:${port}`;
}

async function adoptOrphan(options: TemporalServerOptions, pidFile: string): Promise<Running | undefined> {
  const recorded = findRecordedProcess(pidFile);
  if (!recorded) return undefined;
  const { port, uiPort, settings } = recorded.details;
  if (typeof port === 'number' && settings === settingsKey(options) && fits(options.port, port)) {
    const uiFits = typeof uiPort === 'number' ? fits(options.uiPort, uiPort) : options.uiPort === undefined;
    const serves = uiFits && (await servesSoon(recorded.pid, port));
    if (serves) return { pid: recorded.pid, port, uiPort: typeof uiPort === 'number' ? uiPort : undefined };
  }
  await stopProcess(recorded.pid, STOP_STEPS);
  forgetProcess(pidFile);
  return undefined;
}

function fits(wanted: number | undefined, actual: number): boolean {
  return wanted === 0 || wanted === actual;
}

/** What must be the same for a running server to be as good as a new one. */
function settingsKey(options: TemporalServerOptions): string {
  return JSON.stringify([options.binary, DYNAMIC_CONFIG, SEARCH_ATTRIBUTES]);
}

async function servesSoon(pid: number, port: number): Promise<boolean> {
  const outcome = await waitFor(ADOPT_TIMEOUT_MS, async () => {
    if (!isAlive(pid)) return 'dead';
    return (await temporalServes(addressOf(port))) ? 'serves' : undefined;
  });
  return outcome === 'serves';
}

async function launch(options: TemporalServerOptions, pidFile: string): Promise<Running> {
  const port = options.port === 0 ? await freePort() : options.port;
  const uiPort = options.uiPort === 0 ? await freePort() : options.uiPort;
  await requireFreePort({ port, purpose: 'Temporal', setting: options.portSetting });
  if (uiPort !== undefined) {
    await requireFreePort({ port: uiPort, purpose: "Temporal's web pages", setting: options.uiPortSetting });
  }
  const logFile = join(dirname(options.dbFile), 'temporal.log');
  const output = openLog(logFile);
  const child = spawn(options.binary, serverArguments(options.dbFile, port, uiPort), {
    cwd: dirname(options.dbFile),
    // Nothing of the caller's environment: no secrets, and no TEMPORAL_* settings of the person's own.
    env: { PATH: '/usr/bin:/bin', HOME: dirname(options.dbFile) },
    stdio: ['ignore', output.descriptor, output.descriptor],
    // Ctrl-C in the terminal must reach Muster only, which then stops its servers last.
    detached: true,
  });
  output.close();
  child.unref();
  if (child.pid !== undefined) recordProcess(pidFile, child.pid, { port, uiPort, settings: settingsKey(options) });
  const failure = await untilServing(child, port, options.log);
  if (failure === undefined && child.pid !== undefined) return { pid: child.pid, port, uiPort, child };
  if (child.pid !== undefined) await stopProcess(child.pid, STOP_STEPS);
  forgetProcess(pidFile);
  throw new StartupError(
    'SERVER_FAILED',
    `Temporal did not start: ${failure} ${tailOf(logFile, output.startsAt)}`.trim(),
  );
}

function serverArguments(dbFile: string, port: number, uiPort: number | undefined): string[] {
  const pages = uiPort === undefined ? ['--headless'] : ['--ui-ip', LOOPBACK, '--ui-port', String(uiPort)];
  // WAL is three times as fast as the default and survives kill -9 of the server.
  const storage = ['--db-filename', dbFile, '--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'];
  const quiet = ['--ui-disable-news-fetch', '--disable-config-file', '--disable-config-env', '--log-level', 'warn'];
  const attributes = SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]);
  const settings = DYNAMIC_CONFIG.flatMap((setting) => ['--dynamic-config-value', setting]);
  const front = ['server', 'start-dev', '--ip', LOOPBACK, '--port', String(port)];
  return [...front, ...pages, ...storage, ...quiet, ...attributes, ...settings];
}

/** Undefined when it serves, else what happened. */
async function untilServing(
  child: ChildProcess,
  port: number,
  log: (line: string) => void = () => undefined,
): Promise<string | undefined> {
  let spawnFailure: string | undefined;
  child.once('error', (error) => {
    spawnFailure = error.message;
  });
  const outcome = await waitFor(
    READY_TIMEOUT_MS,
    async () => {
      if (spawnFailure !== undefined) return spawnFailure;
      if (child.exitCode !== null || child.signalCode !== null) return 'it ended at once.';
      return (await temporalServes(addressOf(port))) ? 'serving' : undefined;
    },
    { onWaiting: (waitedS) => log(`Temporal is starting (${waitedS} s) ...`) },
  );
  if (outcome === 'serving') return undefined;
  return outcome ?? `it did not answer within ${READY_TIMEOUT_MS / 1000} s.`;
}
