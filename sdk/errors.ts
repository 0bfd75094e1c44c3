/**
 * What can go wrong at the far side, said by what must happen next. A manager throws one of these; anything else that
 * it throws is shown to its `translateError` and otherwise counts as `Unavailable`.
 */

const BRAND = Symbol.for('muster.service-error');

/** The six ways in which a call can fail, by what must happen next. */
export type ServiceErrorKind = 'throttled' | 'unavailable' | 'rejected' | 'misconfigured' | 'gone' | 'conflict';

/** What every typed error may carry beside its message. */
export interface ServiceErrorOptions {
  /** The error of the client library. Kept for logs; its text is redacted and never shown to persons. */
  readonly cause?: unknown;
  /** A short machine-readable word for the reason, e.g. `name-too-long`. Default: the kind. */
  readonly code?: string;
}

/** Base of all typed service errors. Messages must not contain secrets or e-mail addresses. */
export abstract class ServiceError extends Error {
  abstract readonly kind: ServiceErrorKind;
  readonly code: string | undefined;
  readonly [BRAND] = true;

  constructor(message: string, options: ServiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
  }
}

/** When the service takes calls again, and which ones it refuses until then. */
export interface ThrottledOptions extends ServiceErrorOptions {
  /** Milliseconds from now until the service will take calls again (a date becomes a duration at receipt). */
  readonly retryAfterMs: number;
  /** `route`: only this kind of call is throttled. `service` (default): every call is. */
  readonly scope?: 'service' | 'route';
}

/** The service asks us to wait. Closes the budget for everyone until then; uses up no retry. */
export class Throttled extends ServiceError {
  readonly kind = 'throttled';
  readonly retryAfterMs: number;
  readonly scope: 'service' | 'route';

  constructor(message: string, options: ThrottledOptions) {
    super(message, options);
    this.retryAfterMs = Math.max(0, options.retryAfterMs);
    this.scope = options.scope ?? 'service';
  }
}

/** Network trouble, a 5xx, a timeout: the call may or may not have happened. Tried again with backoff. */
export class Unavailable extends ServiceError {
  readonly kind = 'unavailable';
}

/** This account (or group) cannot be as asked. Not tried again until something about it changes, or by hand. */
export class Rejected extends ServiceError {
  readonly kind = 'rejected';
}

/** Wrong credentials, missing rights, wrong target: the whole service pauses and operators hear of it once. */
export class Misconfigured extends ServiceError {
  readonly kind = 'misconfigured';
}

/** What is gone. */
export interface GoneOptions extends ServiceErrorOptions {
  /** What is gone. Default: what the method was called for. `group` is for `setGroups`: the account itself is still there. */
  readonly what?: 'account' | 'group';
  /** Its remote id, where the manager knows which of several it is. */
  readonly remoteId?: string;
}

/** The account or group that was to be changed is not there any more. */
export class Gone extends ServiceError {
  readonly kind = 'gone';
  readonly what: 'account' | 'group' | undefined;
  readonly remoteId: string | undefined;

  constructor(message: string, options: GoneOptions = {}) {
    super(message, options);
    this.what = options.what;
    this.remoteId = options.remoteId;
  }
}

/** The wanted name is taken by something that is not provably ours. */
export class Conflict extends ServiceError {
  readonly kind = 'conflict';
}

/** Any of the typed errors; `kind` tells them apart. */
export type AnyServiceError = Throttled | Unavailable | Rejected | Misconfigured | Gone | Conflict;

/** True for a typed service error, also when it comes from another copy of the SDK. */
export function isServiceError(error: unknown): error is AnyServiceError {
  return typeof error === 'object' && error !== null && BRAND in error;
}
