import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A process of Muster as it runs in production: `node dist/<entry>`, its own memory, killed like any other. */
export interface RealProcess {
  readonly pid: number;
  /** How it ended: the signal that killed it, or `exit <code>`. */
  readonly ended: Promise<string>;
  /** Resolves when it says that it is ready. Throws with the end of its log when it ends before. */
  ready(): Promise<void>;
  /** Its last output. */
  log(): string;
  /** How it ended by itself; `alive` if it did not in time, and then it is killed. */
  deathWithin(timeoutMs: number): Promise<string>;
  /** `kill -9`, and waits until it is gone. */
  kill(): Promise<string>;
}

const LOG_CHARACTERS = 200_000;
const running = new Set<RealProcess>();

/** Starts `dist/workers/main.js` or `dist/api/main.js` with this environment and nothing of the test's own. */
export function startRealProcess(entry: 'workers' | 'api', env: Readonly<Record<string, string>>): RealProcess {
  const file = join(__dirname, '../../dist', entry, 'main.js');
  if (!existsSync(file)) throw new Error(`${file} is missing: run "npm run build" first.`);
  const child = spawn(process.execPath, [file], { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-LOG_CHARACTERS);
    });
  }
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit ${code}`));
  });
  const ready = new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    void ended.then((how) =>
      reject(new Error(`${entry} ended before it was ready (${how}):\n${output.slice(-3_000)}`)),
    );
  });
  // Whoever does not ask whether it became ready hears of its end by `ended`.
  ready.catch(() => undefined);
  const kill = (): Promise<string> => {
    child.kill('SIGKILL');
    return ended;
  };
  const started: RealProcess = {
    pid: child.pid ?? 0,
    ended,
    ready: () => ready,
    log: () => output,
    deathWithin: async (timeoutMs) => {
      const death = await within(timeoutMs, ended);
      if (death === undefined) await kill();
      return death ?? 'alive';
    },
    kill,
  };
  running.add(started);
  void ended.then(() => running.delete(started));
  return started;
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T | undefined> {
  const clock = new AbortController();
  const late = delay(timeoutMs, undefined, { signal: clock.signal }).catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clock.abort();
  }
}

/** For the end of a test file: nothing that it started lives on. */
export async function killAllProcesses(): Promise<void> {
  await Promise.all([...running].map((started) => started.kill()));
}
