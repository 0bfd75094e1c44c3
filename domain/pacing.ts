/**
 * The arithmetic of a service's budget: how fast calls may be made so that no limit is exceeded, however the service
 * counts. Times are milliseconds; moments are milliseconds since 1970 by the database's clock.
 */

/** How a service counts: windows that begin anew, a bucket that refills, or a strict log of the last window. */
export type LimitKind = 'window' | 'bucket' | 'log';

/** At most `limit` calls in `windowMs`. */
export interface RateLimit {
  readonly limit: number;
  readonly windowMs: number;
  /** Default `window`. */
  readonly kind?: LimitKind | undefined;
  /** What a bucket holds when it is full. Default: a tenth of `limit`, at least 2. */
  readonly burst?: number | undefined;
}

/** What an operator may set about the budget of a service. */
export interface BudgetSettings {
  /** For every call. Several hold together. */
  readonly limits?: readonly RateLimit[] | undefined;
  /** By route, e.g. `PATCH /users/{}`; beside the limits of the service. */
  readonly routes?: Readonly<Record<string, readonly RateLimit[]>> | undefined;
  /** The part of every limit, learned ones included, that is left to the service's other users: 0 (default) to 0.9. */
  readonly leaveFree?: number | undefined;
  /** Calls at the same time over all worker processes; 1 = one after the other. Default: no cap beyond each process's. */
  readonly concurrency?: number | undefined;
}

/** A limit as the limiter uses it. */
export interface Pace {
  /** Between two permits. */
  readonly intervalMs: number;
  /** How far a permit may be behind its time and be caught up with. */
  readonly toleranceMs: number;
  /** With tokens: how long a token rests after the call that it was used for has arrived. */
  readonly windowMs: number;
  /** Each permit uses one of so many tokens; 0 = the interval alone holds the limit. */
  readonly tokens: number;
  /** How long after its permit a call is believed to have arrived, as long as no answer proves that it was earlier. */
  readonly settleMs: number;
  /** A permit that is later than this is not used any more. */
  readonly latestMs: number;
  /**
   * When no answer at all comes for so much longer than a call takes, the service stands still: what is sent meanwhile
   * would arrive all at once. 0 = that is known from the answers.
   */
  readonly stallMs: number;
}

/** Bulk takes permits at most so far ahead: what a crash loses, and what a person waits for at most. */
export const BULK_AHEAD_MS = 150;
/** A person's call may wait so long for its permit; what is further away is waited for without a call slot. */
export const PERSON_AHEAD_MS = 3_000;
/** Bulk's own share lies behind what persons have taken, and no further away than this. */
export const BULK_DUE_AHEAD_MS = 2 * PERSON_AHEAD_MS;
const AHEAD_MS = { bulk: BULK_AHEAD_MS, person: PERSON_AHEAD_MS } as const;
/** The part that bulk keeps while persons alone could use up everything. */
export const BULK_SHARE = 0.2;

const TOLERANCE_MS = 25;
const LATEST_MS = 30;
/**
 * Where tokens hold the limit, what was lost may be caught up with: at this part of the exact interval. Nearer to one, tokens that
 * become free together would wait for each other (0.98: 10 ms of each second, measured at 300/s).
 */
const CATCH_UP = 0.93;
/** Tokens know how late a call was, so late permits do no harm; but what a crash leaves open rests so much longer. */
const LATEST_WITH_TOKENS_MS = 100;
/** How much later than sent a call arrives at most, where only a strict log would notice more. */
const TRAVEL_MS = 50;
/** A strict log is not believed to have seen a call before its answer proves it. */
const STRICT_TRAVEL_MS = 250;
/** Windows of these lengths are held exactly, by tokens: shorter ones are over before a report comes, longer ones have room. */
const TOKENS_FROM_MS = 500;
const TOKENS_TO_MS = 30_000;
const MOST_TOKENS = 1_000;

/** The pace that keeps every one of the limits; undefined when there is none. Calls are spread, so the slowest decides. */
export function paceOf(limits: readonly RateLimit[], leaveFree = 0): Pace | undefined {
  const paces = limits.map((limit) => paceOfLimit(limit, leaveFree));
  const [first, ...others] = paces;
  if (first === undefined) return undefined;
  return others.reduce((slowest, pace) => (pace.intervalMs > slowest.intervalMs ? pace : slowest), first);
}

function paceOfLimit({ limit, windowMs, kind = 'window', burst }: RateLimit, leaveFree: number): Pace {
  const share = Math.min(0.9, Math.max(0, leaveFree));
  const permits = Math.max(1, Math.floor(limit * (1 - share) + 1e-9));
  if (kind === 'bucket') return bucketPace(windowMs / permits, windowMs, burst ?? Math.max(2, limit / 10));
  if (windowMs >= TOKENS_FROM_MS && windowMs <= TOKENS_TO_MS && permits <= MOST_TOKENS) {
    return {
      intervalMs: (windowMs / permits) * CATCH_UP,
      toleranceMs: TOLERANCE_MS,
      windowMs,
      tokens: permits,
      settleMs: LATEST_WITH_TOKENS_MS + (kind === 'log' ? STRICT_TRAVEL_MS : TRAVEL_MS),
      latestMs: LATEST_WITH_TOKENS_MS,
      stallMs: kind === 'log' ? 0 : TRAVEL_MS / 2,
    };
  }
  // Permits that are late, early by the tolerance, or long on their way must still fit into one window.
  const slackMs = TOLERANCE_MS + LATEST_MS + TRAVEL_MS;
  const intervalMs = (windowMs + slackMs) / permits;
  const loose = { toleranceMs: TOLERANCE_MS, tokens: 0, settleMs: 0, latestMs: LATEST_MS, stallMs: TRAVEL_MS };
  return { ...loose, intervalMs, windowMs };
}

/** A bucket forgives what it holds: calls that arrive late, what is caught up with, what was sent while the service stood still. */
function bucketPace(exactMs: number, windowMs: number, burst: number): Pace {
  const intervalMs = exactMs * 1.001;
  const heldMs = (Math.max(1, burst) - 1) * intervalMs;
  const toleranceMs = Math.min(TOLERANCE_MS, heldMs / 6);
  const latestMs = Math.min(100, heldMs / 3);
  return {
    intervalMs,
    toleranceMs,
    windowMs,
    tokens: 0,
    settleMs: 0,
    latestMs,
    stallMs: Math.min(TRAVEL_MS, heldMs / 4),
  };
}

/** What the row of a bucket holds. */
export interface BudgetState {
  /** Permits given so far. */
  readonly taken: number;
  /** When the next one is due. */
  readonly nextFreeMs: number;
  /** From when bulk may have one even if persons ask for all. */
  readonly bulkDueMs: number;
  /** Up to when persons have reserved. */
  readonly personsUntilMs: number;
  readonly blockedUntilMs: number;
  /** By token: when its last call has arrived at the latest. */
  readonly log: readonly number[];
}

export type Lane = 'person' | 'bulk';

export interface PermitRequest {
  readonly lane: Lane;
  readonly count: number;
}

/** The right to make one call. */
export interface GrantedPermit {
  /** From when it may be used. */
  readonly atMs: number;
  /** Which token it uses; 0 where there are none. */
  readonly token: number;
}

export interface PermitGrant {
  readonly state: BudgetState;
  /** Empty = none now. */
  readonly permits: readonly GrantedPermit[];
  /** How long to wait before asking again, when there is none. */
  readonly waitMs: number;
}

/**
 * Gives permits. A token rests from the arrival of its call for a whole window, so no window of any position holds more
 * calls than there are tokens. The one that is free first is taken: one whose call was late keeps nobody else waiting. Only
 * bulk, which is never far ahead, takes a token whose call is still out: most calls arrive long before they are believed to.
 * The database function `take_permits` does the same under the lock of the row; a test holds the two together. This one is
 * here to be reasoned about.
 */
export function grantPermits(
  state: BudgetState,
  pace: Pace,
  request: PermitRequest & { readonly nowMs: number },
): PermitGrant {
  const log = pace.tokens === state.log.length ? [...state.log] : Array.from({ length: pace.tokens }, () => 0);
  const tokens = freeFirst(log, request.count);
  let nextFreeMs = Math.max(state.nextFreeMs, request.nowMs - pace.toleranceMs, state.blockedUntilMs);
  const permits: GrantedPermit[] = [];
  for (const { token, arrivedMs } of tokens) {
    const isFirst = permits.length === 0;
    const atMs = Math.max(nextFreeMs, arrivedMs + pace.windowMs);
    const waitMs = waitFor({ atMs, arrivedMs }, isFirst ? bulksOwn(state, request) : undefined, request);
    if (waitMs > 0 && isFirst) return { state, permits, waitMs };
    if (waitMs > 0) break;
    permits.push({ atMs, token });
    nextFreeMs = Math.max(nextFreeMs, atMs - pace.toleranceMs) + pace.intervalMs;
  }
  for (const { atMs, token } of permits) if (pace.tokens > 0) log[token] = atMs + pace.settleMs;
  const taken = state.taken + permits.length;
  const reserved = reservedBy(request, { state, pace, lastMs: permits.at(-1)?.atMs ?? 0 });
  return { state: { ...state, ...reserved, taken, nextFreeMs, log }, permits, waitMs: 0 };
}

/** The tokens that are free first, at most so many; where there are none, as many that always are. */
function freeFirst(
  log: readonly number[],
  count: number,
): readonly { readonly token: number; readonly arrivedMs: number }[] {
  if (log.length === 0) return Array.from({ length: count }, () => ({ token: 0, arrivedMs: Number.NEGATIVE_INFINITY }));
  return log
    .map((arrivedMs, token) => ({ token, arrivedMs }))
    .sort((one, other) => one.arrivedMs - other.arrivedMs || one.token - other.token)
    .slice(0, count);
}

type Asking = PermitRequest & { readonly nowMs: number };

/** When bulk is due what persons cannot take from it; undefined: nothing is between it and the next permit. */
function bulksOwn({ personsUntilMs, bulkDueMs }: BudgetState, { lane, nowMs }: Asking): number | undefined {
  return lane === 'bulk' && personsUntilMs > nowMs ? bulkDueMs : undefined;
}

/** How long until a permit for this moment can be had; 0 or less: now. */
function waitFor(
  { atMs, arrivedMs }: { readonly atMs: number; readonly arrivedMs: number },
  ownDueMs: number | undefined,
  { lane, nowMs }: Asking,
): number {
  const aheadMs = atMs - nowMs - AHEAD_MS[lane];
  const waitMs = lane === 'person' ? Math.max(aheadMs, arrivedMs - nowMs) : aheadMs;
  if (ownDueMs === undefined || atMs > nowMs + BULK_DUE_AHEAD_MS) return waitMs;
  return Math.min(waitMs, ownDueMs - nowMs);
}

/** What a lane's permits leave for the next to ask. */
function reservedBy(
  { lane, nowMs }: Asking,
  { state, pace, lastMs }: { readonly state: BudgetState; readonly pace: Pace; readonly lastMs: number },
): Partial<BudgetState> {
  return lane === 'bulk'
    ? { bulkDueMs: nextBulkDue(state.bulkDueMs, nowMs, pace) }
    : { personsUntilMs: Math.max(state.personsUntilMs, lastMs) };
}

/** Who asks a little late does not lose by it, but nobody catches up with more than one. */
function nextBulkDue(dueMs: number, nowMs: number, { intervalMs }: Pace): number {
  const stepMs = intervalMs / BULK_SHARE;
  return Math.min(Math.max(dueMs + stepMs, nowMs), nowMs + stepMs);
}

/** Nobody needs to come back at the very moment that a 429 named: up to a twentieth of the wait later, at most 2 s. */
export function reopenAfterMs(waitMs: number, random: number): number {
  return Math.ceil(waitMs + Math.min(2_000, 20 + waitMs / 20) * random);
}
