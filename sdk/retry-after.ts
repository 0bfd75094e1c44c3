/** How services say "come back later", as milliseconds from now. Pure: no clock of its own. */

/** The parts of an answer that tell when to come back. */
export interface RetryAfterAnswer {
  /** Looks a header up, without regard to case; null or undefined = not there (`Headers.get` fits). */
  readonly header: (name: string) => string | null | undefined;
  /** The parsed JSON body, if there is one. */
  readonly body?: unknown;
  /** Our clock at receipt, in milliseconds since 1970; used for dates where the answer carries no `Date` header. */
  readonly nowMs: number;
}

/** What is longer is believed to be a mistake: a stray date must not stop a service for a year. */
export const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000;

type Read = (text: string, nowMs: number) => number | undefined;

interface Dialect {
  readonly header: string;
  readonly read: Read;
  /** Who speaks it, and where that is written down. */
  readonly source: string;
}

/** The first row that can be read wins. */
export const HEADER_DIALECTS: readonly Dialect[] = [
  {
    header: 'retry-after-ms',
    read: milliseconds,
    source: 'Azure OpenAI; learn.microsoft.com, "Manage Azure OpenAI quota"',
  },
  {
    header: 'retry-after',
    read: secondsOrDate,
    source: 'RFC 9110 10.2.3 (seconds or date); Slack, Zendesk; fractions: Discord',
  },
  {
    header: 'x-ratelimit-reset-after',
    read: seconds,
    source: 'Discord; discord.com/developers/docs/topics/rate-limits',
  },
  {
    header: 'ratelimit',
    read: structuredReset,
    source: 'draft-ietf-httpapi-ratelimit-headers-07 (reset=) and later (t=)',
  },
  {
    header: 'ratelimit-reset',
    read: secondsOrEpoch,
    source: 'the same draft up to -06 (seconds); GitLab sends a Unix time',
  },
  {
    header: 'x-ratelimit-reset',
    read: secondsOrEpoch,
    source: 'GitHub (Unix time); docs.github.com, "Rate limits for the REST API"',
  },
  {
    header: 'x-rate-limit-reset',
    read: secondsOrEpoch,
    source: 'Okta, X (Unix time); developer.okta.com, "Rate limits overview"',
  },
];

interface BodyDialect {
  readonly path: readonly string[];
  readonly unitMs: number;
  readonly source: string;
}

const BODY_DIALECTS: readonly BodyDialect[] = [
  { path: ['retry_after_ms'], unitMs: 1, source: 'Matrix; spec.matrix.org, "Rate limiting" (M_LIMIT_EXCEEDED)' },
  // Before version 8 of its API Discord sent milliseconds under the same name: always ask for a version.
  {
    path: ['retry_after'],
    unitMs: 1000,
    source: 'Discord API v8 and later; discord.com/developers/docs/topics/rate-limits',
  },
  {
    path: ['parameters', 'retry_after'],
    unitMs: 1000,
    source: 'Telegram; core.telegram.org/bots/api#responseparameters',
  },
  {
    path: ['extras', 'wait_seconds'],
    unitMs: 1000,
    source: 'Discourse; its rate limiter answers so (error_type rate_limit)',
  },
];

/** Milliseconds until the service takes calls again, between 0 and MAX_RETRY_AFTER_MS; undefined = it does not tell. */
export function parseRetryAfter(answer: RetryAfterAnswer): number | undefined {
  const serverNowMs = dateMs(answer.header('date') ?? '') ?? answer.nowMs;
  for (const dialect of HEADER_DIALECTS) {
    const text = answer.header(dialect.header)?.trim();
    if (text === undefined || text === '') continue;
    const waitMs = dialect.read(text, serverNowMs);
    if (waitMs !== undefined) return bounded(waitMs);
  }
  for (const dialect of BODY_DIALECTS) {
    const value = valueAt(answer.body, dialect.path);
    if (value !== undefined) return bounded(value * dialect.unitMs);
  }
  return undefined;
}

function bounded(waitMs: number): number {
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(0, Math.ceil(waitMs)));
}

function decimal(text: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

function milliseconds(text: string): number | undefined {
  return decimal(text);
}

function seconds(text: string): number | undefined {
  const value = decimal(text);
  return value === undefined ? undefined : value * 1000;
}

function secondsOrDate(text: string, nowMs: number): number | undefined {
  const value = seconds(text);
  if (value !== undefined) return value;
  const at = dateMs(text);
  return at === undefined ? undefined : at - nowMs;
}

/** A number this large is no duration: Unix time in seconds since 2001, or in milliseconds. */
const EPOCH_SECONDS_FROM = 1e9;
const EPOCH_MS_FROM = 1e12;

function secondsOrEpoch(text: string, nowMs: number): number | undefined {
  const value = decimal(text);
  if (value === undefined) return secondsOrDate(text, nowMs);
  if (value >= EPOCH_MS_FROM) return value - nowMs;
  if (value >= EPOCH_SECONDS_FROM) return value * 1000 - nowMs;
  return value * 1000;
}

/** `limit=100, remaining=0, reset=30` or `"default";r=0;t=30`. Of several policies the longest wait holds. */
function structuredReset(text: string): number | undefined {
  const waits = [...text.matchAll(/(?:^|[;,\s])(?:reset|t)=(\d+)/g)].map((match) => Number(match[1]) * 1000);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

function dateMs(text: string): number | undefined {
  // Only dates with letters: Date.parse also takes "-5" or "1.5" for something.
  if (!/[a-z]/i.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

function valueAt(body: unknown, path: readonly string[]): number | undefined {
  let value: unknown = body;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
