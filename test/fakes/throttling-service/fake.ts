import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RateLimit } from '../../../domain/pacing';

export interface FakeSettings {
  readonly limits: readonly (RateLimit & { readonly route?: string; readonly phaseMs?: number })[];
  readonly latencyMs: number;
  /** See dialects.mjs. */
  readonly dialect: string;
  /** More calls at the same time are refused. */
  readonly atOnce: number;
  /** File for the journal, beside the one in memory. */
  readonly journal: string;
}

export interface FakeFault {
  readonly kind: 'reset' | 'hang' | 'status' | 'lost' | 'slow';
  readonly route?: string;
  /** Only for this account or group. */
  readonly key?: string;
  /** For so many calls; absent: until cleared. */
  readonly count?: number;
  readonly status?: number;
  readonly ms?: number;
}

export interface FakeCall {
  readonly atMs: number;
  readonly route: string;
  readonly key?: string;
  readonly status: number;
  readonly running: number;
}

export interface FakeSummary {
  readonly accepted: number;
  readonly rejected: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Accepted calls in the fullest span of a window's length, wherever it begins. */
  readonly mostInWindow: number;
  readonly mostAtOnce: number;
  /** Accepted calls of one kind that write one account or group. */
  readonly mostWritesOfOne: number;
}

/** The throttling service in a process of its own. */
export interface Fake {
  readonly url: string;
  journal(): Promise<readonly FakeCall[]>;
  summary(windowMs?: number): Promise<FakeSummary>;
  accounts(): Promise<{ readonly accounts: number; readonly made: number }>;
  set(settings: Partial<FakeSettings>): Promise<void>;
  fail(...faults: readonly FakeFault[]): Promise<void>;
  /** Somebody else uses so much of the same budget. */
  use(count: number): Promise<void>;
  clear(...what: readonly ('journal' | 'accounts')[]): Promise<void>;
  stop(): Promise<void>;
}

const PROGRAM = join(__dirname, 'main.mjs');

/** Starts the fake on ports of its own; it ends with this process. Compiled code must say where the program lies. */
export async function startFake(settings: Partial<FakeSettings>, program = PROGRAM): Promise<Fake> {
  const child = spawn(process.execPath, [program, JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the fake ended with ${code}`)));
  });
  const { url, control } = JSON.parse(line) as { readonly url: string; readonly control: string };
  const read = async <T>(path: string): Promise<T> => (await fetch(`${control}${path}`)).json() as Promise<T>;
  const write = async (path: string, body: unknown): Promise<void> => {
    const answer = await fetch(`${control}${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`the fake refuses ${path}: ${answer.status}`);
  };
  return {
    url,
    journal: () => read('/journal'),
    summary: (windowMs = 1_000) => read(`/summary?windowMs=${windowMs}`),
    accounts: () => read('/accounts'),
    set: (changed) => write('/settings', changed),
    fail: (...faults) => write('/faults', faults),
    use: (count) => write('/use', { count }),
    clear: (...what) => write('/clear', { what }),
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.stdin.end();
      }),
  };
}
