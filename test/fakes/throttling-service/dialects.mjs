/** How services speak of their limits. Each answers headers for every answer, and body and headers for a refusal. */

const seconds = (ms) => String(Math.max(0, Math.ceil(ms / 1000)));
const epoch = (ms) => String(Math.ceil((Date.now() + ms) / 1000));
const fraction = (ms) => (Math.ceil(ms) / 1000).toFixed(3);

/** The dialects by name. `facts`: {limit, windowMs, remaining, resetMs, waitMs, global}. */
export const DIALECTS = {
  none: { always: () => ({}), refused: () => ({}) },
  'retry-after': { always: () => ({}), refused: ({ waitMs }) => ({ headers: { 'retry-after': seconds(waitMs) } }) },
  'retry-after-fraction': {
    always: () => ({}),
    refused: ({ waitMs }) => ({ headers: { 'retry-after': fraction(waitMs) } }),
  },
  'retry-after-date': {
    always: () => ({}),
    refused: ({ waitMs }) => ({ headers: { 'retry-after': new Date(Date.now() + waitMs + 999).toUTCString() } }),
  },
  github: {
    always: ({ limit, remaining, resetMs }) => ({
      'x-ratelimit-limit': limit,
      'x-ratelimit-remaining': remaining,
      'x-ratelimit-reset': epoch(resetMs),
    }),
    refused: ({ waitMs }) => ({ headers: { 'retry-after': seconds(waitMs) } }),
  },
  discord: {
    always: ({ limit, remaining, resetMs }) => ({
      'x-ratelimit-limit': limit,
      'x-ratelimit-remaining': remaining,
      'x-ratelimit-reset': ((Date.now() + resetMs) / 1000).toFixed(3),
      'x-ratelimit-reset-after': fraction(resetMs),
    }),
    refused: ({ waitMs, global }) => ({
      headers: { 'x-ratelimit-scope': global ? 'global' : 'user', ...(global ? { 'x-ratelimit-global': 'true' } : {}) },
      body: { message: 'You are being rate limited.', retry_after: Math.ceil(waitMs) / 1000, global },
    }),
  },
  draft: {
    always: ({ limit, windowMs, remaining, resetMs }) => ({
      'ratelimit-limit': limit,
      'ratelimit-policy': `${limit};w=${Math.ceil(windowMs / 1000)}`,
      'ratelimit-remaining': remaining,
      'ratelimit-reset': seconds(resetMs),
    }),
    refused: ({ waitMs }) => ({ headers: { 'retry-after': seconds(waitMs) } }),
  },
  structured: {
    always: ({ limit, windowMs, remaining, resetMs }) => ({
      'ratelimit-policy': `"default";q=${limit};w=${Math.ceil(windowMs / 1000)}`,
      ratelimit: `"default";r=${remaining};t=${seconds(resetMs)}`,
    }),
    refused: ({ waitMs }) => ({ headers: { 'retry-after': seconds(waitMs) } }),
  },
  okta: {
    always: ({ limit, remaining, resetMs }) => ({
      'x-rate-limit-limit': limit,
      'x-rate-limit-remaining': remaining,
      'x-rate-limit-reset': epoch(resetMs),
    }),
    refused: () => ({ body: { errorCode: 'E0000047', errorSummary: 'API call exceeded rate limit' } }),
  },
  linear: {
    always: ({ limit, remaining, resetMs }) => ({
      'x-ratelimit-requests-limit': limit,
      'x-ratelimit-requests-remaining': remaining,
      'x-ratelimit-requests-reset': Math.ceil(Date.now() + resetMs),
    }),
    refused: () => ({}),
  },
  matrix: {
    always: () => ({}),
    refused: ({ waitMs }) => ({ body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: Math.ceil(waitMs) } }),
  },
  discourse: {
    always: () => ({}),
    refused: ({ waitMs }) => ({
      body: { errors: [`Too many requests. Please wait ${seconds(waitMs)} seconds before trying again.`] },
    }),
  },
};
