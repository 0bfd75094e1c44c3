import { readFileSync } from 'node:fs';

/** Clock ticks a second of /proc on every Linux that Muster runs on. */
const TICKS = 100;

/** CPU seconds that a process has used, with its ended children; undefined where /proc is not there. */
export function cpuSeconds(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index] ?? 0), 0);
    return ticks / TICKS;
  } catch {
    return undefined;
  }
}

/** Peak resident memory of a process in MiB; undefined where /proc is not there. */
export function peakMemoryMib(pid: number): number | undefined {
  try {
    const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line === null ? undefined : Math.round(Number(line[1]) / 1024);
  } catch {
    return undefined;
  }
}
