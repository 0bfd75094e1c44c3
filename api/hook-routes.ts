import { hookFor } from '../hooks/service-hooks';
import { readPerson } from '../store/people';
import { admit, identify } from './identify';
import { mediaType, readRawBody } from './body';
import { matchRoutes, RecordingRouter } from './hook-router';
import { parseJson } from './json-text';
import { Problem } from './problem';
import { resolveService } from './references';
import type { Request, RequestHandler, Response } from 'express';
import type { Principal } from '../auth/principal';
import type { HookUser } from '../sdk/hook';
import type { HookResponse } from '../sdk/hook-router';
import type { ApiContext } from './context';
import type { HookRoute, MatchedRoute } from './hook-router';
import type { Door } from './identify';

export interface HookRoutesOptions extends Door {
  readonly context: ApiContext;
  /** Who is signed in by this browser, for requests without a token; it refuses forms of other sites. Default: nobody. */
  readonly session?: (request: Request) => Promise<Principal | undefined>;
  /** What stands around a page that a hook answers without a frame of its own. Default: nothing. */
  readonly frame?: (request: Request, response: Response, answer: HookResponse) => Promise<HookResponse>;
}

/** Serves the hooks' own routes under `/services/<name>/`, and the pages that modules registered as `urls`. */
export function hookRoutes(options: HookRoutesOptions): RequestHandler {
  return async (request, response, next) => {
    const ofService = /^\/services\/([a-z][a-z0-9-]{0,62})(\/.*)$/.exec(request.path);
    const routes =
      ofService === null ? moduleRoutes(options.context) : await serviceRoutes(options.context, ofService[1] ?? '');
    const path = ofService?.[2] ?? request.path;
    const matched = matchRoutes(routes, path);
    if (matched.length === 0) {
      next();
      return;
    }
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const found = matched.find(({ route }) => route.method === method);
    if (found === undefined) {
      const allow = [...new Set(matched.map(({ route }) => route.method))].join(', ');
      throw new Problem('method-not-allowed', `${request.method} is not possible here; ${allow} is.`, {
        headers: { Allow: allow },
      });
    }
    const answer = await run({ ...options, request, response, found, path });
    send(response, (await options.frame?.(request, response, answer)) ?? answer);
  };
}

async function serviceRoutes(context: ApiContext, name: string): Promise<readonly HookRoute[]> {
  const service = await resolveService(context, name);
  const router = new RecordingRouter((action, input) => context.flow.callHookAction(service.name, action, input));
  hookFor(context.registry, service, context.portFor(service)).routes(router);
  return router.routes;
}

function moduleRoutes({ registry }: ApiContext): readonly HookRoute[] {
  return registry.urlHooks().flatMap(({ path, handler, isPublic = false }) => [
    { method: 'GET', path, isPublic, handler },
    { method: 'POST', path, isPublic, handler },
  ]);
}

interface Run extends HookRoutesOptions {
  readonly request: Request;
  readonly response: Response;
  readonly found: MatchedRoute;
  readonly path: string;
}

async function run({ request, response, found, path, ...options }: Run): Promise<HookResponse> {
  const { route, params } = found;
  const user = route.isPublic ? undefined : await signedIn(options, request, response);
  const query = Object.entries(request.query).map(([key, value]) => [key, firstText(value)]);
  const body = route.method === 'GET' ? undefined : await bodyOf(request, response);
  return route.handler({ method: request.method, path, params, query: Object.fromEntries(query), body, user });
}

/** Of a repeated parameter the first counts: hooks get plain texts. */
function firstText(value: unknown): string {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : '';
}

async function signedIn(options: HookRoutesOptions, request: Request, response: Response): Promise<HookUser> {
  const principal = await callerOf(options, request, response);
  const { userId } = principal;
  const user = userId === undefined ? undefined : await readPerson(options.context.db, userId);
  // A token that was made for less opens no pages.
  if (user !== undefined && principal.may('self.me.pages')) return user;
  throw new Problem('forbidden', 'This page is for a signed-in person: the token belongs to a client without one.');
}

async function callerOf(options: HookRoutesOptions, request: Request, response: Response): Promise<Principal> {
  const hasToken = request.headers.authorization !== undefined;
  const signedInBy = hasToken ? undefined : await options.session?.(request);
  if (signedInBy === undefined) return identify(options, request, response);
  response.locals['principal'] = signedInBy;
  if (signedInBy.clientId !== undefined) admit(await options.rates?.takeForClient(signedInBy.clientId));
  return signedInBy;
}

/** JSON as a value, a form as an object of its fields, everything else as text. */
async function bodyOf(request: Request, response: Response): Promise<unknown> {
  const bytes = await readRawBody(request, response);
  if (bytes.length === 0) return undefined;
  const type = mediaType(request);
  if (/^application\/([\w.-]+\+)?json$/.test(type)) return parseJson(bytes);
  const text = bytes.toString('utf8');
  return type === 'application/x-www-form-urlencoded' ? Object.fromEntries(new URLSearchParams(text)) : text;
}

function send(response: Response, answer: HookResponse): void {
  response
    .status(answer.status)
    .set('Cache-Control', 'no-store')
    .set(answer.headers ?? {});
  if (answer.body === undefined) response.end();
  else if (typeof answer.body === 'string') response.type(answer.contentType ?? 'text/plain').send(answer.body);
  else response.type(answer.contentType ?? 'application/json').send(JSON.stringify(answer.body));
}
