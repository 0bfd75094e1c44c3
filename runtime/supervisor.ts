import { setTimeout as delay } from 'node:timers/promises';

import { withProgress } from './progress';
import { messageOf } from './startup-error';

/** Something that was started and can end by itself. */
export interface RunningComponent {
  /** Resolves with a few words ("was killed by SIGKILL") when it ends, whoever ended it. */
  readonly exited: Promise<string>;
  /** Stops it in an orderly way, within its own deadlines. */
  stop(): Promise<void>;
  /** Ends it at once: the person does not want to wait. */
  kill(): void;
}

/** Something the supervisor keeps running. */
export interface Component<Running extends RunningComponent> {
  /** As it is called in messages, such as `PostgreSQL`. */
  readonly name: string;
  /** Called for the first start and for every restart: ports must stay the same, so never give 0 here. */
  start(): Promise<Running>;
}

/** Keeps components running until it is told to stop; then stops them in the reverse order of their start. */
export interface Supervisor {
  /** Aborted when the stop begins: hand it to whatever else would go on meanwhile. */
  readonly stopping: AbortSignal;
  /** Resolves when everything is stopped. */
  readonly stopped: Promise<void>;
  /**
   * Starts a component and from then on restarts it whenever it ends.
   * @throws what the first start throws; SupervisorStopping once the stop has begun
   */
  start<Running extends RunningComponent>(component: Component<Running>): Promise<Running>;
  /** Stops everything, last started first. A second call waits for the first. */
  stop(): Promise<void>;
  /** Ends everything at once. */
  kill(): void;
}

/** The start was overtaken by the stop: not a failure, nothing to report. */
export class SupervisorStopping extends Error {
  override readonly name = 'SupervisorStopping';
}

/** Pauses between restarts; doubled each time, forgotten after a component has lived for a while. */
export interface RestartPace {
  readonly firstMs: number;
  readonly longestMs: number;
  readonly forgottenAfterMs: number;
}

const RESTART_PACE: RestartPace = { firstMs: 200, longestMs: 10_000, forgottenAfterMs: 30_000 };

interface Kept {
  readonly name: string;
  running: RunningComponent | undefined;
  /** Settled when nothing of this component starts or restarts any more. */
  settled: Promise<void>;
}

/** A supervisor without components. `log` gets one line for a person at a time. */
export function createSupervisor(options: {
  readonly log: (line: string) => void;
  readonly pace?: RestartPace;
}): Supervisor {
  const { log, pace = RESTART_PACE } = options;
  const abort = new AbortController();
  const kept: Kept[] = [];
  let stopping: Promise<void> | undefined;
  let finish: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const stop = () => {
    stopping ??= stopAll(kept, { log, abort }).then(finish);
    return stopping;
  };
  return {
    stopping: abort.signal,
    stopped,
    stop,
    start: (component) => startAndKeep(component, kept, { log, pace, signal: abort.signal }),
    kill: () => {
      abort.abort();
      for (const { running } of kept.toReversed()) running?.kill();
    },
  };
}

/**
 * Ctrl-C, SIGTERM and a closed terminal stop the supervisor; a second one, a second later or more, ends everything
 * at once. (npm hands a Ctrl-C on to a program that already got it from the terminal: twins are one.)
 */
export function stopOnSignals(supervisor: Supervisor, log: (line: string) => void): void {
  let firstAt: number | undefined;
  const onSignal = () => {
    const now = Date.now();
    if (firstAt === undefined) {
      firstAt = now;
      log('Stopping; press Ctrl-C again to end everything at once.');
      void supervisor.stop();
      return;
    }
    if (now - firstAt < TWIN_SIGNAL_MS) return;
    log('Ended at once; the next start recovers.');
    supervisor.kill();
    process.exit(EXIT_INTERRUPTED);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
}

const TWIN_SIGNAL_MS = 1_000;
const EXIT_INTERRUPTED = 130;

interface Keeping {
  readonly log: (line: string) => void;
  readonly pace: RestartPace;
  readonly signal: AbortSignal;
}

async function startAndKeep<Running extends RunningComponent>(
  component: Component<Running>,
  kept: Kept[],
  keeping: Keeping,
): Promise<Running> {
  if (keeping.signal.aborted) throw new SupervisorStopping();
  const starting = withProgress(`Starting ${component.name}`, keeping.log, () => component.start());
  const entry: Kept = { name: component.name, running: undefined, settled: Promise.resolve() };
  kept.push(entry);
  entry.settled = starting.then(
    (running) => {
      entry.running = running;
    },
    () => undefined,
  );
  const running = await starting;
  if (keeping.signal.aborted) throw new SupervisorStopping();
  entry.settled = keepRunning(component, entry, keeping);
  return running;
}

/** Ends when the stop begins; whatever runs then is in `entry.running`. */
async function keepRunning(component: Component<RunningComponent>, entry: Kept, keeping: Keeping): Promise<void> {
  const { log, pace, signal } = keeping;
  let pauseMs = pace.firstMs;
  let startedAt = Date.now();
  while (!signal.aborted) {
    if (entry.running) {
      const end = await firstOf(entry.running.exited, signal);
      if (end === undefined) return;
      entry.running = undefined;
      log(sentence(`${component.name} ${end}; it is started again.`));
      if (Date.now() - startedAt >= pace.forgottenAfterMs) pauseMs = pace.firstMs;
    }
    await pause(pauseMs, signal);
    if (signal.aborted) return;
    pauseMs = Math.min(pauseMs * 2, pace.longestMs);
    startedAt = Date.now();
    entry.running = await restart(component, log);
  }
}

/** Names are written as inside a sentence ("the worker"). */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

async function restart(
  component: Component<RunningComponent>,
  log: (line: string) => void,
): Promise<RunningComponent | undefined> {
  try {
    const running = await component.start();
    log(sentence(`${component.name} runs again.`));
    return running;
  } catch (error) {
    log(sentence(`${component.name} could not be started again and is tried once more: ${messageOf(error)}`));
    return undefined;
  }
}

async function stopAll(
  kept: readonly Kept[],
  { log, abort }: { readonly log: (line: string) => void; readonly abort: AbortController },
): Promise<void> {
  abort.abort();
  for (const entry of kept.toReversed()) {
    await entry.settled;
    const { running, name } = entry;
    if (!running) continue;
    try {
      await withProgress(`Stopping ${name}`, log, () => running.stop());
    } catch (error) {
      // The others must be stopped all the same; the next start deals with what is left.
      log(sentence(`${name} could not be stopped: ${messageOf(error)}`));
    }
  }
}

/** The words of the end, or undefined when the signal came first. */
function firstOf(exited: Promise<string>, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const onAbort = () => resolve(undefined);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void exited.then((words) => {
      signal.removeEventListener('abort', onAbort);
      resolve(words);
    });
  });
}

async function pause(pauseMs: number, signal: AbortSignal): Promise<void> {
  await delay(pauseMs, undefined, { signal }).catch(() => undefined);
}
