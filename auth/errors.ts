import type { ErrorItem } from '../store/errors';

/** What the identity system refuses, by what is wrong. Each has a line in `api/problem-codes.ts`. */
export type AuthErrorCode =
  /** Wrong name, password or refresh token: which of them is not said. */
  | 'wrong-credentials'
  /** The body does not fit what the provider takes. */
  | 'invalid-package'
  /** Too many failed logins: wait. */
  | 'login-throttled'
  /** The provider does not implement it. */
  | 'not-offered'
  /** No provider can serve at the moment. */
  | 'provider-unavailable'
  /** The provider failed while it did what was asked. */
  | 'provider-failed'
  /** Somebody wants to hand on what they do not hold. */
  | 'not-grantable';

export interface AuthErrorOptions {
  readonly errors?: readonly ErrorItem[];
  readonly retryAfterS?: number;
  readonly cause?: unknown;
}

/** A refusal of the identity system. The message is shown as it is: no secrets, and nothing about who exists. */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly errors: readonly ErrorItem[];
  readonly retryAfterS: number | undefined;

  constructor(
    readonly code: AuthErrorCode,
    message: string,
    options: AuthErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.errors = options.errors ?? [];
    this.retryAfterS = options.retryAfterS;
  }
}
