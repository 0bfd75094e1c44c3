import type { AnyServiceError } from '@muster/sdk';
import { backoffMs } from '../domain/backoff';
import type { Release } from '../store/settle';

/** What a failed call means for the account: the one place where typed service errors become waiting and attention. */
export type FailureVerdict = Pick<Release, 'attention' | 'nextTryMs' | 'failures' | 'outcome' | 'error'> & {
  /** The whole service is concerned, not this account. */
  readonly service:
    { readonly kind: 'block'; readonly ms: number } | { readonly kind: 'pause'; readonly detail: string } | null;
};

/** Judges a failure. `failures` is the number before this one; throttling and service-wide trouble use up none. */
export function judgeFailure(error: AnyServiceError, failures: number, random: number): FailureVerdict {
  const shown = { kind: error.kind, message: error.message, ...(error.code === undefined ? {} : { code: error.code }) };
  switch (error.kind) {
    case 'throttled':
      return {
        attention: null,
        nextTryMs: null,
        failures,
        outcome: 'throttled',
        error: null,
        service: { kind: 'block', ms: error.retryAfterMs },
      };
    case 'misconfigured':
      return {
        attention: null,
        nextTryMs: null,
        failures,
        outcome: 'service paused',
        error: shown,
        service: { kind: 'pause', detail: error.message },
      };
    case 'rejected':
    case 'conflict':
      return {
        attention: 'rejected',
        nextTryMs: 'never',
        failures: failures + 1,
        outcome: 'rejected',
        error: shown,
        service: null,
      };
    case 'gone':
    case 'unavailable':
      return {
        attention: 'waiting',
        nextTryMs: backoffMs(failures + 1, random),
        failures: failures + 1,
        outcome: 'failed, will be tried again',
        error: shown,
        service: null,
      };
  }
}
