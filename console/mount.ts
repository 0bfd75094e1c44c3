import { noteRefusal } from '../api/audit-trail';
import { admit } from '../api/identify';
import { inProcessApi } from '../api/in-process';
import { PROBLEMS } from '../api/problem-codes';
import { Problem } from '../api/problem';
import { toProblem } from '../api/problems';
import { consoleApi } from './console-api';
import { readForm } from './form-data';
import { TOKEN_FIELD } from './forms';
import { PageTable } from './page-table';
import { requireFormToken, requireSameOrigin } from './same-origin';
import { trusted } from './html';
import { framed, sendAnswer, sendRefused, toSignIn } from './send';
import { cookieHeader, keyOf, newKey, visitor, visitorOf, wayOf } from './session';
import { FRAME } from './texts/frame';
import type { Request, RequestHandler, Response } from 'express';
import type { Principal } from '../auth/principal';
import type { ApiContext } from '../api/context';
import type { Door } from '../api/identify';
import type { InProcessApi } from '../api/in-process';
import type { Route } from '../api/route';
import type { ConsoleApi } from './console-api';
import type { PageDefinition, PageRequest, Visitor } from './page';
import type { FoundPage } from './page-table';

export interface ConsoleOptions extends Pick<Door, 'rates'> {
  readonly context: ApiContext;
  readonly routes: readonly Route[];
  readonly pages: readonly PageDefinition[];
  /** Tests: as in the API's frame. */
  readonly checkAnswers?: boolean;
}

interface Serving extends ConsoleOptions {
  readonly api: InProcessApi;
  readonly request: Request;
  readonly response: Response;
}

/** The pages, and what else of the console others need. */
export interface PageFrame {
  /** Serves the pages; what is at none of their addresses goes on. */
  readonly serve: RequestHandler;
  /** Says that there is no such page, to browsers; others go on. */
  readonly missing: RequestHandler;
  /** A whole page around a piece of markup that its maker has escaped. */
  around(request: Request, response: Response, markup: string): Promise<string>;
  /** A page that says why there is none, or the way to the door. */
  refuse(request: Request, response: Response, error: unknown): Promise<void>;
}

/** Makes the console of one API process. */
export function createPages(options: ConsoleOptions): PageFrame {
  const table = new PageTable(options.pages);
  const api = inProcessApi(options);
  const pages: RequestHandler = async (request, response, next) => {
    const method = request.method === 'HEAD' ? 'get' : request.method.toLowerCase();
    const found = table.find(method, request.path);
    if (found === undefined) {
      next();
      return;
    }
    await answerPage({ ...options, api, request, response }, found);
  };
  const refused = async (request: Request, response: Response, error: unknown): Promise<void> => {
    setHeaders(response);
    const serving = { ...options, api, request, response };
    const who = await visit(serving);
    if (!who.isSignedIn && toProblem(error).code === 'unauthenticated') toSignIn(request, response);
    else await refuse(serving, who, error);
  };
  return {
    serve: pages,
    refuse: refused,
    missing: async (request, response, next) => {
      const isPage = ['GET', 'HEAD'].includes(request.method) && (request.headers.accept ?? '').includes('text/html');
      if (!isPage || request.path.startsWith('/v1/')) next();
      else await refused(request, response, new Problem('route-not-found', 'There is no such page.'));
    },
    around: async (request, response, markup) => {
      setHeaders(response);
      const serving = { ...options, api, request, response };
      const who = await visit(serving);
      const asked = pageRequest(serving, { params: {}, who, form: undefined });
      return framed(request, asked, { kind: 'page', title: FRAME.services, main: trusted(markup) });
    },
  };
}

async function answerPage(serving: Serving, found: FoundPage | 'other method'): Promise<void> {
  const { response } = serving;
  setHeaders(response);
  const who = await visit(serving);
  try {
    if (found === 'other method') throw new Problem('method-not-allowed', 'This address takes no such request.');
    response.locals['route'] = `${found.page.method.toUpperCase()} ${found.page.path}`;
    await serve(serving, found, who);
  } catch (error) {
    await refuse(serving, who, error);
  }
}

/** No script but our files, nothing from elsewhere, in nobody's frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** Of every page. `same-origin`: browsers then say in `Origin` where a form comes from. */
function setHeaders(response: Response): void {
  response.set({
    'Content-Security-Policy': POLICY,
    'Referrer-Policy': 'same-origin',
    'X-Frame-Options': 'DENY',
    'Cache-Control': 'no-store',
  });
}

/** Who comes. A browser without a key gets one: it ties its forms and logins to it. */
async function visit({ context, request, response }: Serving): Promise<Visitor> {
  const way = wayOf(request, context.publicUrl);
  const key = keyOf(request.headers.cookie, way);
  if (key !== undefined) return visitorOf(context.db, key);
  const made = newKey();
  response.append('Set-Cookie', cookieHeader(way, made));
  return visitor(made, undefined);
}

async function serve(serving: Serving, { page, params }: FoundPage, who: Visitor): Promise<void> {
  const { request, response, context, rates } = serving;
  const { principal } = who;
  if (who.isSignedIn) response.locals['principal'] = principal;
  if (principal.clientId !== undefined) admit(await rates?.takeForClient(principal.clientId));
  if (page.method === 'post') requireSameOrigin(request);
  if (page.needs !== 'anybody' && !who.isSignedIn) {
    toSignIn(request, response);
    return;
  }
  await requireNeeded(serving, { page, params }, who);
  const form = page.method === 'post' ? await readForm(request, response, page.maxFormBytes) : undefined;
  if (form !== undefined) requireFormToken(who.formToken, form.fields.get(TOKEN_FIELD));
  const asked = pageRequest(serving, { params, who, form });
  const answer = await page.handler(asked);
  if (answer.kind === 'page' && answer.problem !== undefined)
    await noteRefusal(context, answer.problem, { request, response });
  await sendAnswer({ request, response, context, asked }, answer);
}

async function requireNeeded({ api }: Serving, { page, params }: FoundPage, { principal }: Visitor): Promise<void> {
  if (['anybody', 'signed in'].includes(page.needs)) return;
  if (await api.may(principal, page.needs, page.needsParams ?? params)) return;
  throw new Problem('forbidden', `This page needs what ${page.needs} needs.`);
}

interface Known {
  readonly params: Readonly<Record<string, string>>;
  readonly who: Visitor;
  readonly form: { readonly fields: URLSearchParams; readonly files: ReadonlyMap<string, Buffer> } | undefined;
}

function pageRequest({ request, response, context, api }: Serving, { params, who, form }: Known): PageRequest {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableEnded) gone.abort();
  });
  const signal = AbortSignal.any([gone.signal, context.draining]);
  const apiAs = (principal: Principal): ConsoleApi =>
    consoleApi(api, { principal, origin: request, signal, locals: response.locals });
  const way = wayOf(request, context.publicUrl);
  const { principal } = who;
  return {
    params,
    query: new URLSearchParams(request.originalUrl.split('?')[1] ?? ''),
    form: form?.fields ?? new URLSearchParams(),
    files: form?.files ?? new Map(),
    visitor: who,
    api: apiAs(principal),
    apiAs,
    mayHoldSession: way.isSecure || way.isPlainButMeant,
    context,
    url: request.originalUrl,
    isPart: request.headers['hx-request'] === 'true',
    address: request.ip ?? '',
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
    ),
    signal,
  };
}

async function refuse(serving: Serving, who: Visitor, error: unknown): Promise<void> {
  const { request, response, context } = serving;
  const problem = toProblem(error);
  const id = typeof request.id === 'string' ? request.id : '';
  if (PROBLEMS[problem.code].status >= 500)
    context.log.error({ requestId: id, code: problem.code, err: problem.cause ?? problem }, 'page failed');
  await noteRefusal(context, problem, { request, response });
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (!request.complete) response.set('Connection', 'close');
  response.set(problem.headers);
  const asked = pageRequest(serving, { params: {}, who, form: undefined });
  await sendRefused({ request, response, context, asked }, problem, id);
}
