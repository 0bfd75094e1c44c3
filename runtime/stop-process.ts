import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

import { processIdentity } from './process-identity';
import { systemErrorCode } from './startup-error';

/** One step of a stop: the signal, and how long the process may take before the next step. */
export interface StopStep {
  readonly signal: NodeJS.Signals;
  readonly graceMs: number;
}

/**
 * Sends signals one after another until the process is gone, each with its own deadline.
 * Answers the signal that was needed, or undefined when the process was gone before.
 * @throws Error when it outlives the last step.
 */
export async function stopProcess(pid: number, steps: readonly StopStep[]): Promise<NodeJS.Signals | undefined> {
  const identity = processIdentity(pid);
  if (identity === undefined) return undefined;
  for (const { signal, graceMs } of steps) {
    if (!sendSignal(pid, signal)) return signal;
    if (await waitUntilGone(pid, identity, graceMs)) return signal;
  }
  throw new Error(`Process ${pid} did not end after ${steps.map((step) => step.signal).join(', ')}.`);
}

/** Sends one signal and does not wait; a process that is gone already is fine. */
export function endAtOnce(pid: number, signal: NodeJS.Signals): void {
  sendSignal(pid, signal);
}

/** Resolves with a few words when the process ends: at once for an own child, by looking for an adopted process. */
export function watchExit(pid: number, child?: ChildProcess): Promise<string> {
  if (child) {
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(exitWords(child));
    return new Promise((resolve) => {
      child.once('exit', () => resolve(exitWords(child)));
    });
  }
  return pollForExit(pid);
}

const ADOPTED_POLL_MS = 250;

function pollForExit(pid: number): Promise<string> {
  const identity = processIdentity(pid);
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (identity !== undefined && processIdentity(pid) === identity) return;
      clearInterval(timer);
      resolve('ended');
    }, ADOPTED_POLL_MS);
    // Watching must not by itself keep the program alive.
    timer.unref();
  });
}

function exitWords(child: ChildProcess): string {
  return child.signalCode === null ? `ended with exit code ${child.exitCode}` : `was killed by ${child.signalCode}`;
}

async function waitUntilGone(pid: number, identity: string, graceMs: number): Promise<boolean> {
  const deadline = Date.now() + graceMs;
  for (;;) {
    if (processIdentity(pid) !== identity) return true;
    if (Date.now() >= deadline) return false;
    await delay(10);
  }
}

/** False when the process is gone already. */
function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ESRCH') return false;
    throw error;
  }
}
