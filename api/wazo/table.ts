import type { Request, RequestHandler, Response, Router } from 'express';
import type { ZodOpenApiOperationObject } from 'zod-openapi';
import type { Principal } from '../../auth/principal';
import { NOBODY } from '../../auth/principal';
import { noteAct, noteRefusal } from '../audit-trail';
import type { ApiContext } from '../context';
import { operationId } from '../operation-id';
import { Problem } from '../problem';
import type { Method } from '../route';
import { wireCaller } from './tokens';

/** Where wazo's clients look. */
export const WAZO_PREFIX = '/api/auth/0.1';

/** One route of wazo-auth 0.1 that Muster answers; OpenAPI, the audit trail and the tests are made of these entries. */
export interface WireRoute {
  readonly method: Method;
  readonly path: string;
  /** `public`, `authenticated` (any token), or a permission. */
  readonly acl: string;
  readonly summary: string;
  /** As wazo has them. */
  readonly statuses: readonly number[];
}

const external = '/users/{user}/external/{type}';

export const WIRE_ROUTES: readonly WireRoute[] = [
  { method: 'get', path: '/status', acl: 'public', summary: 'It runs', statuses: [200] },
  { method: 'get', path: '/backends', acl: 'public', summary: 'Lists authentication providers', statuses: [200] },
  {
    method: 'post',
    path: '/token',
    acl: 'public',
    summary: 'Logs in with Basic authentication, or by a refresh token',
    statuses: [200, 400, 401, 429, 503],
  },
  {
    method: 'get',
    path: '/token/{token}',
    acl: 'public',
    summary: 'Shows a token to whoever has it; `scope` asks whether it may',
    statuses: [200, 403, 404],
  },
  { method: 'delete', path: '/token/{token}', acl: 'public', summary: 'Ends a token', statuses: [200] },
  {
    method: 'post',
    path: '/token/{token}/scopes/check',
    acl: 'public',
    summary: 'Which of these may the token do?',
    statuses: [200, 400, 404],
  },
  {
    method: 'get',
    path: '/users/password/reset',
    acl: 'public',
    summary: 'Sends a link for a new password, if there is such a client',
    statuses: [204, 400],
  },
  {
    method: 'delete',
    path: '/users/me/tokens/{application}',
    acl: 'authenticated',
    summary: "Ends one's refresh token of an application, and the sessions that it made",
    statuses: [204, 401, 404],
  },
  {
    method: 'put',
    path: '/users/{user}/password',
    acl: 'authenticated',
    summary: "Changes one's own password",
    statuses: [204, 400, 401, 405],
  },
  {
    method: 'get',
    path: '/users/{user}/external',
    acl: 'auth.users.{user}.external.read',
    summary: "Lists a person's external accounts",
    statuses: [200, 401, 404],
  },
  {
    method: 'get',
    path: external,
    acl: 'auth.users.{user}.external.{type}.read',
    summary: "Shows a person's credential of an external account",
    statuses: [200, 401, 404, 409, 502],
  },
  {
    method: 'post',
    path: external,
    acl: 'auth.users.{user}.external.{type}.create',
    summary: 'Begins to link an external account',
    statuses: [201, 401, 404, 409, 502, 504],
  },
  {
    method: 'delete',
    path: external,
    acl: 'auth.users.{user}.external.{type}.delete',
    summary: 'Unlinks an external account',
    statuses: [204, 401, 404],
  },
];

/** What the document of the API says of these routes. */
export function wirePaths(): Readonly<Record<string, Record<string, ZodOpenApiOperationObject>>> {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const entry of WIRE_ROUTES) (paths[WAZO_PREFIX + entry.path] ??= {})[entry.method] = operationOf(entry);
  return paths;
}

function operationOf({ method, acl, path, summary, statuses }: WireRoute): ZodOpenApiOperationObject {
  const permission =
    acl === 'public' ? 'Needs no token.' : `Permission: \`${acl}\`, with the token in \`X-Auth-Token\`.`;
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    in: 'path' as const,
    name,
    required: true,
    schema: { type: 'string' as const },
  }));
  return {
    operationId: operationId(method, WAZO_PREFIX + path),
    summary,
    description: `As wazo-auth 0.1; errors are \`{"reason": [...], "status_code"}\`. ${permission}`,
    tags: ['wazo-auth'],
    security: acl === 'public' ? [] : [{ wazo: [] }],
    parameters,
    responses: Object.fromEntries(statuses.map((status) => [String(status), { description: meaningOf(status) }])),
  };
}

function meaningOf(status: number): string {
  return status < 300 ? 'Done' : 'Refused, in the words of wazo-auth';
}

/** What a handler of the table gets; `principal` is there on every route that is not public. */
export interface WireRequest {
  readonly request: Request;
  readonly response: Response;
  readonly principal: Principal;
}

export type WireWork = (wire: WireRequest) => unknown;

/** Mounts the whole table; a route without work, or work without a route, is a mistake that shows at the start. */
export function mountWire(
  router: Router,
  context: ApiContext,
  work: ReadonlyMap<string, { readonly status: number; readonly work: WireWork }>,
): void {
  for (const entry of WIRE_ROUTES) {
    const handler = work.get(nameOf(entry));
    if (handler === undefined) throw new Error(`nothing answers ${nameOf(entry)}`);
    router[entry.method](entry.path.replace(/\{(\w+)\}/g, ':$1'), serving(context, entry, handler));
  }
  if (work.size !== WIRE_ROUTES.length) throw new Error('something answers a route that is not in the table');
}

function nameOf({ method, path }: WireRoute): string {
  return `${method.toUpperCase()} ${path}`;
}

function serving(
  context: ApiContext,
  entry: WireRoute,
  { status, work }: { readonly status: number; readonly work: WireWork },
): RequestHandler {
  const route = `${entry.method.toUpperCase()} ${WAZO_PREFIX}${entry.path}`;
  return async (request, response) => {
    response.locals['route'] = route;
    const principal = entry.acl === 'public' ? undefined : await wireCaller(context, request.get('x-auth-token'));
    response.locals['principal'] = principal;
    response.status(status).set('Cache-Control', 'no-store');
    const answer: unknown = await work({ request, response, principal: principal ?? NOBODY });
    const act = { acl: entry.acl, method: entry.method, path: WAZO_PREFIX + entry.path };
    await noteAct(context, { route: act, principal: principal ?? NOBODY, params: request.params, request });
    if (answer === undefined || response.statusCode === 204) response.end();
    else response.json(answer);
  };
}

/** Refusals of who it is, what they may and how often they tried stand in the audit trail as those of every other route. */
export async function noteWireRefusal(
  context: ApiContext,
  error: { readonly status: number; readonly reason: string },
  exchange: { readonly request: Request; readonly response: Response },
): Promise<void> {
  const { route } = exchange.response.locals as { readonly route?: string };
  const isLogin = route === `POST ${WAZO_PREFIX}/token`;
  const code = codeOf(error.status, isLogin, exchange.response.locals['principal'] !== undefined);
  if (code !== undefined) await noteRefusal(context, new Problem(code, error.reason), exchange);
}

function codeOf(
  status: number,
  isLogin: boolean,
  isKnown: boolean,
): 'forbidden' | 'login-throttled' | 'unauthenticated' | 'wrong-credentials' | undefined {
  if (status === 429) return 'login-throttled';
  if (status === 403) return 'forbidden';
  if (status !== 401) return undefined;
  if (isLogin) return 'wrong-credentials';
  // wazo answers 401 for a missing access too.
  return isKnown ? 'forbidden' : 'unauthenticated';
}
