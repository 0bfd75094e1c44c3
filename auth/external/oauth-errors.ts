import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client';
import { isServiceError, Misconfigured, Rejected, Throttled, Unavailable } from '../../sdk/errors';
import type { AnyServiceError } from '../../sdk/errors';
import { parseRetryAfter } from '../../sdk/rate-limits';

/** Error codes of OAuth 2 (RFC 6749, 6750) that say that our client is not set up right. */
const OURS = new Set(['invalid_client', 'unauthorized_client', 'unsupported_grant_type', 'invalid_scope']);
const THEIRS = new Set(['server_error', 'temporarily_unavailable', 'slow_down']);
const DEFAULT_WAIT_MS = 5_000;

/**
 * What the OAuth client throws, as typed errors: `Rejected` when the person must authorize again, `Misconfigured` when an
 * operator must act, `Throttled` and `Unavailable` when it is worth trying again. Descriptions of the other side are not
 * shown: they may hold anything.
 */
export function oauthFailure(error: unknown): AnyServiceError {
  if (isServiceError(error)) return error;
  if (error instanceof AuthorizationResponseError) return ofCode(error.error, error);
  if (error instanceof ResponseBodyError) return ofStatus(error.response) ?? ofCode(error.error, error);
  const response = error instanceof ClientError ? error.cause : undefined;
  const byStatus = response instanceof Response ? ofStatus(response) : undefined;
  if (byStatus !== undefined) return byStatus;
  if (error instanceof ClientError && PERMANENT.has(error.code ?? ''))
    return new Rejected('the other side gave an answer that does not fit the request', {
      cause: error,
      code: 'unexpected-answer',
    });
  return new Unavailable('the other side could not be reached', { cause: error, code: 'unreachable' });
}

/** Asking again with the same code or token would bring the same answer. */
const PERMANENT = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
]);

function ofStatus(response: Response): AnyServiceError | undefined {
  if (response.status === 429) {
    const retryAfterMs =
      parseRetryAfter({ header: (name) => response.headers.get(name), nowMs: Date.now() }) ?? DEFAULT_WAIT_MS;
    return new Throttled('the other side asks to wait', { retryAfterMs });
  }
  if (response.status >= 500) return new Unavailable(`the other side answered ${response.status}`);
  return undefined;
}

function ofCode(code: string, cause: unknown): AnyServiceError {
  const options = { cause, code: /^[a-z_]{1,40}$/.test(code) ? code : 'oauth-error' };
  if (OURS.has(code)) return new Misconfigured('the other side does not accept this client', options);
  if (THEIRS.has(code)) return new Unavailable('the other side cannot answer now', options);
  if (code === 'access_denied') return new Rejected('the person has declined', options);
  return new Rejected('the other side has refused', options);
}
