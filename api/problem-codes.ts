import { AUTH_PROBLEMS } from './auth-problems';
import type { AuthErrorCode } from '../auth/errors';
import type { StoreErrorCode } from '../store/errors';
import type { Actor, ProblemKind } from './problem-kind';

type ApiCode =
  | 'malformed-json'
  | 'duplicate-key'
  | 'invalid-request'
  | 'invalid-body'
  | 'invalid-idempotency-key'
  | 'unauthenticated'
  | 'forbidden'
  | 'too-many-requests'
  | 'route-not-found'
  | 'method-not-allowed'
  | 'unsupported-media-type'
  | 'body-too-large'
  | 'headers-too-large'
  | 'request-timeout'
  | 'idempotency-in-progress'
  | 'idempotency-mismatch'
  | 'secret-not-repeated'
  | 'internal'
  | 'database-unavailable'
  | 'workflows-unavailable'
  | 'worker-unavailable'
  | 'service-failed';

export type ProblemCode = ApiCode | StoreErrorCode | AuthErrorCode;

/** Every problem that the API can answer. docs/errors.md is made from this table and kept equal by a test. */
export const PROBLEMS = {
  'malformed-json': {
    status: 400,
    title: 'The body is not valid JSON',
    actor: 'caller',
    whatToDo: 'Send one JSON value in UTF-8, nested at most 64 deep.',
  },
  'duplicate-key': {
    status: 400,
    title: 'A key stands twice in one JSON object',
    actor: 'caller',
    whatToDo: 'Name every key once: which of two values counts is not defined.',
  },
  'invalid-request': {
    status: 400,
    title: 'The path, query or header is not valid',
    actor: 'caller',
    whatToDo: 'Correct what `errors` names; /docs shows what each route takes.',
  },
  'invalid-body': {
    status: 422,
    title: 'The body does not fit',
    actor: 'caller',
    whatToDo: 'Correct what `errors` names; the pointers lead into the body.',
  },
  'invalid-idempotency-key': {
    status: 400,
    title: 'The Idempotency-Key is not valid',
    actor: 'caller',
    whatToDo: 'Send 1 to 255 printable ASCII characters, e.g. a UUID.',
  },
  unauthenticated: {
    status: 401,
    title: 'No valid token',
    actor: 'caller',
    whatToDo: 'Send `Authorization: Bearer <token>`; the admin token is in `.muster/admin-token`.',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    actor: 'operator',
    whatToDo: 'Ask an operator for the permission that `detail` names.',
  },
  ...AUTH_PROBLEMS,
  'too-many-sessions': {
    status: 429,
    title: 'Too many sessions',
    actor: 'caller',
    whatToDo: 'End a session: DELETE /v1/auth/tokens ends all of the client, or wait until one expires.',
  },
  'too-many-requests': {
    status: 429,
    title: 'Too many requests',
    actor: 'machine',
    whatToDo: 'Wait the seconds in Retry-After.',
  },
  'route-not-found': {
    status: 404,
    title: 'There is no such route',
    actor: 'caller',
    whatToDo: 'Compare the path with /docs.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'The route does not take this method',
    actor: 'caller',
    whatToDo: 'Use one of the methods in the Allow header.',
  },
  'request-timeout': {
    status: 408,
    title: 'The request did not arrive in time',
    actor: 'machine',
    whatToDo: 'Send it again, faster: headers within 15 seconds, the whole body within 10 minutes.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The body has the wrong media type',
    actor: 'caller',
    whatToDo: 'Send the Content-Type that `detail` names.',
  },
  'body-too-large': {
    status: 413,
    title: 'The body is too large',
    actor: 'caller',
    whatToDo: 'Send less; rosters go to POST /v1/imports, which streams.',
  },
  'headers-too-large': {
    status: 431,
    title: 'The request headers are too large',
    actor: 'caller',
    whatToDo: 'Send fewer or shorter headers.',
  },
  'idempotency-in-progress': {
    status: 409,
    title: 'The same request is still being worked on',
    actor: 'machine',
    whatToDo: 'Repeat it after the seconds in Retry-After.',
  },
  'idempotency-mismatch': {
    status: 422,
    title: 'The Idempotency-Key was used for another request',
    actor: 'caller',
    whatToDo: 'Use a new key for a new request.',
  },
  'secret-not-repeated': {
    status: 409,
    title: 'A secret is shown once',
    actor: 'caller',
    whatToDo: 'Reset the password to get a new one.',
  },
  'not-found': {
    status: 404,
    title: 'Not found',
    actor: 'caller',
    whatToDo: 'Check the id or name; lists show what exists.',
  },
  'already-exists': {
    status: 409,
    title: 'It exists already',
    actor: 'caller',
    whatToDo: 'Choose another name, or change the one that exists.',
  },
  conflict: {
    status: 409,
    title: 'The present state does not allow it',
    actor: 'caller',
    whatToDo: 'Read the present state, then decide again.',
  },
  'not-acceptable-value': {
    status: 422,
    title: 'A value is not acceptable',
    actor: 'caller',
    whatToDo: 'Correct what `detail` and `errors` name.',
  },
  'not-entitled': {
    status: 403,
    title: 'The person has no right to the service',
    actor: 'operator',
    whatToDo: 'Grant the service to the person, one of their groups or their state.',
  },
  'no-account': {
    status: 404,
    title: 'The person has no account on the service',
    actor: 'caller',
    whatToDo: 'Create the account first (PUT on the account).',
  },
  'user-inactive': {
    status: 409,
    title: 'The person is not active',
    actor: 'operator',
    whatToDo: 'Activate the person at the source or with PATCH on the user.',
  },
  'not-supported': {
    status: 501,
    title: 'The service cannot do this',
    actor: 'author',
    whatToDo: 'GET /v1/services/{name} lists its abilities; the connector must implement the method.',
  },
  'service-disabled': {
    status: 409,
    title: 'The service is switched off or paused',
    actor: 'operator',
    whatToDo: 'See GET /v1/services/{name}/status for why, then enable or resume it.',
  },
  'invalid-roster': {
    status: 422,
    title: 'Lines of the roster are wrong',
    actor: 'caller',
    whatToDo: 'Correct the lines that `errors` names; nothing was changed.',
  },
  'secret-gone': {
    status: 410,
    title: 'The secret is not there any more',
    actor: 'caller',
    whatToDo: 'It was shown, superseded, or 15 minutes passed: reset the password again.',
  },
  'secret-not-ready': {
    status: 409,
    title: 'The secret is not there yet',
    actor: 'machine',
    whatToDo: 'Wait until the operation has succeeded, then claim it.',
  },
  internal: {
    status: 500,
    title: 'An error inside Muster',
    actor: 'author',
    whatToDo: 'Report it with the `instance` id; the log has the cause under the same id.',
  },
  'database-unavailable': {
    status: 503,
    title: 'The database does not answer',
    actor: 'machine',
    whatToDo: 'Repeat after Retry-After; an operator looks at PostgreSQL if it lasts.',
  },
  'workflows-unavailable': {
    status: 503,
    title: 'Temporal does not answer',
    actor: 'machine',
    whatToDo: 'Repeat after Retry-After; committed changes are not lost.',
  },
  'worker-unavailable': {
    status: 504,
    title: 'No worker answered in time',
    actor: 'operator',
    whatToDo: 'Check that a worker runs and serves this service.',
  },
  'service-failed': {
    status: 502,
    title: 'The external system failed',
    actor: 'operator',
    whatToDo: 'See `detail`; test the connection with POST /v1/services/{name}/test.',
  },
} as const satisfies Readonly<Record<ProblemCode, ProblemKind>>;

const ACTORS: Readonly<Record<Actor, string>> = {
  caller: 'caller',
  operator: 'operator',
  machine: 'retry by machine',
  author: 'author',
};

/** The text of docs/errors.md. */
export function problemsDocument(): string {
  const rows = Object.entries(PROBLEMS)
    .sort(([, a], [, b]) => a.status - b.status)
    .map(([code, { status, title, actor, whatToDo }]) => [
      `\`${code}\``,
      String(status),
      title,
      ACTORS[actor],
      whatToDo,
    ]);
  return [
    '# Errors',
    '',
    'Every error of the API is a problem document ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), media type',
    '`application/problem+json`: `type` is `/problems/<code>`, `detail` says what happened to which thing, `errors` names each',
    'wrong value with a JSON pointer, and `instance` is the request id under which the log has the rest.',
    '',
    'This page is made from `api/problem-codes.ts`; a test keeps both equal. "Who acts" says who must do something before the',
    'same request can succeed.',
    '',
    ...tableLines(['code', 'status', 'title', 'who acts', 'what to do'], rows),
    '',
  ].join('\n');
}

/** A Markdown table with aligned columns, as the formatter wants it. */
function tableLines(headings: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(headings), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}
