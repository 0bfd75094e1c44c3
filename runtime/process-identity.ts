import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

/**
 * What tells one process from a later one with the same number: its start time (and the machine's boot).
 * Undefined when the process is gone, or dead and not yet reaped (a zombie answers to signal 0 but does no work).
 */
export function processIdentity(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return process.platform === 'linux' ? linuxIdentity(pid) : portableIdentity(pid);
}

/** Whether the process does work; a zombie does not. */
export function isAlive(pid: number): boolean {
  return processIdentity(pid) !== undefined;
}

/** The command line of a process, its arguments parted by blanks; '' when it cannot be read. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return ps(pid, 'command=');
  } catch {
    return '';
  }
}

/** What a pid file says about a process that Muster started and may find again after a crash. */
export interface RecordedProcess {
  readonly pid: number;
  readonly identity: string;
  /** Whatever the starter wants to compare before it adopts the process, such as its port. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Writes who is running, so that a later start finds exactly this process again. */
export function recordProcess(file: string, pid: number, details: Readonly<Record<string, unknown>> = {}): void {
  const identity = processIdentity(pid);
  if (identity === undefined) return;
  writeFileSync(file, `${JSON.stringify({ pid, identity, details })}\n`, { mode: 0o600 });
}

/** The recorded process if it still runs; undefined when it ended or the number now belongs to another process. */
export function findRecordedProcess(file: string): RecordedProcess | undefined {
  const recorded = readRecord(file);
  if (!recorded || processIdentity(recorded.pid) !== recorded.identity) return undefined;
  return recorded;
}

/** Removes a pid file; a missing one is fine. */
export function forgetProcess(file: string): void {
  rmSync(file, { force: true });
}

function readRecord(file: string): RecordedProcess | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, identity, details } = value as Partial<RecordedProcess>;
    if (typeof pid !== 'number' || typeof identity !== 'string') return undefined;
    return { pid, identity, details: typeof details === 'object' && details !== null ? details : {} };
  } catch {
    // A missing or half-written file says nothing; the process it meant is then found by its port.
    return undefined;
  }
}

function linuxIdentity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may itself hold blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const state = fields[0];
    const startTicks = fields[19];
    if (state === 'Z' || state === 'X' || startTicks === undefined) return undefined;
    return `${bootId()}/${startTicks}`;
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'boot';
  }
}

function portableIdentity(pid: number): string | undefined {
  try {
    if (ps(pid, 'stat=').startsWith('Z')) return undefined;
    return ps(pid, 'lstart=') || undefined;
  } catch {
    return undefined;
  }
}

function ps(pid: number, column: string): string {
  const output = execFileSync('/bin/ps', ['-ww', '-o', column, '-p', String(pid)], {
    env: { LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return output.toString().trim();
}
