import type { StoreErrorCode } from '../store/errors';

/** Who must act so that the same request succeeds. `machine`: nobody, send it again later. */
export type Actor = 'caller' | 'operator' | 'machine' | 'author';

export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly actor: Actor;
  readonly whatToDo: string;
}

type ApiCode =
  | 'malformed-json'
  | 'duplicate-key'
  | 'invalid-request'
  | 'invalid-body'
  | 'invalid-idempotency-key'
  | 'unauthenticated'
  | 'forbidden'
  | 'route-not-found'
  | 'method-not-allowed'
  | 'not-readable-type'
  | 'unsupported-media-type'
  | 'body-too-large'
  | 'headers-too-large'
  | 'idempotency-in-progress'
  | 'idempotency-mismatch'
  | 'secret-not-repeated'
  | 'internal'
  | 'database-unavailable'
  | 'workflows-unavailable'
  | 'worker-unavailable'
  | 'service-failed';

export type ProblemCode = ApiCode | StoreErrorCode;

/** Every problem that the API can answer. docs/errors.md is made from this table and kept equal by a test. */
export const PROBLEMS = {
  'malformed-json': kind(400, 'The body is not valid JSON', 'caller', 'Send one JSON value in UTF-8, nested at most 64 deep.'),
  'duplicate-key': kind(400, 'A key stands twice in one JSON object', 'caller', 'Name every key once: which of two values counts is not defined.'),
  'invalid-request': kind(400, 'The path, query or header is not valid', 'caller', 'Correct what `errors` names; /docs shows what each route takes.'),
  'invalid-body': kind(422, 'The body does not fit', 'caller', 'Correct what `errors` names; the pointers lead into the body.'),
  'invalid-idempotency-key': kind(400, 'The Idempotency-Key is not valid', 'caller', 'Send 1 to 255 printable ASCII characters, e.g. a UUID.'),
  unauthenticated: kind(401, 'No valid token', 'caller', 'Send `Authorization: Bearer <token>`; the admin token is in `.muster/admin-token`.'),
  forbidden: kind(403, 'Not allowed', 'operator', 'Ask an operator for the permission that `detail` names.'),
  'route-not-found': kind(404, 'There is no such route', 'caller', 'Compare the path with /docs.'),
  'method-not-allowed': kind(405, 'The route does not take this method', 'caller', 'Use one of the methods in the Allow header.'),
  'not-readable-type': kind(406, 'No representation fits the Accept header', 'caller', 'Accept application/json (or what /docs names for the route).'),
  'unsupported-media-type': kind(415, 'The body has the wrong media type', 'caller', 'Send the Content-Type that `detail` names.'),
  'body-too-large': kind(413, 'The body is too large', 'caller', 'Send less; rosters go to POST /v1/imports, which streams.'),
  'headers-too-large': kind(431, 'The request headers are too large', 'caller', 'Send fewer or shorter headers.'),
  'idempotency-in-progress': kind(409, 'The same request is still being worked on', 'machine', 'Repeat it after the seconds in Retry-After.'),
  'idempotency-mismatch': kind(422, 'The Idempotency-Key was used for another request', 'caller', 'Use a new key for a new request.'),
  'secret-not-repeated': kind(409, 'A secret is shown once', 'caller', 'Reset the password to get a new one.'),
  'not-found': kind(404, 'Not found', 'caller', 'Check the id or name; lists show what exists.'),
  'already-exists': kind(409, 'It exists already', 'caller', 'Choose another name, or change the one that exists.'),
  conflict: kind(409, 'The present state does not allow it', 'caller', 'Read the present state, then decide again.'),
  'not-acceptable-value': kind(422, 'A value is not acceptable', 'caller', 'Correct what `detail` and `errors` name.'),
  'not-entitled': kind(403, 'The person has no right to the service', 'operator', 'Grant the service to the person, one of their groups or their state.'),
  'no-account': kind(404, 'The person has no account on the service', 'caller', 'Create the account first (PUT on the account).'),
  'user-inactive': kind(409, 'The person is not active', 'operator', 'Activate the person at the source or with PATCH on the user.'),
  'not-supported': kind(501, 'The service cannot do this', 'author', 'GET /v1/services/{name} lists its abilities; the connector must implement the method.'),
  'service-disabled': kind(409, 'The service is switched off or paused', 'operator', 'See GET /v1/services/{name}/status for why, then enable or resume it.'),
  'invalid-roster': kind(422, 'Lines of the roster are wrong', 'caller', 'Correct the lines that `errors` names; nothing was changed.'),
  'secret-gone': kind(410, 'The secret is not there any more', 'caller', 'It was shown, superseded, or 15 minutes passed: reset the password again.'),
  'secret-not-ready': kind(409, 'The secret is not there yet', 'machine', 'Wait until the operation has succeeded, then claim it.'),
  internal: kind(500, 'An error inside Muster', 'author', 'Report it with the `instance` id; the log has the cause under the same id.'),
  'database-unavailable': kind(503, 'The database does not answer', 'machine', 'Repeat after Retry-After; an operator looks at PostgreSQL if it lasts.'),
  'workflows-unavailable': kind(503, 'Temporal does not answer', 'machine', 'Repeat after Retry-After; committed changes are not lost.'),
  'worker-unavailable': kind(504, 'No worker answered in time', 'operator', 'Check that a worker runs and serves this service.'),
  'service-failed': kind(502, 'The external system failed', 'operator', 'See `detail`; test the connection with POST /v1/services/{name}/test.'),
} as const satisfies Readonly<Record<ProblemCode, ProblemKind>>;

function kind(status: number, title: string, actor: Actor, whatToDo: string): ProblemKind {
  return { status, title, actor, whatToDo };
}

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
    .map(([code, { status, title, actor, whatToDo }]) => `| \`${code}\` | ${status} | ${title} | ${ACTORS[actor]} | ${whatToDo} |`);
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
    '| code | status | title | who acts | what to do |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
