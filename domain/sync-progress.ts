/** How far a bulk run is, how fast it goes, and when it may end. Pure. */

/** What the rates are made of. */
export interface SyncPace {
  /** Accounts dealt with in the last `recentMs` (about 30 s, less at the beginning). */
  readonly recent: number;
  /** null = it has not begun. */
  readonly recentMs: number | null;
  /** Time in which it worked, pauses left out. null = it has not begun. */
  readonly activeMs: number | null;
  readonly servicePaused: boolean;
  /** The service has asked everybody to wait. */
  readonly throttled: boolean;
}

export interface ProgressFacts {
  readonly status: 'queued' | 'staging' | 'running' | 'paused' | 'succeeded' | 'failed' | 'cancelled';
  readonly total: number;
  readonly done: number;
  readonly pace: SyncPace;
}

/** Why a sync that has not ended does not go on now. */
export type SyncWait = 'its turn' | 'resume' | 'the service is paused' | 'the service asked to wait';

export interface ProgressReport {
  readonly done: number;
  /** Accounts a second in the last 30 s; null = not running. */
  readonly ratePerSecond: number | null;
  /** Accounts a second since it began, pauses left out; null = not begun. */
  readonly overallPerSecond: number | null;
  /** Milliseconds until it ends if it goes on like this; null = nobody can say. */
  readonly leftMs: number | null;
  readonly waitsFor: SyncWait | null;
}

/** A rate over less than this says nothing about the rest. */
const SHORTEST_MS = 1_000;

/** The report of a sync. An end is promised only while it moves: not queued, paused, throttled or standing still. */
export function reportProgress(facts: ProgressFacts): ProgressReport {
  const { status, total, done, pace } = facts;
  const waitsFor = waitOf(facts);
  const moves = status === 'running' && waitsFor === null;
  const ratePerSecond = moves ? rate(pace.recent, pace.recentMs) : null;
  const overallPerSecond = pace.activeMs === null ? null : rate(done, pace.activeMs);
  const leftMs =
    ratePerSecond === null || ratePerSecond === 0 ? null : Math.round(((total - done) / ratePerSecond) * 1000);
  return { done, ratePerSecond, overallPerSecond, leftMs: leftMs === null ? null : Math.max(0, leftMs), waitsFor };
}

function waitOf({ status, pace }: ProgressFacts): SyncWait | null {
  if (status === 'queued') return pace.servicePaused ? 'the service is paused' : 'its turn';
  if (status === 'paused') return 'resume';
  if (status !== 'running' && status !== 'staging') return null;
  if (pace.servicePaused) return 'the service is paused';
  return pace.throttled ? 'the service asked to wait' : null;
}

/** Two digits after the point; null = too short a time to tell. */
function rate(count: number, ms: number | null): number | null {
  if (ms === null || ms < SHORTEST_MS) return null;
  return Math.round((count / ms) * 100_000) / 100;
}
