import type { ErrorItem } from '../store/errors';
import type { ProblemCode } from './problem-codes';

export interface ProblemOptions {
  readonly errors?: readonly ErrorItem[];
  /** More response headers, e.g. Allow or Retry-After. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error that a handler or the frame wants answered. `detail` is shown to the caller as it is: no secrets, no internals. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly errors: readonly ErrorItem[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    options: ProblemOptions = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
  }
}
