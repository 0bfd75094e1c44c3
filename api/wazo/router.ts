import express from 'express';
import type { ErrorRequestHandler, Request, RequestHandler } from 'express';
import { AuthError } from '../../auth/errors';
import type { ApiContext } from '../context';
import { PROBLEMS } from '../problem-codes';
import { toProblem } from '../problems';
import {
  beginWireExternal,
  changeWirePassword,
  deleteWireExternal,
  deleteWireRefresh,
  listWireExternal,
  readWireExternal,
  requireWire,
  resetWirePassword,
  wirePerson,
} from './people';
import { mountWire, noteWireRefusal, WAZO_PREFIX } from './table';
import type { WireRequest, WireWork } from './table';
import { checkWireScopes, createWireToken, deleteWireToken, readWireToken } from './tokens';
import { sendWireError, WireError } from './wire';

const BODY_LIMIT = '64kb';

/**
 * The part of wazo-auth 0.1 that its clients need to log in, check, refresh and log out, and for linked accounts. Statuses and
 * bodies are wazo's, not Muster's; everything behind them is the same identity system.
 */
export function wazoRoutes(context: ApiContext): RequestHandler {
  const router = express.Router({ caseSensitive: true });
  // A body that cannot be read is wazo's 400 as well; what has no JSON type is read as JSON all the same, as wazo does.
  router.use(express.json({ limit: BODY_LIMIT, type: () => true, strict: false }));
  mountWire(router, context, new Map([...tokenWork(context), ...peopleWork(context)]));
  router.use((request) => {
    throw new WireError(404, `Resource not found: ${request.method}`);
  });
  router.use(wireErrors(context));
  const app = express.Router();
  app.use(WAZO_PREFIX, router);
  return app;
}

type Entry = readonly [string, { readonly status: number; readonly work: WireWork }];

function answers(name: string, work: WireWork, status = 200): Entry {
  return [name, { status, work }];
}

function tokenWork(context: ApiContext): readonly Entry[] {
  return [
    answers('GET /status', () => ({})),
    answers('GET /backends', () => ({ data: backends(context) })),
    answers('POST /token', ({ request }) =>
      createWireToken(context, {
        authorization: request.get('authorization'),
        body: request.body,
        address: request.ip ?? '',
        userAgent: (request.get('user-agent') ?? '').slice(0, 200),
      }),
    ),
    answers('GET /token/{token}', async ({ request, response }) => {
      const shown = await readWireToken(context, parameter(request, 'token'), text(request.query['scope']));
      if (request.method === 'HEAD') response.status(204);
      return shown;
    }),
    answers('DELETE /token/{token}', ({ request }) => deleteWireToken(context, parameter(request, 'token'))),
    answers('POST /token/{token}/scopes/check', ({ request }) =>
      checkWireScopes(context, parameter(request, 'token'), request.body),
    ),
  ];
}

/** wazo's own name first: clients send it whatever there is, and it means all providers in their order. */
function backends({ identity }: ApiContext): readonly string[] {
  return ['wazo_user', ...identity.providers.providers.map(({ name }) => name)];
}

function peopleWork(context: ApiContext): readonly Entry[] {
  return [
    answers('GET /users/password/reset', ({ request }) => resetWirePassword(context, request.query), 204),
    answers(
      'DELETE /users/me/tokens/{application}',
      ({ principal, request }) => deleteWireRefresh(context, principal, parameter(request, 'application')),
      204,
    ),
    answers(
      'PUT /users/{user}/password',
      ({ principal, request }) => {
        const reference = parameter(request, 'user');
        if (![principal.userId, principal.clientId, 'me'].includes(reference)) throw new WireError(401, 'Unauthorized');
        return changeWirePassword(context, principal, request.body);
      },
      204,
    ),
    answers('GET /users/{user}/external', ({ principal, request }) => {
      const { userId } = wirePerson(principal, parameter(request, 'user'));
      requireWire(principal, 'auth.users.{user}.external.read', { user: userId });
      return listWireExternal(context, userId);
    }),
    answers('GET /users/{user}/external/{type}', (wire) => readWireExternal(context, accountOf(wire, 'read'))),
    answers(
      'POST /users/{user}/external/{type}',
      (wire) => {
        const { principal, request } = wire;
        const beginner = { context, principal, headers: {}, signal: context.draining };
        return beginWireExternal(beginner, { ...accountOf(wire, 'create'), body: request.body });
      },
      201,
    ),
    answers(
      'DELETE /users/{user}/external/{type}',
      (wire) => deleteWireExternal(context, { ...accountOf(wire, 'delete'), actor: wire.principal.actor }),
      204,
    ),
  ];
}

/** The account that a path names. @throws WireError when the caller has no access to it */
function accountOf(
  { principal, request }: WireRequest,
  verb: string,
): { readonly userId: string; readonly type: string } {
  const { userId } = wirePerson(principal, parameter(request, 'user'));
  const type = parameter(request, 'type');
  requireWire(principal, `auth.users.{user}.external.{type}.${verb}`, { user: userId, type });
  return { userId, type };
}

function parameter(request: Request, name: string): string {
  return text(request.params[name]) ?? '';
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function wireErrors(context: ApiContext): ErrorRequestHandler {
  // oxlint-disable-next-line max-params -- express knows an error handler by its four parameters
  return async (error: unknown, request, response, _next): Promise<void> => {
    const answer = answerOf(context, error);
    await noteWireRefusal(context, answer, { request, response });
    sendWireError(response, answer);
  };
}

function answerOf({ log }: ApiContext, error: unknown): WireError {
  if (error instanceof WireError) return error;
  if (error instanceof AuthError && error.code === 'wrong-credentials') return new WireError(401, error.message);
  const problem = toProblem(error);
  const { status } = PROBLEMS[problem.code];
  if (status >= 500) log.error({ code: problem.code, err: problem.cause ?? problem }, 'request failed');
  return new WireError(status, problem.detail);
}
