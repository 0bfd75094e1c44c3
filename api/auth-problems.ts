import type { AuthErrorCode } from '../auth/errors';
import type { ProblemKind } from './problem-kind';

/** The problems of the identity system; a part of the table in problem-codes.ts. */
export const AUTH_PROBLEMS = {
  'wrong-credentials': {
    status: 401,
    title: 'The credentials are not right',
    actor: 'caller',
    whatToDo: 'Check name and password, or log in anew; the answer does not say which of them is wrong.',
  },
  'invalid-package': {
    status: 400,
    title: 'The body is not what the authentication provider takes',
    actor: 'caller',
    whatToDo: 'Correct what `errors` names; docs/authentication.md shows what each provider takes.',
  },
  'not-grantable': {
    status: 403,
    title: 'Nobody hands on what they do not hold',
    actor: 'operator',
    whatToDo: 'Ask somebody who holds what `errors` names.',
  },
  'login-throttled': {
    status: 429,
    title: 'Too many failed logins',
    actor: 'machine',
    whatToDo: 'Wait the seconds in Retry-After; each further failure doubles them.',
  },
  'not-offered': {
    status: 501,
    title: 'The authentication provider does not offer it',
    actor: 'operator',
    whatToDo: 'GET /v1/auth/providers lists what each offers.',
  },
  'provider-unavailable': {
    status: 503,
    title: 'The authentication provider cannot serve',
    actor: 'operator',
    whatToDo: 'See /health/ready and the log; repeat after Retry-After.',
  },
  'provider-failed': {
    status: 502,
    title: 'The authentication provider failed',
    actor: 'operator',
    whatToDo: 'The log has the kind of failure; what was asked may have been done in part: ask again.',
  },
} as const satisfies Readonly<Record<AuthErrorCode, ProblemKind>>;
