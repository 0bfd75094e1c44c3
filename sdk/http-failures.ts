import { Conflict, Gone, Misconfigured, Rejected, Throttled, Unavailable } from './errors';
import type { AnyServiceError } from './errors';
import { parseRateLimits } from './rate-limits';
import type { RateLimits } from './rate-limits';

/** When a 429 names no time. */
const DEFAULT_RETRY_AFTER_MS = 5000;

/** What came back, for a connector that knows better than the status what it means. */
export interface HttpAnswer {
  /** E.g. `DELETE /users/{}`. */
  readonly what: string;
  readonly status: number;
  readonly headers: Headers;
  /** The JSON body, or undefined when there is none or it is not JSON. */
  readonly body: unknown;
}

interface StatusRow {
  readonly from: number;
  readonly to: number;
  readonly Kind: typeof Conflict | typeof Misconfigured | typeof Rejected | typeof Unavailable;
  readonly text: string;
}

/** The first row that holds the status wins. 429, 404 and 410 are decided before. */
const BY_STATUS: readonly StatusRow[] = [
  // Redirects are not followed: the credentials would go along to wherever they point.
  { from: 300, to: 399, Kind: Misconfigured, text: 'the service points somewhere else; is its URL right?' },
  { from: 401, to: 401, Kind: Misconfigured, text: 'the service refuses our credentials' },
  { from: 403, to: 403, Kind: Misconfigured, text: 'our credentials lack the right for this' },
  { from: 408, to: 408, Kind: Unavailable, text: 'the service waited too long for the request' },
  { from: 409, to: 409, Kind: Conflict, text: 'the service reports a conflict' },
  // Somebody else wrote between our reading and our writing: the next try reads again.
  { from: 412, to: 412, Kind: Unavailable, text: 'it was changed by somebody else meanwhile' },
  { from: 423, to: 425, Kind: Unavailable, text: 'the service cannot do this now' },
  { from: 400, to: 499, Kind: Rejected, text: 'the service refuses this' },
  { from: 0, to: 999, Kind: Unavailable, text: 'the service failed' },
];

/** Turns a status that is no success into a typed error. The answer's text is not repeated: it may quote what was sent. */
export function failureOfStatus(answer: HttpAnswer, notFound: 'gone' | 'misconfigured'): AnyServiceError {
  const { what, status } = answer;
  const options = { code: `http-${status}` };
  const limits = limitsOf(answer);
  if (isThrottling(status, limits)) {
    const retryAfterMs = limits.retryAfterMs ?? limits.resetMs ?? DEFAULT_RETRY_AFTER_MS;
    const scope = limits.scope ?? 'service';
    return new Throttled(`${what}: the service asks us to wait (${status}).`, { ...options, retryAfterMs, scope });
  }
  if (status === 404 || status === 410) {
    if (notFound === 'gone') return new Gone(`${what}: it is not there any more (${status}).`, options);
    return new Misconfigured(`${what}: the service knows no such address (${status}); is its URL right?`, options);
  }
  const row = BY_STATUS.find(({ from, to }) => status >= from && status <= to);
  const { Kind, text } = row ?? { Kind: Unavailable, text: 'the service failed' };
  return new Kind(`${what}: ${text} (${status}).`, options);
}

/** Some services throttle with 503; without a time that says no more than any other failure. */
export function isThrottling(status: number, limits: RateLimits): boolean {
  return status === 429 || (status === 503 && limits.retryAfterMs !== undefined);
}

/** What an answer says about limits. */
export function limitsOf({ headers, body }: Pick<HttpAnswer, 'headers' | 'body'>): RateLimits {
  return parseRateLimits({ header: (name) => headers.get(name), body, nowMs: Date.now() });
}

/** Turns what sending or reading the answer threw into a typed error. */
export function failureOfTransport(what: string, error: unknown, aborted: boolean): AnyServiceError {
  if (aborted) return new Unavailable(`${what}: no answer in time, or cancelled.`, { cause: error, code: 'timeout' });
  const code = networkCode(error);
  if (
    code !== undefined &&
    /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/.test(code)
  ) {
    return new Misconfigured(
      `${what}: no encrypted connection comes about: a certificate is not accepted, or the service speaks no TLS (${code}).`,
      {
        cause: error,
        code: 'tls',
      },
    );
  }
  const reason = code === undefined ? '' : ` (${code})`;
  return new Unavailable(`${what}: the connection failed${reason}.`, { cause: error, code: 'network' });
}

/** The client wraps the system's error, sometimes twice. */
function networkCode(error: unknown): string | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < 3 && typeof current === 'object' && current !== null; depth += 1) {
    if ('code' in current && typeof current.code === 'string') return current.code;
    current = 'cause' in current ? current.cause : undefined;
  }
  return undefined;
}
