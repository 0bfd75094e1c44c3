import { Conflict, Gone, Misconfigured, Rejected, Throttled, Unavailable } from './errors';
import type { AnyServiceError } from './errors';
import { parseRetryAfter } from './retry-after';

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

/** Turns a status that is no success into a typed error. The answer's text is not repeated: it may quote what was sent. */
export function failureOfStatus(answer: HttpAnswer, notFound: 'gone' | 'misconfigured'): AnyServiceError {
  const { what, status } = answer;
  const options = { code: `http-${status}` };
  if (status === 429) {
    const retryAfterMs =
      parseRetryAfter({ header: (name) => answer.headers.get(name), body: answer.body, nowMs: Date.now() }) ??
      DEFAULT_RETRY_AFTER_MS;
    return new Throttled(`${what}: the service asks us to wait.`, { ...options, retryAfterMs });
  }
  if (status === 401) return new Misconfigured(`${what}: the service refuses our credentials (401).`, options);
  if (status === 403) return new Misconfigured(`${what}: our credentials lack the right for this (403).`, options);
  if (status === 404 || status === 410) {
    if (notFound === 'gone') return new Gone(`${what}: it is not there any more (${status}).`, options);
    return new Misconfigured(`${what}: the service knows no such address (${status}); is its URL right?`, options);
  }
  if (status === 409) return new Conflict(`${what}: the service reports a conflict (409).`, options);
  if (status >= 500 || status === 408 || status === 423 || status === 425) {
    return new Unavailable(`${what}: the service failed (${status}).`, options);
  }
  if (status >= 300 && status < 400) {
    // Not followed: the credentials would go along to wherever it points.
    return new Misconfigured(`${what}: the service points somewhere else (${status}); is its URL right?`, options);
  }
  return new Rejected(`${what}: the service refuses this (${status}).`, options);
}

/** Turns what `fetch` or reading the answer threw into a typed error. */
export function failureOfTransport(what: string, error: unknown, aborted: boolean): AnyServiceError {
  if (aborted) return new Unavailable(`${what}: no answer in time, or cancelled.`, { cause: error, code: 'timeout' });
  const code = networkCode(error);
  if (code !== undefined && /^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code)) {
    return new Misconfigured(`${what}: the service's certificate is not accepted (${code}).`, { cause: error, code: 'tls' });
  }
  const reason = code === undefined ? '' : ` (${code})`;
  return new Unavailable(`${what}: the connection failed${reason}.`, { cause: error, code: 'network' });
}

/** `fetch` wraps the system's error, sometimes twice. */
function networkCode(error: unknown): string | undefined {
  let current: unknown = error;
  for (let depth = 0; depth < 3 && typeof current === 'object' && current !== null; depth += 1) {
    if ('code' in current && typeof current.code === 'string') return current.code;
    current = 'cause' in current ? current.cause : undefined;
  }
  return undefined;
}
