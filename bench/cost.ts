import { cpuSeconds, memoryMib, peakMemoryMib } from './cpu';
import type { BenchMuster, Part } from './muster';
import { short } from './section';
import type { Table } from './section';

/** CPU seconds of each process of Muster at one moment. */
export type CpuMark = ReadonlyMap<Part, number>;

export function markCpu(muster: Pick<BenchMuster, 'parts'>): CpuMark {
  return new Map([...muster.parts()].map(([part, pid]) => [part, cpuSeconds(pid) ?? 0]));
}

/** What was used since, by kind of process: all workers count as one. A process that was killed meanwhile is left out. */
export function cpuSince(muster: Pick<BenchMuster, 'parts'>, before: CpuMark): ReadonlyMap<string, number> {
  const used = new Map<string, number>();
  for (const [part, seconds] of markCpu(muster)) {
    const kind = part.replace(/ \d+$/, '');
    used.set(kind, (used.get(kind) ?? 0) + seconds - (before.get(part) ?? 0));
  }
  return used;
}

export function sumOf(used: ReadonlyMap<string, number>): number {
  return [...used.values()].reduce((sum, seconds) => sum + seconds, 0);
}

/** Milliseconds of CPU for each account, by process. */
export function costTable(costs: readonly { readonly what: string; readonly cost: AccountCost }[]): Table {
  const kinds = [...new Set(costs.flatMap(({ cost }) => [...cost.used.keys()]))].sort();
  return {
    columns: ['CPU, ms an account', ...kinds, 'together'],
    rows: costs.map(({ what, cost: { used, accounts } }) => [
      what,
      ...kinds.map((kind) => short(((used.get(kind) ?? 0) * 1000) / accounts)),
      short((sumOf(used) * 1000) / accounts),
    ]),
  };
}

export interface AccountCost {
  readonly used: ReadonlyMap<string, number>;
  readonly accounts: number;
}

/** The highest memory that any worker has had so far, in MiB. */
export function workerPeakMib(muster: Pick<BenchMuster, 'parts'>): number {
  const peaks = [...muster.parts()].flatMap(([part, pid]) =>
    part.startsWith('worker') ? (peakMemoryMib(pid) ?? 0) : [],
  );
  return Math.max(0, ...peaks);
}

/** Memory of the workers over time. */
export interface MemoryCurve {
  /** Mean of the largest worker in this part of the time, in MiB: `from` and `to` between 0 and 1. */
  meanMib(from: number, to: number): number;
  stop(): void;
}

const SAMPLE_MS = 500;

export function watchMemory(muster: Pick<BenchMuster, 'parts'>): MemoryCurve {
  const samples: number[] = [];
  const timer = setInterval(() => {
    const sizes = [...muster.parts()].flatMap(([part, pid]) =>
      part.startsWith('worker') ? (memoryMib(pid) ?? 0) : [],
    );
    samples.push(Math.max(0, ...sizes));
  }, SAMPLE_MS);
  return {
    meanMib: (from, to) => {
      const chosen = samples.slice(Math.floor(from * samples.length), Math.ceil(to * samples.length));
      return chosen.reduce((sum, size) => sum + size, 0) / Math.max(1, chosen.length);
    },
    stop: () => clearInterval(timer),
  };
}
