import { randomUUID } from 'node:crypto';
import express from 'express';
import helmet from 'helmet';
import { pinoHttp } from 'pino-http';
import { noteRefusal } from './audit-trail';
import { allowOrigins } from './cors';
import { serveDocs } from './docs';
import { mountRoutes } from './frame';
import { admit } from './identify';
import { observeRequests } from './metrics';
import { PROBLEMS } from './problem-codes';
import { Problem } from './problem';
import { problemDocument, toProblem } from './problems';
import type { ErrorRequestHandler, Express, Request, RequestHandler, Response } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { ApiContext } from './context';
import type { FrameOptions } from './frame';
import type { Route } from './route';

export interface AppOptions extends FrameOptions {
  readonly routes: readonly Route[];
  /** More to mount before the answer 404, e.g. the hooks' own routes. */
  readonly mounts?: readonly RequestHandler[];
  /** Addresses of proxies whose X-Forwarded-For is believed. Default none. */
  readonly trustedProxies?: readonly string[];
  /** Origins whose pages may call the API from a browser. Default none. */
  readonly corsOrigins?: readonly string[];
}

/** The whole API as an express application; listening is the caller's business. */
export function createApp(options: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.set('etag', false);
  app.set('trust proxy', [...(options.trustedProxies ?? [])]);
  app.use(securityHeaders());
  app.use(requestLog(options.context.log));
  app.use(allowOrigins(options.corsOrigins ?? []));
  app.use(observeRequests());
  app.use(limitAddresses(options));
  serveDocs(app);
  mountRoutes(app, options.routes, options);
  for (const mount of options.mounts ?? []) app.use(mount);
  app.use((request) => {
    throw new Problem('route-not-found', `There is no ${request.method} ${request.path.slice(0, 200)}.`);
  });
  app.use(problemAnswers(options.context));
  return app;
}

function securityHeaders(): RequestHandler {
  return helmet({
    // Muster speaks plain HTTP on loopback; who terminates TLS in front of it sets HSTS there.
    strictTransportSecurity: false,
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
  });
}

/** One line per request, under the id that problems show as `instance`. Health checks only count when they fail. */
function requestLog(log: Logger): RequestHandler {
  return pinoHttp({
    logger: log,
    quietReqLogger: true,
    customAttributeKeys: { reqId: 'requestId' },
    genReqId: requestId,
    customLogLevel: (request, response) => levelOf(request, response),
    customProps: (_request, response) => idsOf(response),
    serializers: {
      req: (request: { id: string; method: string; url: string }) => ({
        id: request.id,
        method: request.method,
        url: loggedUrl(request.url),
      }),
      res: (response: { statusCode: number }) => ({ status: response.statusCode }),
    },
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request failed',
  });
}

/** What a redirect brings (codes, states) is for its reader only, and so is a token in a path. */
function loggedUrl(url: string): string {
  return url
    .replace(/^([^?]*\/callback)\?.*$/s, '$1?[redacted]')
    .replace(/^(\/sign-in\/return\/[^?]*)\?.*$/s, '$1?[redacted]')
    .replace(/^(\/api\/auth\/0\.1\/token\/)[^/?]+/, '$1[redacted]')
    .replace(/^(\/api\/auth\/0\.1\/users\/password\/reset)\?.*$/s, '$1?[redacted]');
}

function requestId(request: IncomingMessage, response: ServerResponse): string {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
  response.setHeader('X-Request-Id', id);
  return id;
}

function levelOf(request: IncomingMessage, response: ServerResponse): 'debug' | 'error' | 'info' {
  if (response.statusCode >= 500) return 'error';
  return /^\/(health|metrics)/.test(request.url ?? '') ? 'debug' : 'info';
}

/** The ids that every log line of Muster carries under the same keys. */
function idsOf(response: ServerResponse): Readonly<Record<string, unknown>> {
  const { locals } = response as ServerResponse & { readonly locals?: Readonly<Record<string, unknown>> };
  const ids = (locals?.['ids'] ?? {}) as Readonly<Record<string, unknown>>;
  const location = response.getHeader('Location');
  const operation = typeof location === 'string' ? /^\/v1\/operations\/([\w-]+)$/.exec(location)?.[1] : undefined;
  return {
    ...(ids['name'] === undefined ? {} : { service: ids['name'] }),
    ...userOf(ids['user']),
    ...(operation === undefined ? {} : { operation }),
  };
}

/** `user` is Muster's id everywhere; what a path names otherwise has another key. */
function userOf(reference: unknown): Readonly<Record<string, unknown>> {
  if (typeof reference !== 'string') return {};
  return /^[\da-f-]{36}$/i.test(reference) ? { user: reference } : { userReference: reference };
}

/** Before anybody is identified, so that guessing tokens is slow. Health checks are never refused. */
function limitAddresses({ rates }: FrameOptions): RequestHandler {
  return async (request, _response, next) => {
    if (rates !== undefined && !request.path.startsWith('/health/')) {
      admit(await rates.takeForAddress(request.ip ?? ''));
    }
    next();
  };
}

function problemAnswers(context: ApiContext): ErrorRequestHandler {
  const { log } = context;
  // oxlint-disable-next-line max-params -- express knows an error handler by its four parameters
  return async (error: unknown, request: Request, response: Response, _next): Promise<void> => {
    const problem = toProblem(error);
    const id = typeof request.id === 'string' ? request.id : '';
    const { status } = PROBLEMS[problem.code];
    if (status >= 500)
      log.error({ requestId: id, code: problem.code, err: problem.cause ?? problem }, 'request failed');
    await noteRefusal(context, problem, { request, response });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // What is left of a refused body is not read: the connection cannot be used again.
    if (!request.complete) response.set('Connection', 'close');
    response.status(status).set('Cache-Control', 'no-store').set(problem.headers);
    response.type('application/problem+json').send(JSON.stringify(problemDocument(problem, id)));
  };
}
