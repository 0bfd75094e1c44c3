import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PROBLEMS } from '../api/problem-codes';
import { readPerson } from '../store/people';
import { findClient } from '../store/auth-clients';
import { cookieHeader, wayOf } from './session';
import { layout } from './layout';
import { menuOf } from './menu';
import { pageBehind } from './page-request';
import { refusedPage, wrongOf } from './refused';
import { saidText } from './texts/said';
import { wrongBox } from './wrong-box';
import type { Request, Response } from 'express';
import type { ApiContext } from '../api/context';
import type { Problem } from '../api/problem';
import type { Html } from './html';
import type { PageAnswer, PageRequest } from './page';

export interface Exchange {
  readonly request: Request;
  readonly response: Response;
  readonly context: ApiContext;
  readonly asked: PageRequest;
  /** For pages that move by themselves. */
  readonly live?: LiveRules;
}

export interface LiveRules {
  readonly keepAliveMs: number;
  /** Is somebody still signed in there, and may they do what they might when the page was opened? */
  readonly mayGoOn: () => Promise<boolean>;
}

type PageOf<K extends PageAnswer['kind']> = Extract<PageAnswer, { kind: K }>;

/** Sends what a page answered. */
export async function sendAnswer(exchange: Exchange, answer: PageAnswer): Promise<void> {
  const { request, response, context } = exchange;
  if (response.headersSent || response.closed) return;
  switch (answer.kind) {
    case 'page':
      return sendPage(exchange, answer);
    case 'part':
      response
        .status(answer.status ?? 200)
        .type('html')
        .send(answer.html.text);
      return;
    case 'redirect':
      if (answer.key !== undefined)
        response.append('Set-Cookie', cookieHeader(wayOf(request, context.publicUrl), answer.key));
      redirect(request, response, answer.said === undefined ? answer.to : withSaid(answer.to, answer.said));
      return;
    case 'live':
      return sendLive(exchange, answer.parts);
    case 'text':
      if (answer.fileName !== undefined) response.attachment(answer.fileName);
      response.type(answer.contentType).send(answer.text);
  }
}

/** Who is not signed in goes to the door, and comes back after it. */
export function toSignIn(request: Request, response: Response): void {
  if (request.headers.accept?.includes('text/event-stream') === true) {
    // An EventSource gives up on 204, and only on 204.
    response.status(204).end();
    return;
  }
  // What was asked for itself cannot be shown: the page it was asked from can.
  const isPart = request.method === 'POST' || request.headers['hx-request'] === 'true';
  const back = isPart ? pageBehind(request) || '/' : request.originalUrl;
  redirect(request, response, `/sign-in?${new URLSearchParams({ to: back }).toString()}`);
}

/** A page in place of the one that was asked for. */
export async function sendRefused(exchange: Exchange, problem: Problem, requestId: string): Promise<void> {
  const { status, title, main } = refusedPage(problem, requestId);
  if (exchange.asked.isPart) {
    // The element that was to be filled stays: the next answer looks for it.
    const part = wrongBox(wrongOf(problem, problem.errors));
    exchange.response.status(status).set('HX-Reswap', 'innerHTML').type('html').send(part.text);
    return;
  }
  await sendPage(exchange, { kind: 'page', title, main, status });
}

function redirect(request: Request, response: Response, to: string): void {
  // htmx follows a redirect within its request; this header makes the whole page go.
  if (request.headers['hx-request'] === 'true') response.status(200).set('HX-Redirect', to).end();
  else response.status(303).set('Location', to).end();
}

function withSaid(to: string, said: string): string {
  const [path = '', query = ''] = to.split('?');
  const search = new URLSearchParams(query);
  search.set('said', said);
  return `${path}?${search.toString()}`;
}

const IN_PLACE_OF_THE_PAGE = {
  'HX-Retarget': '#content',
  'HX-Reselect': '#content',
  'HX-Reswap': 'outerHTML',
} as const;

async function sendPage({ response, request, asked }: Exchange, answer: PageOf<'page'>): Promise<void> {
  const text = await framed(asked, answer);
  // htmx puts what it is answered where its form said; a page that is shown again belongs in the place of the whole.
  if (request.headers['hx-request'] === 'true') response.set(IN_PLACE_OF_THE_PAGE);
  response
    .status(answer.status ?? statusOf(answer.problem))
    .set({ ...answer.problem?.headers, ...answer.headers })
    .type('html')
    .send(text);
}

/** A page with all that stands around it. */
export async function framed(asked: PageRequest, answer: PageOf<'page'>): Promise<string> {
  const { visitor } = asked;
  const [menu, name] = visitor.isSignedIn ? await Promise.all([menuOf(asked), nameOf(asked)]) : [[], ''];
  return layout({
    title: answer.title,
    main: answer.main,
    trail: answer.trail ?? [],
    visitor,
    name,
    menu,
    path: asked.url.split('?')[0] ?? '',
    said: saidText(asked.query.get('said')),
    wrong: answer.wrong,
  });
}

function statusOf(problem: Problem | undefined): number {
  return problem === undefined ? 200 : PROBLEMS[problem.code].status;
}

/** The person's name, else the login's. */
async function nameOf({ context: { db }, visitor: { principal } }: PageRequest): Promise<string> {
  const { userId, clientId } = principal;
  const person = userId === undefined ? undefined : await readPerson(db, userId);
  if (person !== undefined) return person.displayName;
  const client = clientId === undefined ? undefined : await findClient(db, { id: clientId });
  return client?.name ?? principal.actor;
}

/**
 * Before every piece, and at every sign of life, it is asked whether it may go on. Where it may not, the line ends without a word of
 * its end: the browser asks again, and gets what it may see now.
 */
async function sendLive({ response, live }: Exchange, parts: AsyncIterable<Html>): Promise<void> {
  if (live === undefined) throw new Error('a part that moves by itself needs rules');
  response.status(200).set('X-Accel-Buffering', 'no').type('text/event-stream');
  response.flushHeaders();
  response.write('retry: 2000\n\n');
  const keepAlive = setInterval(() => {
    // Nothing piles up for who does not read.
    if (!response.writableNeedDrain) response.write(': still here\n\n');
    void endUnless(response, live);
  }, live.keepAliveMs);
  try {
    await pipeline(Readable.from(eventsOf(parts, live), { objectMode: true, highWaterMark: 1 }), response);
  } catch (error) {
    if (!response.destroyed) throw error;
    // The browser went away: what it was sent from has been told so.
  } finally {
    clearInterval(keepAlive);
  }
}

/** An open page does not keep the session awake that it was opened with. */
async function endUnless(response: Response, { mayGoOn }: LiveRules): Promise<void> {
  try {
    if (!(await mayGoOn())) response.destroy();
  } catch {
    // The database is away: it is asked again at the next line.
  }
}

async function* eventsOf(parts: AsyncIterable<Html>, { mayGoOn }: LiveRules): AsyncGenerator<string, void> {
  for await (const part of parts) {
    if (!(await mayGoOn())) return;
    const data = part.text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
    yield `event: part\n${data.join('')}\n`;
  }
  // Nothing more will come: the browser need not ask again.
  yield 'event: end\ndata:\n\n';
}
