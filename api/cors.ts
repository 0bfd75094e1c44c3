import type { RequestHandler } from 'express';

/** What clients in a browser may send, and see of an answer, beside what every browser allows. */
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const REQUEST_HEADERS = 'Authorization, Content-Type, Idempotency-Key, If-Match, Prefer, X-Request-Id';
const ANSWER_HEADERS = 'ETag, Location, Preference-Applied, Retry-After, X-Request-Id';
const PREFLIGHT_S = '600';

/**
 * Lets pages of these origins call the API with a token of their own; without any nobody may, which is the default. Cookies
 * are never allowed along: the console's session is for the console only.
 */
export function allowOrigins(origins: readonly string[]): RequestHandler {
  const allowed = new Set(origins.map((origin) => new URL(origin).origin));
  return (request, response, next) => {
    const { origin } = request.headers;
    if (allowed.size === 0 || !request.path.startsWith('/v1/')) return next();
    response.vary('Origin');
    if (origin === undefined || !allowed.has(origin)) return next();
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Expose-Headers', ANSWER_HEADERS);
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
    const isPreflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
    if (!isPreflight) return next();
    response.setHeader('Access-Control-Allow-Methods', METHODS);
    response.setHeader('Access-Control-Allow-Headers', REQUEST_HEADERS);
    response.setHeader('Access-Control-Max-Age', PREFLIGHT_S);
    response.status(204).end();
  };
}
