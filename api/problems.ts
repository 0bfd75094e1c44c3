import { z } from 'zod';
import { isServiceError } from '../sdk/errors';
import { AuthError } from '../auth/errors';
import { StoreError } from '../store/errors';
import { PROBLEMS } from './problem-codes';
import { Problem } from './problem';
import type { ErrorItem } from '../store/errors';

/** RFC 9457. `type` is relative: documentation of the code is in docs/errors.md. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Request id: the log has the rest under it. */
  readonly instance: string;
  readonly errors?: readonly ErrorItem[];
}

export const problemSchema = z
  .object({
    type: z.string().meta({ description: '`/problems/<code>`; the codes are in docs/errors.md' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string().meta({ description: 'request id' }),
    errors: z.array(z.object({ pointer: z.string().optional(), detail: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem document' });

/** At most so many entries in `errors`: every bad line of a bad roster, and yet no answer grows without bound. */
const MAX_ERRORS = 10_000;
/** Of a roster every bad line is named; its reader has a bound of its own. */
const MAX_ROSTER_ERRORS = 10_000;

/** The document for a problem. */
export function problemDocument(problem: Problem, requestId: string): ProblemDocument {
  const { status, title } = PROBLEMS[problem.code];
  const errors = problem.errors.slice(0, problem.code === 'invalid-roster' ? MAX_ROSTER_ERRORS : MAX_ERRORS);
  return {
    type: `/problems/${problem.code}`,
    title,
    status,
    detail: problem.detail,
    instance: `urn:request:${requestId}`,
    ...(errors.length > 0 ? { errors } : {}),
  };
}

/** The one place where errors become problems. What is not known becomes `internal`, without its text. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof StoreError)
    return new Problem(error.code, error.message, { errors: error.errors, cause: error });
  if (error instanceof AuthError) return authProblem(error);
  if (isServiceError(error)) return serviceProblem(error);
  return frameworkProblem(error) ?? databaseProblem(error) ?? internal(error);
}

/** What zod found, as entries with JSON pointers. */
export function issueItems(error: z.ZodError): readonly ErrorItem[] {
  return error.issues.flatMap((issue) => {
    const pointer = issue.path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ pointer: `${pointer}/${shorten(key)}`, detail: 'is not known here' }));
    }
    return [{ pointer: shorten(pointer), detail: issue.message }];
  });
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function authProblem(error: AuthError): Problem {
  const { code, message, errors, retryAfterS } = error;
  const wait = retryAfterS === undefined ? {} : { 'Retry-After': String(retryAfterS) };
  const challenge = code === 'wrong-credentials' ? { 'WWW-Authenticate': 'Bearer realm="muster"' } : {};
  return new Problem(code, message, { errors, cause: error, headers: { ...wait, ...challenge } });
}

function serviceProblem(error: { readonly kind: string; readonly message: string }): Problem {
  const code = error.kind === 'unavailable' ? 'worker-unavailable' : 'service-failed';
  return new Problem(code, error.message, { cause: error });
}

/** Errors of express and node that mean that the request was bad before any route saw it. */
function frameworkProblem(error: unknown): Problem | undefined {
  if (error instanceof URIError)
    return new Problem('invalid-request', 'The path has a broken percent-escape.', { cause: error });
  const status = field(error, 'status');
  const type = field(error, 'type');
  if (type === 'entity.too.large')
    return new Problem('body-too-large', 'The body is larger than this route takes.', { cause: error });
  if (type === 'encoding.unsupported') {
    return new Problem('unsupported-media-type', 'This Content-Encoding is not known; gzip and deflate are.', {
      cause: error,
    });
  }
  // Sent by nobody who still listens; must not count as a fault of ours.
  if (type === 'request.aborted' || field(error, 'code') === 'ECONNABORTED') {
    return new Problem('invalid-request', 'The request was broken off.', { cause: error });
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new Problem('invalid-request', 'The request could not be read.', { cause: error });
  }
  return undefined;
}

const OUTAGE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOENT',
  'EHOSTUNREACH',
  'ENOTFOUND',
]);
const RETRY_SECONDS = '2';

function databaseProblem(error: unknown): Problem | undefined {
  const code = field(error, 'code');
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && field(error, 'severity') !== undefined)
    return stateProblem(code, error);
  const isOutage =
    (typeof code === 'string' && OUTAGE_CODES.has(code)) ||
    /^(Connection terminated|timeout exceeded when trying to connect)/.test(messageOf(error));
  return isOutage ? databaseOutage(error) : undefined;
}

function stateProblem(sqlState: string, error: unknown): Problem | undefined {
  // Validation comes first; what PostgreSQL refuses beyond it is still the caller's value, not our fault.
  if (sqlState.startsWith('22'))
    return new Problem('not-acceptable-value', 'The database cannot hold one of the values.', { cause: error });
  if (sqlState === '23505')
    return new Problem('already-exists', 'The same thing was made at the same time, or its name is taken.', {
      cause: error,
    });
  if (sqlState === '23503')
    return new Problem('conflict', 'Something that the request names was removed meanwhile, or is still in use.', {
      cause: error,
    });
  if (sqlState.startsWith('08') || sqlState.startsWith('57P') || sqlState.startsWith('53'))
    return databaseOutage(error);
  // Serialization failure and deadlock: the same request succeeds when it is sent again.
  if (sqlState.startsWith('40')) return databaseOutage(error);
  return undefined;
}

function databaseOutage(error: unknown): Problem {
  return new Problem('database-unavailable', 'The database does not answer at the moment.', {
    cause: error,
    headers: { 'Retry-After': RETRY_SECONDS },
  });
}

function internal(error: unknown): Problem {
  return new Problem('internal', 'Something inside Muster failed; the log has the cause under this request id.', {
    cause: error,
  });
}

function field(error: unknown, key: 'status' | 'type' | 'code' | 'severity'): unknown {
  return typeof error === 'object' && error !== null ? (error as Readonly<Record<string, unknown>>)[key] : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}
