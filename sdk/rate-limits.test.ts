import { HEADER_DIALECTS, MAX_RETRY_AFTER_MS, parseRateLimits, parseRetryAfter } from './rate-limits';

const NOW_MS = Date.parse('2025-06-01T12:00:00Z');
const NOW_S = NOW_MS / 1000;

type Headers = Readonly<Record<string, string>>;

function answer(headers: Headers, body?: unknown) {
  return { header: (name: string) => headers[name], body, nowMs: NOW_MS };
}

function parse(headers: Headers, body?: unknown): number | undefined {
  return parseRetryAfter(answer(headers, body));
}

describe('parseRetryAfter', () => {
  test.each<[string, Headers, number]>([
    ['whole seconds', { 'retry-after': '120' }, 120_000],
    ['a fraction of a second, rounded up to a millisecond', { 'retry-after': '0.3456' }, 346],
    ['a date', { 'retry-after': 'Sun, 01 Jun 2025 12:00:30 GMT' }, 30_000],
    ['a date as in RFC 850', { 'retry-after': 'Sunday, 01-Jun-25 12:00:30 GMT' }, 30_000],
    ['a date as in RFC 3339', { 'x-ratelimit-reset': '2025-06-01T12:00:09Z' }, 9000],
    ['a date in the past', { 'retry-after': 'Sun, 01 Jun 2025 11:00:00 GMT' }, 0],
    [
      'a date by the server’s own clock',
      { 'retry-after': 'Sun, 01 Jun 2025 13:00:05 GMT', date: 'Sun, 01 Jun 2025 13:00:00 GMT' },
      5000,
    ],
    ['lemlist’s date for people', { 'x-ratelimit-reset': 'Sun Jun 01 2025 14:00:02 GMT+0200 (Summer Time)' }, 2000],
    ['milliseconds', { 'retry-after-ms': '1500', 'retry-after': '2' }, 1500],
    ['MailerLite’s own header', { 'x-ratelimit-retry-after': '12' }, 12_000],
    ['Discord’s reset after', { 'x-ratelimit-reset-after': '64.57' }, 64_570],
    ['the draft’s seconds', { 'ratelimit-reset': '50' }, 50_000],
    ['GitLab’s Unix time under the draft’s name', { 'ratelimit-reset': String(NOW_S + 7) }, 7000],
    ['GitHub’s Unix time', { 'x-ratelimit-reset': String(NOW_S + 60) }, 60_000],
    ['Discord’s Unix time with a fraction', { 'x-ratelimit-reset': String(NOW_S + 1.25) }, 1250],
    ['Linear’s Unix time in milliseconds', { 'x-ratelimit-requests-reset': String(NOW_MS + 2500) }, 2500],
    ['OpenAI’s durations', { 'x-ratelimit-reset-requests': '6m0s' }, 360_000],
    ['OpenAI’s milliseconds', { 'x-ratelimit-reset-requests': '20ms' }, 20],
    ['Okta’s Unix time', { 'x-rate-limit-reset': String(NOW_S + 9) }, 9000],
    ['the draft as one field', { ratelimit: 'limit=100, remaining=0, reset=12' }, 12_000],
    ['the longest of several policies', { ratelimit: '"burst";r=0;t=3, "day";r=0;t=40' }, 40_000],
  ])('reads %s', (_what, headers, expectedMs) => {
    expect(parse(headers)).toBe(expectedMs);
  });

  test.each<[string, unknown, number]>([
    ['Discord’s seconds', { retry_after: 1.337 }, 1337],
    ['Matrix’s milliseconds', { retry_after_ms: 2000 }, 2000],
    ['Telegram’s parameters', { parameters: { retry_after: 5 } }, 5000],
    ['Discourse’s extras', { extras: { wait_seconds: 26 } }, 26_000],
    ['Discourse’s sentence', { errors: ['Slow down. Please wait 26 seconds before trying again.'] }, 26_000],
    ['a sentence with minutes', { message: 'Rate limit exceeded, retry in 2 minutes' }, 120_000],
    ['a sentence with milliseconds', { error: 'try again in 350 ms' }, 350],
  ])('reads %s from the body', (_what, body, expectedMs) => {
    expect(parse({}, body)).toBe(expectedMs);
  });

  test.each(['soon', '-5', '', 'NaN', '1e9', '0x10'])('falls through what is no time: "%s"', (text) => {
    expect(parse({ 'retry-after': text, 'ratelimit-reset': '4' })).toBe(4000);
  });

  test('says undefined when nothing tells', () => {
    expect(parse({}, { error: 'slow down', retry_after: 'soon' })).toBeUndefined();
  });

  test('a stray date does not stop a service for a year', () => {
    expect(parse({ 'retry-after': 'Mon, 01 Jun 2026 12:00:00 GMT' })).toBe(MAX_RETRY_AFTER_MS);
  });
});

describe('parseRateLimits', () => {
  test.each<[string, Headers, object]>([
    [
      'GitHub',
      { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '4999', 'x-ratelimit-reset': String(NOW_S + 3600) },
      { limit: 5000, remaining: 4999, resetMs: 3_600_000, resetAtMs: (NOW_S + 3600) * 1000 },
    ],
    [
      'Okta',
      { 'x-rate-limit-limit': '600', 'x-rate-limit-remaining': '598', 'x-rate-limit-reset': String(NOW_S + 30) },
      { limit: 600, remaining: 598, resetMs: 30_000, resetAtMs: (NOW_S + 30) * 1000 },
    ],
    [
      'the draft in three fields',
      {
        'ratelimit-limit': '100',
        'ratelimit-policy': '100;w=60',
        'ratelimit-remaining': '40',
        'ratelimit-reset': '20',
      },
      { limit: 100, windowMs: 60_000, remaining: 40, resetMs: 20_000 },
    ],
    [
      'the draft in its structured form',
      { 'ratelimit-policy': '"default";q=50;w=1', ratelimit: '"default";r=49;t=1' },
      { limit: 50, windowMs: 1000, remaining: 49, resetMs: 1000 },
    ],
    [
      'several policies: the shortest, for the longer show in what remains',
      { 'ratelimit-policy': '"day";q=1000;w=86400, "burst";q=100;w=60', ratelimit: '"burst";r=9;t=50' },
      { limit: 100, windowMs: 60_000, remaining: 9, resetMs: 50_000 },
    ],
    ['a weighted limit', { 'ratelimit-limit': '500;w=1' }, { limit: 500, windowMs: 1000 }],
    [
      'WHOOP’s list',
      { 'x-ratelimit-limit': '100, 100;window=60, 10000;window=86400', 'x-ratelimit-remaining': '98' },
      { limit: 100, windowMs: 60_000, remaining: 98 },
    ],
    [
      'HubSpot',
      { 'x-hubspot-ratelimit-max': '110', 'x-hubspot-ratelimit-interval-milliseconds': '10000' },
      { limit: 110, windowMs: 10_000 },
    ],
    [
      'Kong',
      { 'x-ratelimit-limit-minute': '60', 'x-ratelimit-remaining-minute': '59' },
      { limit: 60, windowMs: 60_000, remaining: 59 },
    ],
    [
      'Discord’s route',
      { 'x-ratelimit-limit': '5', 'x-ratelimit-reset-after': '1.5', 'x-ratelimit-bucket': 'abcd' },
      { limit: 5, resetMs: 1500, scope: 'route' },
    ],
    [
      'Discord’s global limit',
      { 'x-ratelimit-global': 'true', 'retry-after': '1' },
      { retryAfterMs: 1000, scope: 'service' },
    ],
    ['nothing', {}, {}],
  ])('reads %s', (_what, headers, expected) => {
    expect(parseRateLimits(answer(headers))).toEqual(expected);
  });

  test('every dialect names its source', () => {
    expect(HEADER_DIALECTS.every((dialect) => dialect.source.length > 10)).toBe(true);
  });
});
