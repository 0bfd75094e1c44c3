import express from 'express';
import type { ErrorRequestHandler, Request, RequestHandler, Response, Router } from 'express';
import { AuthError } from '../../auth/errors';
import type { Principal } from '../../auth/principal';
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
import { checkWireScopes, createWireToken, deleteWireToken, readWireToken, wireCaller } from './tokens';
import { sendWireError, WireError } from './wire';

/** Where wazo's clients look. */
export const WAZO_PREFIX = '/api/auth/0.1';
const BODY_LIMIT = '64kb';

/**
 * The part of wazo-auth 0.1 that its clients need to log in, check, refresh and log out, and for linked accounts. Statuses and
 * bodies are wazo's, not Muster's; everything behind them is the same identity system.
 */
export function wazoRoutes(context: ApiContext): RequestHandler {
  const router = express.Router({ caseSensitive: true });
  // A body that cannot be read is wazo's 400 as well; what has no JSON type is read as JSON all the same, as wazo does.
  router.use(express.json({ limit: BODY_LIMIT, type: () => true, strict: false }));
  addTokens(router, context);
  addPeople(router, context);
  router.use((request) => {
    throw new WireError(404, `Resource not found: ${request.method}`);
  });
  router.use(wireErrors(context));
  const app = express.Router();
  app.use(WAZO_PREFIX, router);
  return app;
}

function addTokens(router: Router, context: ApiContext): void {
  router.get(
    '/status',
    answering(() => ({})),
  );
  router.get(
    '/backends',
    answering(() => ({ data: backends(context) })),
  );
  router.post(
    '/token',
    answering((request) =>
      createWireToken(context, {
        authorization: request.get('authorization'),
        body: request.body,
        address: request.ip ?? '',
        userAgent: (request.get('user-agent') ?? '').slice(0, 200),
      }),
    ),
  );
  router.get(
    '/token/:token',
    answering(async (request, response) => {
      const shown = await readWireToken(context, parameter(request, 'token'), text(request.query['scope']));
      if (request.method === 'HEAD') response.status(204);
      return shown;
    }),
  );
  router.delete(
    '/token/:token',
    answering((request) => deleteWireToken(context, parameter(request, 'token'))),
  );
  router.post(
    '/token/:token/scopes/check',
    answering((request) => checkWireScopes(context, parameter(request, 'token'), request.body)),
  );
}

/** wazo's own name first: clients send it whatever there is, and it means all providers in their order. */
function backends({ identity }: ApiContext): readonly string[] {
  return ['wazo_user', ...identity.providers.providers.map(({ name }) => name)];
}

function addPeople(router: Router, context: ApiContext): void {
  router.get(
    '/users/password/reset',
    answering((request) => resetWirePassword(context, request.query), 204),
  );
  const called = (work: (principal: Principal, request: Request) => Promise<unknown>, status = 200): RequestHandler =>
    answering(async (request) => work(await wireCaller(context, request.get('x-auth-token')), request), status);
  router.delete(
    '/users/me/tokens/:application',
    called((principal, request) => deleteWireRefresh(context, principal, parameter(request, 'application')), 204),
  );
  router.put(
    '/users/:user/password',
    called(async (principal, request) => {
      const reference = parameter(request, 'user');
      if (![principal.userId, principal.clientId, 'me'].includes(reference)) throw new WireError(401, 'Unauthorized');
      return changeWirePassword(context, principal, request.body);
    }, 204),
  );
  router.get(
    '/users/:user/external',
    called(async (principal, request) => {
      const { userId } = wirePerson(principal, parameter(request, 'user'));
      requireWire(principal, 'auth.users.{user}.external.read', { user: userId });
      return listWireExternal(context, userId);
    }),
  );
  const one = (principal: Principal, request: Request, verb: string): { userId: string; type: string } => {
    const { userId } = wirePerson(principal, parameter(request, 'user'));
    const type = parameter(request, 'type');
    requireWire(principal, `auth.users.{user}.external.{type}.${verb}`, { user: userId, type });
    return { userId, type };
  };
  const path = '/users/:user/external/:type';
  router.get(
    path,
    called((principal, request) => readWireExternal(context, one(principal, request, 'read'))),
  );
  router.post(
    path,
    called((principal, request) => {
      const key = one(principal, request, 'create');
      const signal = context.draining;
      return beginWireExternal({ context, principal, headers: {}, signal }, { ...key, body: request.body });
    }, 201),
  );
  router.delete(
    path,
    called((principal, request) => {
      const key = one(principal, request, 'delete');
      return deleteWireExternal(context, { ...key, actor: principal.actor });
    }, 204),
  );
}

function answering(work: (request: Request, response: Response) => unknown, status = 200): RequestHandler {
  return async (request, response) => {
    response.status(status).set('Cache-Control', 'no-store');
    const answer: unknown = await work(request, response);
    if (answer === undefined || response.statusCode === 204) response.end();
    else response.json(answer);
  };
}

function parameter(request: Request, name: string): string {
  return text(request.params[name]) ?? '';
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function wireErrors({ log }: ApiContext): ErrorRequestHandler {
  // oxlint-disable-next-line max-params -- express knows an error handler by its four parameters
  return (error: unknown, _request, response, _next): void => {
    if (error instanceof WireError) {
      sendWireError(response, error);
      return;
    }
    if (error instanceof AuthError && error.code === 'wrong-credentials') {
      sendWireError(response, new WireError(401, error.message));
      return;
    }
    const problem = toProblem(error);
    const { status } = PROBLEMS[problem.code];
    if (status >= 500) log.error({ code: problem.code, err: problem.cause ?? problem }, 'request failed');
    sendWireError(response, new WireError(status, problem.detail));
  };
}
