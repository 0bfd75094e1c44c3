import { paceOf } from './pacing';
import type { LearnedLimit } from './limit-learning';
import type { BudgetSettings, RateLimit } from './pacing';

/** What the row of a bucket says at one moment. */
export interface BucketState {
  /** '' = every call, else a route, e.g. `PATCH /users/{}`. */
  readonly bucket: string;
  readonly learned: LearnedLimit | null;
  /** Tokens of which a call arrived within the window; null = this limit is held by intervals, not by tokens. */
  readonly used: number | null;
  /** How long it is closed; 0 = open. */
  readonly blockedMs: number;
  /** Until the next call is allowed; 0 = now. */
  readonly nextInMs: number;
}

/** One limit that holds, and what of it is in use. */
export interface LimitUse {
  /** null = every call of the service. */
  readonly route: string | null;
  /** Calls in a window; what is left to the service's other users is taken off. */
  readonly limit: number;
  readonly windowMs: number;
  /** `set` by an operator, `told` by the service's answers, `guessed` from its refusals. */
  readonly source: 'set' | 'told' | 'guessed';
  /** null = not counted: calls are spread evenly. */
  readonly used: number | null;
  readonly free: number | null;
  readonly blockedMs: number;
  readonly nextInMs: number;
}

/** The limits that hold for a service now, and how much of each is in use. Empty = none is known, nothing is slowed down. */
export function budgetUse(settings: BudgetSettings, buckets: readonly BucketState[]): readonly LimitUse[] {
  const known = new Map(buckets.map((state) => [state.bucket, state]));
  const names = new Set(['', ...Object.keys(settings.routes ?? {}), ...known.keys()]);
  return [...names].flatMap((bucket) => useOf(settings, bucket, known.get(bucket)));
}

const NEVER_CALLED: Omit<BucketState, 'bucket'> = { learned: null, used: null, blockedMs: 0, nextInMs: 0 };

function useOf(settings: BudgetSettings, bucket: string, state = { bucket, ...NEVER_CALLED }): readonly LimitUse[] {
  const { limits, routes, leaveFree = 0 } = settings;
  const set = bucket === '' ? limits : routes?.[bucket];
  const slowest = slowestOf(set ?? (state.learned === null ? [] : [state.learned]), leaveFree);
  if (slowest === undefined) return [];
  const usable = Math.max(1, Math.floor(slowest.limit * (1 - leaveFree) + 1e-9));
  const used = state.used ?? (holdsTokens(slowest, leaveFree) ? 0 : null);
  return [
    {
      route: bucket === '' ? null : bucket,
      limit: usable,
      windowMs: slowest.windowMs,
      source: sourceOf(set !== undefined, slowest),
      used,
      free: used === null ? null : Math.max(0, usable - used),
      blockedMs: state.blockedMs,
      nextInMs: state.nextInMs,
    },
  ];
}

function sourceOf(isSet: boolean, { guessed }: LearnedLimit): LimitUse['source'] {
  if (isSet) return 'set';
  return guessed === true ? 'guessed' : 'told';
}

/** Several limits hold together; the slowest decides. */
function slowestOf(limits: readonly LearnedLimit[], leaveFree: number): LearnedLimit | undefined {
  const interval = (limit: RateLimit): number => paceOf([limit], leaveFree)?.intervalMs ?? 0;
  const [first, ...others] = limits;
  if (first === undefined) return undefined;
  return others.reduce((slowest, limit) => (interval(limit) > interval(slowest) ? limit : slowest), first);
}

function holdsTokens(limit: RateLimit, leaveFree: number): boolean {
  return (paceOf([limit], leaveFree)?.tokens ?? 0) > 0;
}
