import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';

import { openLog, tailOf } from './log-file';
import type { OpenLog } from './log-file';
import { findRecordedProcess, forgetProcess, recordProcess } from './process-identity';
import { StartupError } from './startup-error';
import { stopProcess, watchExit } from './stop-process';
import type { RunningComponent } from './supervisor';
import { waitFor } from './wait-for';

/** One process of Muster's own: the API or a worker. */
export interface ChildOptions {
  /** As it is called in messages, such as `API`. */
  readonly name: string;
  /** The compiled entry file, such as `dist/api/main.js`. */
  readonly entry: string;
  readonly args?: readonly string[];
  /** The whole environment of the process. Secrets go in here or in files, never in `args`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where it is recorded, so that a start after a kill finds the orphan and stops it. */
  readonly pidFile: string;
  /** Where its output goes; to this program's own output unless told. */
  readonly logFile?: string;
  /** Asked until it says yes; a process without it counts as ready once it runs. */
  readonly ready?: () => Promise<boolean>;
  /** 60,000 unless told. */
  readonly readyTimeoutMs?: number;
  /** How long it may drain after SIGTERM before it is killed; 20,000 unless told. */
  readonly drainMs?: number;
}

const DEFAULT_READY_TIMEOUT_MS = 60_000;
const DEFAULT_DRAIN_MS = 20_000;
const KILL_GRACE_MS = 2_000;

/**
 * Starts a Node process and waits until it is ready. An orphan of a killed start is drained first: its output and
 * its environment are those of another run, so it is not adopted.
 * @throws StartupError SERVER_FAILED with the last lines of its log
 */
export async function startChild(options: ChildOptions): Promise<RunningComponent & { readonly pid: number }> {
  const { name, pidFile } = options;
  await stopOrphan(options);
  mkdirSync(dirname(pidFile), { recursive: true });
  const output = options.logFile === undefined ? undefined : openLog(options.logFile);
  const child = spawnChild(options, output);
  output?.close();
  const { pid } = child;
  if (pid === undefined) throw new StartupError('SERVER_FAILED', `${name} could not be started: no process was made.`);
  recordProcess(pidFile, pid, { entry: basename(options.entry) });
  const failure = await untilReady(child, options);
  if (failure !== undefined) {
    await stopProcess(pid, [{ signal: 'SIGKILL', graceMs: KILL_GRACE_MS }]);
    const lines = options.logFile === undefined ? '' : tailOf(options.logFile, output?.startsAt ?? 0);
    throw new StartupError('SERVER_FAILED', failureText(name, failure, lines));
  }
  return {
    pid,
    exited: watchExit(pid, child),
    stop: async () => {
      await stopProcess(pid, stopSteps(options));
      forgetProcess(pidFile);
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

/** A process that says in one line of its own why it ends (`muster api: ...`) needs no other words. */
function failureText(name: string, failure: string, lines: string): string {
  const [, reason] = /(?:^|\| )muster [a-z]+: ([^|]+)$/.exec(lines.trim()) ?? [];
  return reason === undefined
    ? `${name} did not start: it ${failure}. ${lines}`.trim()
    : `${name} did not start: ${reason}`;
}

/** Whether an address answers with success; for `ready`. */
export async function answersHttp(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

function stopSteps(options: ChildOptions): { readonly signal: NodeJS.Signals; readonly graceMs: number }[] {
  return [
    { signal: 'SIGTERM', graceMs: options.drainMs ?? DEFAULT_DRAIN_MS },
    { signal: 'SIGKILL', graceMs: KILL_GRACE_MS },
  ];
}

async function stopOrphan(options: ChildOptions): Promise<void> {
  const orphan = findRecordedProcess(options.pidFile);
  if (orphan) await stopProcess(orphan.pid, stopSteps(options));
  forgetProcess(options.pidFile);
}

function spawnChild(options: ChildOptions, output: OpenLog | undefined): ChildProcess {
  const target = output?.descriptor ?? 'inherit';
  const child = spawn(process.execPath, ['--enable-source-maps', options.entry, ...(options.args ?? [])], {
    env: { ...options.env },
    stdio: ['ignore', target, target],
    // Ctrl-C in the terminal must reach Muster only, which then stops its processes in order.
    detached: true,
  });
  // Without a listener a failed spawn would end this program; the missing pid says enough.
  child.once('error', () => undefined);
  return child;
}

async function untilReady(child: ChildProcess, options: ChildOptions): Promise<string | undefined> {
  const { ready, readyTimeoutMs = DEFAULT_READY_TIMEOUT_MS } = options;
  if (!ready) return undefined;
  const outcome = await waitFor(readyTimeoutMs, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return watchExit(child.pid ?? 0, child);
    return (await ready()) ? 'ready' : undefined;
  });
  if (outcome === 'ready') return undefined;
  return outcome ?? `was not ready within ${readyTimeoutMs / 1000} s`;
}
