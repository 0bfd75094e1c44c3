/**
 * What the store refuses, by what is wrong. Each code has a line in `api/problem-codes.ts` (the compiler insists), which
 * says the HTTP status and who must act.
 */
export type StoreErrorCode =
  /** The thing named does not exist. */
  | 'not-found'
  /** The name (or id) is taken by another. */
  | 'already-exists'
  /** The request contradicts the present state, e.g. deleting a built-in state or the last grant in use. */
  | 'conflict'
  /** It would be valid elsewhere but not here: a rule beyond the shape of the request. */
  | 'not-acceptable-value'
  /** The person has no right to the service. */
  | 'not-entitled'
  /** The person has no account on the service. */
  | 'no-account'
  /** The person is not active. */
  | 'user-inactive'
  /** The connector, the method or the ability is not there. */
  | 'not-supported'
  /** The service is switched off or paused for this kind of request. */
  | 'service-disabled'
  /** The client has as many sessions as it may have. */
  | 'too-many-sessions'
  /** Lines of a roster are wrong; `errors` names them. */
  | 'invalid-roster'
  /** A secret was already shown, superseded, or has expired. */
  | 'secret-gone'
  /** The secret is not there yet: the operation has not finished. */
  | 'secret-not-ready';

/** One of several things that are wrong; `pointer` is a JSON pointer or, for rosters, `line 12`. */
export interface ErrorItem {
  readonly pointer?: string;
  readonly detail: string;
}

export interface StoreErrorOptions {
  readonly errors?: readonly ErrorItem[];
  readonly cause?: unknown;
}

/** A refusal that the caller can act on. The message names the thing and must hold no secret: it is shown as it is. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly errors: readonly ErrorItem[];

  constructor(
    readonly code: StoreErrorCode,
    message: string,
    options: StoreErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.errors = options.errors ?? [];
  }
}
