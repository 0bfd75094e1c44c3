import {
  EPOCH_SECONDS_FROM,
  dateMs,
  decimal,
  durationInSentence,
  leadingNumber,
  leastOf,
  longestOf,
  milliseconds,
  policies,
  seconds,
  secondsOrDate,
  secondsOrMoment,
} from './rate-limit-values';
import type { Policy, ReadValue } from './rate-limit-values';

/** What an answer says about the service's limits. Everything is optional: services tell what they like. */
export interface RateLimits {
  /** Calls in a window. */
  readonly limit?: number;
  /** How long a window is, where the service tells. */
  readonly windowMs?: number;
  /** Calls left in it. */
  readonly remaining?: number;
  /** Until there is a full window again, in milliseconds from now. */
  readonly resetMs?: number;
  /** The same as the moment that the service named, by its clock: milliseconds since 1970. Absent: it told a duration. */
  readonly resetAtMs?: number;
  /** Until the service will take calls again, in milliseconds from now. */
  readonly retryAfterMs?: number;
  /** `route`: all this is about one kind of call only. Absent: it does not say. */
  readonly scope?: 'service' | 'route';
}

/** The parts of an answer that tell of limits. */
export interface LimitedAnswer {
  /** Looks a header up, without regard to case; null or undefined = not there (`Headers.get` fits). */
  readonly header: (name: string) => string | null | undefined;
  /** The parsed JSON body, if there is one. */
  readonly body?: unknown;
  /** Our clock at receipt, in milliseconds since 1970; used for dates where the answer carries no `Date` header. */
  readonly nowMs: number;
}

/** What is longer is believed to be a mistake: a stray date must not stop a service for a year. */
export const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

type Field = 'limit' | 'remaining' | 'resetMs' | 'retryAfterMs' | 'windowMs';

interface HeaderDialect {
  readonly header: string;
  readonly field: Field;
  readonly read: ReadValue;
  /** Who speaks it, and where that is written down. */
  readonly source: string;
}

const DRAFT = 'draft-ietf-httpapi-ratelimit-headers';
const GITHUB = 'GitHub and many others; docs.github.com, "Rate limits for the REST API"';
const OKTA = 'Okta, X, Zendesk; developer.okta.com, "Rate limits overview"';
const LINEAR = 'Linear (milliseconds since 1970); linear.app/developers, "Rate limiting"';
const OPENAI = 'OpenAI (6m0s); platform.openai.com, "Rate limits"';
const HUBSPOT = 'HubSpot (milliseconds); developers.hubspot.com, "API usage guidelines"';

/** Of the rows for one field the first that can be read wins. */
export const HEADER_DIALECTS: readonly HeaderDialect[] = [
  row(
    ['retry-after-ms', 'retryAfterMs'],
    milliseconds,
    'Azure OpenAI; learn.microsoft.com, "Manage Azure OpenAI quota"',
  ),
  row(
    ['retry-after', 'retryAfterMs'],
    secondsOrDate,
    'RFC 9110 10.2.3 (seconds or date); Slack, Zendesk; fractions: Discord',
  ),
  row(
    ['x-ratelimit-retry-after', 'retryAfterMs'],
    secondsOrMoment,
    'MailerLite; developers.mailerlite.com, "API rate limits"',
  ),
  row(['x-rate-limit-retry-after-seconds', 'retryAfterMs'], seconds, 'Spring Cloud gateways (Bucket4j starter)'),

  row(['x-ratelimit-reset-after', 'resetMs'], seconds, 'Discord; discord.com/developers/docs/topics/rate-limits'),
  row(['ratelimit', 'resetMs'], longestOf('reset', 't'), `${DRAFT}-07 (reset=) and later (t=)`),
  row(['ratelimit-reset', 'resetMs'], secondsOrMoment, `${DRAFT} up to -06 (seconds); GitLab sends a Unix time`),
  row(['x-ratelimit-requests-reset', 'resetMs'], secondsOrMoment, LINEAR),
  row(['x-ratelimit-reset-requests', 'resetMs'], seconds, OPENAI),
  row(['x-ratelimit-reset', 'resetMs'], secondsOrMoment, `${GITHUB} (Unix time; lemlist: a date; WHOOP: seconds)`),
  row(['x-rate-limit-reset', 'resetMs'], secondsOrMoment, OKTA),

  row(['ratelimit', 'limit'], leastOf('limit'), `${DRAFT}-07`),
  row(['ratelimit-limit', 'limit'], leadingNumber, `${DRAFT} up to -06, also weighted "500;w=1"`),
  row(['x-ratelimit-requests-limit', 'limit'], decimal, LINEAR),
  row(['x-ratelimit-limit-requests', 'limit'], decimal, OPENAI),
  row(['x-hubspot-ratelimit-max', 'limit'], decimal, HUBSPOT),
  row(['x-ratelimit-limit', 'limit'], leadingNumber, `${GITHUB}; WHOOP: "100, 100;window=60"`),
  row(['x-rate-limit-limit', 'limit'], leadingNumber, OKTA),
  row(['x-rate-limit', 'limit'], decimal, 'Zendesk; developer.zendesk.com, "Rate limits"'),

  row(['ratelimit', 'remaining'], leastOf('remaining', 'r'), `${DRAFT}-07 (remaining=) and later (r=)`),
  row(['ratelimit-remaining', 'remaining'], decimal, `${DRAFT} up to -06`),
  row(['x-ratelimit-requests-remaining', 'remaining'], decimal, LINEAR),
  row(['x-ratelimit-remaining-requests', 'remaining'], decimal, OPENAI),
  row(['x-hubspot-ratelimit-remaining', 'remaining'], decimal, HUBSPOT),
  row(['x-ratelimit-remaining', 'remaining'], decimal, GITHUB),
  row(['x-rate-limit-remaining', 'remaining'], decimal, OKTA),

  row(['x-hubspot-ratelimit-interval-milliseconds', 'windowMs'], milliseconds, HUBSPOT),
  row(
    ['x-ratelimit-interval-seconds', 'windowMs'],
    seconds,
    'Atlassian Data Center; confluence.atlassian.com, "Adjusting your code for rate limiting"',
  ),
];

/** Headers that name limit and window together; the policy of the limit that is reported, else the shortest. */
const POLICY_HEADERS = ['ratelimit-policy', 'ratelimit-limit', 'x-ratelimit-limit'] as const;

/** Kong: `X-RateLimit-Limit-Minute` and `-Remaining-Minute`; docs.konghq.com, plugin "Rate limiting". */
const KONG_WINDOWS_MS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

interface BodyDialect {
  readonly path: readonly string[];
  readonly unitMs: number;
  readonly source: string;
}

/** Where services write in the body how long to wait, in the order in which they are tried. */
export const BODY_DIALECTS: readonly BodyDialect[] = [
  { path: ['retry_after_ms'], unitMs: 1, source: 'Matrix; spec.matrix.org, "Rate limiting" (M_LIMIT_EXCEEDED)' },
  // Before version 8 of its API Discord sent milliseconds under the same name: always ask for a version.
  {
    path: ['retry_after'],
    unitMs: 1_000,
    source: 'Discord API v8 and later; discord.com/developers/docs/topics/rate-limits',
  },
  {
    path: ['parameters', 'retry_after'],
    unitMs: 1_000,
    source: 'Telegram; core.telegram.org/bots/api#responseparameters',
  },
  {
    path: ['extras', 'wait_seconds'],
    unitMs: 1_000,
    source: 'Discourse; its rate limiter answers so (error_type rate_limit)',
  },
];

/** Where sentences stand, e.g. Discourse's "Please wait 26 seconds before trying again." */
const SENTENCES = ['message', 'error', 'errors', 'detail', 'error_description', 'errorSummary'] as const;

function row([header, field]: readonly [string, Field], read: ReadValue, source: string): HeaderDialect {
  return { header, field, read, source };
}

/** Reads whatever an answer says about limits, in any of the dialects. Pure: no clock of its own. */
export function parseRateLimits(answer: LimitedAnswer): RateLimits {
  const serverNowMs = dateMs(answer.header('date') ?? '') ?? answer.nowMs;
  const read = (field: Field, nowMs = serverNowMs): number | undefined => {
    for (const dialect of HEADER_DIALECTS) {
      const text = dialect.field === field ? answer.header(dialect.header)?.trim() : undefined;
      const value = text === undefined || text === '' ? undefined : dialect.read(text, nowMs);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const limit = read('limit');
  const policy = policyOf(answer, limit) ?? kongPolicy(answer);
  const found = {
    limit: policy?.limit ?? limit,
    windowMs: read('windowMs') ?? policy?.windowMs,
    remaining: read('remaining') ?? kongRemaining(answer, policy),
    resetMs: bounded(read('resetMs')),
    resetAtMs: moment(read('resetMs', 0)),
    retryAfterMs: bounded(read('retryAfterMs') ?? waitInBody(answer.body)),
    scope: scopeOf(answer),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/** Milliseconds until the service takes calls again, between 0 and MAX_RETRY_AFTER_MS; undefined = it does not tell. */
export function parseRetryAfter(answer: LimitedAnswer): number | undefined {
  const { retryAfterMs, resetMs } = parseRateLimits(answer);
  return retryAfterMs ?? resetMs;
}

/** Counted from 1970 a duration is short, and a moment is not. */
function moment(ms: number | undefined): number | undefined {
  return ms !== undefined && ms >= EPOCH_SECONDS_FROM * 1_000 ? ms : undefined;
}

function bounded(waitMs: number | undefined): number | undefined {
  return waitMs === undefined ? undefined : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, Math.ceil(waitMs)));
}

function policyOf(answer: LimitedAnswer, limit: number | undefined): Policy | undefined {
  const found = POLICY_HEADERS.flatMap((header) => policies(answer.header(header) ?? ''));
  const named = found.find((policy) => policy.limit === limit);
  return named ?? found.sort((one, other) => one.windowMs - other.windowMs)[0];
}

function kongPolicy(answer: LimitedAnswer): Policy | undefined {
  for (const [name, windowMs] of Object.entries(KONG_WINDOWS_MS)) {
    const limit = decimal(answer.header(`x-ratelimit-limit-${name}`)?.trim() ?? '');
    if (limit !== undefined) return { limit, windowMs };
  }
  return undefined;
}

function kongRemaining(answer: LimitedAnswer, policy: Policy | undefined): number | undefined {
  const name = Object.entries(KONG_WINDOWS_MS).find(([, windowMs]) => windowMs === policy?.windowMs)?.[0];
  return decimal(answer.header(`x-ratelimit-remaining-${name}`)?.trim() ?? '');
}

/** Discord says so of a 429; its answers carry a bucket where the limits are a route's. */
function scopeOf({ header, body }: LimitedAnswer): RateLimits['scope'] {
  if (header('x-ratelimit-global') === 'true' || valueAt(body, ['global']) === true) return 'service';
  const scope = header('x-ratelimit-scope');
  if (scope === 'global') return 'service';
  if (scope === 'user' || scope === 'shared' || valueAt(body, ['global']) === false) return 'route';
  return (header('x-ratelimit-bucket') ?? '') === '' ? undefined : 'route';
}

function waitInBody(body: unknown): number | undefined {
  for (const dialect of BODY_DIALECTS) {
    const value = valueAt(body, dialect.path);
    if (typeof value === 'number' && Number.isFinite(value)) return value * dialect.unitMs;
  }
  const sentences = SENTENCES.flatMap((name) => valueAt(body, [name]) ?? []);
  for (const sentence of sentences) {
    const waitMs = typeof sentence === 'string' ? durationInSentence(sentence) : undefined;
    if (waitMs !== undefined) return waitMs;
  }
  return undefined;
}

function valueAt(body: unknown, path: readonly string[]): unknown {
  let value: unknown = body;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}
