import { shortPage } from '../api/external-page';
import { noteRefusal } from '../api/audit-trail';
import { admit } from '../api/identify';
import { inProcessApi } from '../api/in-process';
import { PROBLEMS } from '../api/problem-codes';
import { Problem } from '../api/problem';
import { toProblem } from '../api/problems';
import { readForm } from './form-data';
import { TOKEN_FIELD } from './forms';
import { isBrowser } from './is-browser';
import { pageBehind, pageRequest } from './page-request';
import { PageTable } from './page-table';
import { requireFormToken, requireSameOrigin } from './same-origin';
import { trusted } from './html';
import { refilled } from './refill';
import { wordsPage, wrongOf } from './refused';
import { framed, sendAnswer, sendRefused, toSignIn } from './send';
import { cookieHeader, keyOf, newKey, visitor, visitorNow, visitorOf, wayOf } from './session';
import { moduleHead } from './module-head';
import type { Request, RequestHandler, Response } from 'express';
import type { ApiContext } from '../api/context';
import type { SayWords } from '../api/external-page';
import type { Door } from '../api/identify';
import type { InProcessApi } from '../api/in-process';
import type { Route } from '../api/route';
import type { PageAnswer, PageDefinition, PageRequest, Visitor } from './page';
import type { SentForm } from './form-data';
import type { FoundPage } from './page-table';
import type { SentForm as Typed } from './refill';
import type { LiveRules } from './send';

export interface ConsoleOptions extends Pick<Door, 'rates'> {
  readonly context: ApiContext;
  readonly routes: readonly Route[];
  readonly pages: readonly PageDefinition[];
  /** Tests: as in the API's frame. */
  readonly checkAnswers?: boolean;
  /** How often an open page is looked after, default 15 s. */
  readonly keepAliveMs?: number;
}

interface Serving extends ConsoleOptions {
  readonly api: InProcessApi;
  readonly table: PageTable;
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
  /** A page of a few words, for what the API has to say to a browser. */
  readonly say: SayWords;
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
    await answerPage({ ...options, api, table, request, response }, found);
  };
  const refused = async (request: Request, response: Response, error: unknown): Promise<void> => {
    setHeaders(response);
    const serving = { ...options, api, table, request, response };
    const who = await visit(serving);
    if (!who.isSignedIn && toProblem(error).code === 'unauthenticated') toSignIn(request, response);
    else await refuse(serving, who, error);
  };
  const askedFor = async (request: Request, response: Response, at?: string): Promise<PageRequest> => {
    setHeaders(response);
    const serving = { ...options, api, table, request, response };
    const who = await visit(serving);
    return pageRequest(serving, { params: {}, who, form: undefined, ...(at === undefined ? {} : { at }) });
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
      const asked = await askedFor(request, response);
      return framed(asked, { kind: 'page', ...(await moduleHead(asked)), main: trusted(markup) });
    },
    say: async (request, response, words) => {
      if (!isBrowser(request)) return shortPage(words);
      // What another side sent along in the query has nothing to do in a page.
      const asked = await askedFor(request, response, request.path);
      return framed(asked, { kind: 'page', ...wordsPage(words) });
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

/** A line to an open page now and then, so that nobody in between takes its connection for dead. */
const KEEP_ALIVE_MS = 15_000;

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
  const { answer, to } = await (page.method === 'post' ? take : look)(serving, { page, params }, who);
  if (answer.kind === 'page' && answer.problem !== undefined) await note(serving, answer.problem);
  await sendAnswer({ request, response, context, asked: to, live: liveRules(serving, { page, params }, who) }, answer);
}

/** A page that moves by itself stops when its reader may no longer see it, or may do more or less than when it was opened. */
function liveRules(serving: Serving, found: FoundPage, opened: Visitor): LiveRules {
  const { context, keepAliveMs = KEEP_ALIVE_MS } = serving;
  const mayGoOn = async (): Promise<boolean> => {
    const now = await visitorNow(context.db, opened.key);
    return now.isSignedIn && now.rights === opened.rights && (await isNeeded(serving, found, now));
  };
  return { keepAliveMs, mayGoOn };
}

interface Answered {
  readonly answer: PageAnswer;
  /** The request that it answers. */
  readonly to: PageRequest;
}

async function look(serving: Serving, { page, params }: FoundPage, who: Visitor): Promise<Answered> {
  const asked = pageRequest(serving, { params, who, form: undefined });
  return { answer: await page.handler(asked), to: asked };
}

/** A form is read. What is too large was not read: then the browser says on which page it stands. */
async function take(serving: Serving, { page, params }: FoundPage, who: Visitor): Promise<Answered> {
  const { request, response } = serving;
  let form: SentForm;
  try {
    form = await readForm(request, response, page.maxFormBytes);
  } catch (error) {
    const problem = toProblem(error);
    const on = { ...who, page: pageBehind(request) };
    const again = problem.code === 'body-too-large' ? await pageAgain(serving, on, { problem }) : undefined;
    if (again === undefined) throw error;
    return again;
  }
  requireFormToken(who.formToken, form.fields.get(TOKEN_FIELD));
  return act(serving, page, pageRequest(serving, { params, who, form }));
}

/** What a form does. What it cannot do is said on the page that it came from, where there is still one. */
async function act(serving: Serving, page: PageDefinition, asked: PageRequest): Promise<Answered> {
  try {
    return { answer: await page.handler(asked), to: asked };
  } catch (error) {
    const problem = toProblem(error);
    // What is our fault is found again by its number, which only the other page says.
    const sent = { action: asked.url, fields: asked.form, errors: problem.errors };
    const again = problem.code === 'internal' ? undefined : await pageAgain(serving, asked.visitor, { problem, sent });
    if (again === undefined) throw error;
    return again;
  }
}

interface Refused {
  readonly problem: Problem;
  readonly sent?: Typed;
}

/** The page that a form stands on, with what was typed and what is wrong with it. */
async function pageAgain(serving: Serving, who: Visitor, { problem, sent }: Refused): Promise<Answered | undefined> {
  const { table } = serving;
  const path = who.page.split('?')[0] ?? '';
  const found = path.startsWith('/') ? table.find('get', path) : undefined;
  if (found === undefined || found === 'other method') return undefined;
  try {
    await requireNeeded(serving, found, who);
    const to = pageRequest(serving, { params: found.params, who, form: undefined, at: who.page });
    const answer = await found.page.handler(to);
    if (answer.kind !== 'page') return undefined;
    const { main, rest } = sent === undefined ? { main: answer.main, rest: [] } : refilled(answer.main, sent);
    return { answer: { ...answer, main, problem, wrong: wrongOf(problem, rest) }, to };
  } catch (error) {
    // The page has gone, or may not be seen any more: then the problem has a page of its own.
    if (toProblem(error).code === 'internal') serving.context.log.warn({ err: error }, 'form not shown again');
    return undefined;
  }
}

/** Faults of ours go to the log, refusals into the audit trail. */
async function note({ context, request, response }: Serving, problem: Problem): Promise<void> {
  if (PROBLEMS[problem.code].status >= 500)
    context.log.error({ requestId: idOf(request), code: problem.code, err: problem.cause ?? problem }, 'page failed');
  await noteRefusal(context, problem, { request, response });
}

function idOf(request: Request): string {
  return typeof request.id === 'string' ? request.id : '';
}

async function isNeeded({ api }: Serving, { page, params }: FoundPage, { principal }: Visitor): Promise<boolean> {
  if (['anybody', 'signed in'].includes(page.needs)) return true;
  return api.may(principal, page.needs, page.needsParams ?? params);
}

async function requireNeeded(serving: Serving, found: FoundPage, who: Visitor): Promise<void> {
  const { page } = found;
  if (await isNeeded(serving, found, who)) return;
  throw new Problem('forbidden', `This page needs what ${page.needs} needs.`);
}

async function refuse(serving: Serving, who: Visitor, error: unknown): Promise<void> {
  const { request, response, context } = serving;
  const problem = toProblem(error);
  await note(serving, problem);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (!request.complete) response.set('Connection', 'close');
  response.set(problem.headers);
  const asked = pageRequest(serving, { params: {}, who, form: undefined });
  await sendRefused({ request, response, context, asked }, problem, idOf(request));
}
