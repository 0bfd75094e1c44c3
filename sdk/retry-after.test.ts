import { MAX_RETRY_AFTER_MS, parseRetryAfter } from './retry-after';

const NOW_MS = Date.parse('2025-06-01T12:00:00Z');

function parse(headers: Readonly<Record<string, string>>, body?: unknown): number | undefined {
  return parseRetryAfter({ header: (name) => headers[name], body, nowMs: NOW_MS });
}

describe('parseRetryAfter', () => {
  test.each([
    ['whole seconds', { 'retry-after': '120' }, 120_000],
    ['a fraction of a second, rounded up to a millisecond', { 'retry-after': '0.3456' }, 346],
    ['a date', { 'retry-after': 'Sun, 01 Jun 2025 12:00:30 GMT' }, 30_000],
    ['a date in the past', { 'retry-after': 'Sun, 01 Jun 2025 11:00:00 GMT' }, 0],
    [
      'a date by the server’s own clock',
      { 'retry-after': 'Sun, 01 Jun 2025 13:00:05 GMT', date: 'Sun, 01 Jun 2025 13:00:00 GMT' },
      5000,
    ],
    ['milliseconds', { 'retry-after-ms': '1500', 'retry-after': '2' }, 1500],
    ['Discord’s reset after', { 'x-ratelimit-reset-after': '64.57' }, 64_570],
    ['the draft’s seconds', { 'ratelimit-reset': '50' }, 50_000],
    ['GitLab’s Unix time under the draft’s name', { 'ratelimit-reset': String(NOW_MS / 1000 + 7) }, 7000],
    ['GitHub’s Unix time', { 'x-ratelimit-reset': String(NOW_MS / 1000 + 60) }, 60_000],
    ['Unix time in milliseconds', { 'x-ratelimit-reset': String(NOW_MS + 2500) }, 2500],
    ['Okta’s Unix time', { 'x-rate-limit-reset': String(NOW_MS / 1000 + 9) }, 9000],
    ['the draft as one field', { ratelimit: 'limit=100, remaining=0, reset=12' }, 12_000],
    ['the longest of several policies', { ratelimit: '"burst";r=0;t=3, "day";r=0;t=40' }, 40_000],
  ])('reads %s', (_what, headers, expectedMs) => {
    expect(parse(headers)).toBe(expectedMs);
  });

  test.each([
    ['Discord’s seconds', { retry_after: 1.337 }, 1337],
    ['Matrix’s milliseconds', { retry_after_ms: 2000 }, 2000],
    ['Telegram’s parameters', { parameters: { retry_after: 5 } }, 5000],
    ['Discourse’s extras', { extras: { wait_seconds: 26 } }, 26_000],
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
