/** When a service as a whole is taken to be broken, and how often it is then looked at. */

/** Settings of a service's breaker. */
export interface BreakerLimits {
  /** So many calls in a row found the service away (network, 5xx, timeout), with no success in between. Default 10. */
  readonly failures: number;
  /** So many in a row were refused, with no success in between: more likely the service's fault than theirs. Default 50. */
  readonly rejections: number;
  /** Of so many different accounts at least: one that fails alone says nothing about the service. Default 3. */
  readonly accounts: number;
  /** First look at a service that is away, in seconds; then twice as long each time. Default 10. */
  readonly probeSeconds: number;
  /** Longest time between two looks, in seconds. Default 600. */
  readonly longestProbeSeconds: number;
}

/** What differs from the default. */
export type BreakerSettings = Readonly<Partial<BreakerLimits>>;

export const DEFAULT_BREAKER: BreakerLimits = {
  failures: 10,
  rejections: 50,
  accounts: 3,
  probeSeconds: 10,
  longestProbeSeconds: 600,
};

export type CountedFailure = 'unavailable' | 'too many failures';

/** Failures in a row, and of how many different accounts. */
export interface FailureStreak {
  readonly failures: number;
  readonly accounts: number;
}

/** Does this streak mean that the service is broken? */
export function opensBreaker(settings: BreakerSettings, kind: CountedFailure, streak: FailureStreak): boolean {
  const limits = { ...DEFAULT_BREAKER, ...settings };
  const longest = kind === 'unavailable' ? limits.failures : limits.rejections;
  return streak.failures >= longest && streak.accounts >= limits.accounts;
}
