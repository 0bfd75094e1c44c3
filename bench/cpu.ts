import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second of /proc on every Linux that Muster runs on. */
const TICKS = 100;

/**
 * CPU seconds that a process and all below it have used; undefined where /proc is not there. PostgreSQL works in children
 * that come and go: those that ended count with the parent that waited for them.
 */
export function cpuSeconds(pid: number): number | undefined {
  const children = childrenByParent();
  const own = ticksOf(pid);
  if (children === undefined || own === undefined) return undefined;
  let ticks = 0;
  for (const open = [pid]; open.length > 0;) {
    const next = open.pop() ?? pid;
    ticks += ticksOf(next) ?? 0;
    open.push(...(children.get(next) ?? []));
  }
  return ticks / TICKS;
}

/** Peak resident memory of a process in MiB; undefined where /proc is not there. */
export function peakMemoryMib(pid: number): number | undefined {
  return statusMib(pid, 'VmHWM');
}

/** Resident memory of a process now, in MiB; undefined where /proc is not there. */
export function memoryMib(pid: number): number | undefined {
  return statusMib(pid, 'VmRSS');
}

function statusMib(pid: number, field: 'VmHWM' | 'VmRSS'): number | undefined {
  try {
    const line = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line === null ? undefined : Math.round(Number(line[1]) / 1024);
  } catch {
    return undefined;
  }
}

/** The fields of /proc/<pid>/stat from the state on. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return undefined;
  }
}

/** Its own time and that of ended children, in user mode and in the kernel. */
function ticksOf(pid: number): number | undefined {
  const fields = statOf(pid);
  return fields === undefined ? undefined : [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at] ?? 0), 0);
}

function childrenByParent(): ReadonlyMap<number, readonly number[]> | undefined {
  try {
    const children = new Map<number, number[]>();
    for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const parent = Number(statOf(Number(entry))?.[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    }
    return children;
  } catch {
    return undefined;
  }
}
