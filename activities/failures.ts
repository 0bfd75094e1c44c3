import type { AnyServiceError, Throttled } from '@muster/sdk';
import type { CountedFailure } from '../domain/breaker';
import { backoffMs } from '../domain/backoff';
import type { Release } from '../store/settle';

/** What a failed call means for the account: the one place where typed service errors become waiting and attention. */
export type FailureVerdict = Pick<Release, 'attention' | 'nextTryMs' | 'failures' | 'outcome' | 'error'> & {
  /** The whole service is concerned, not this account. */
  readonly service:
    | { readonly kind: 'block'; readonly ms: number }
    | { readonly kind: 'pause'; readonly detail: string }
    /** Nothing by itself; many in a row, of different accounts, mean that the service is broken. */
    | { readonly kind: 'count'; readonly as: CountedFailure; readonly detail: string }
    | null;
};

/** The service asked everybody to wait; not: one kind of call, or our own budget, which keeps the others' time itself. */
export function closesService(error: Throttled): boolean {
  return error.scope === 'service' && error.code !== 'budget';
}

/** Judges a failure. `failures` is the number before this one; throttling and service-wide trouble use up none. */
export function judgeFailure(error: AnyServiceError, failures: number, random: number): FailureVerdict {
  const shown = { kind: error.kind, message: error.message, ...(error.code === undefined ? {} : { code: error.code }) };
  switch (error.kind) {
    case 'throttled': {
      const closed = closesService(error);
      return {
        attention: closed ? null : 'waiting',
        nextTryMs: closed ? null : error.retryAfterMs,
        failures,
        outcome: 'throttled',
        error: null,
        service: closed ? { kind: 'block', ms: error.retryAfterMs } : null,
      };
    }
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
        service: { kind: 'count', as: 'too many failures', detail: error.message },
      };
    case 'gone':
    case 'unavailable':
      return {
        attention: 'waiting',
        nextTryMs: backoffMs(failures + 1, random),
        failures: failures + 1,
        outcome: 'failed, will be tried again',
        error: shown,
        service: countAway(error),
      };
  }
}

/** What is not there is the account's matter, and a call that was never made says nothing. */
function countAway(error: AnyServiceError): FailureVerdict['service'] {
  if (error.kind !== 'unavailable' || error.code === 'cancelled') return null;
  return { kind: 'count', as: 'unavailable', detail: error.message };
}
