import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PROBLEMS } from '../api/problem-codes';
import { readPerson } from '../store/people';
import { findClient } from '../store/auth-clients';
import { cookieHeader, isSessionLive, wayOf } from './session';
import { layout } from './layout';
import { menuOf } from './menu';
import { refusedPage } from './refused';
import { saidText } from './texts/said';
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
  const back = request.method === 'POST' || request.headers['hx-request'] === 'true' ? '/' : request.originalUrl;
  redirect(request, response, `/sign-in?${new URLSearchParams({ to: back }).toString()}`);
}

/** A page in place of the one that was asked for. */
export async function sendRefused(exchange: Exchange, problem: Problem, requestId: string): Promise<void> {
  const { status, title, main } = refusedPage(problem, requestId);
  if (exchange.asked.isPart) {
    exchange.response.status(status).type('html').send(main.text);
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

async function sendPage({ response, request, asked }: Exchange, answer: PageOf<'page'>): Promise<void> {
  const text = await framed(request, asked, answer);
  response
    .status(answer.status ?? statusOf(answer.problem))
    .set({ ...answer.problem?.headers, ...answer.headers })
    .type('html')
    .send(text);
}

/** A page with all that stands around it. */
export async function framed(request: Request, asked: PageRequest, answer: PageOf<'page'>): Promise<string> {
  const { visitor } = asked;
  const [menu, name] = visitor.isSignedIn ? await Promise.all([menuOf(asked), nameOf(asked)]) : [[], ''];
  return layout({
    title: answer.title,
    main: answer.main,
    trail: answer.trail ?? [],
    visitor,
    name,
    menu,
    path: request.path,
    said: saidText(asked.query.get('said')),
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

/** A line now and then, so that nobody in between takes the connection for dead. */
const KEEP_ALIVE_MS = 15_000;

async function sendLive({ response, context, asked }: Exchange, parts: AsyncIterable<Html>): Promise<void> {
  response.status(200).set('X-Accel-Buffering', 'no').type('text/event-stream');
  response.flushHeaders();
  response.write('retry: 2000\n\n');
  const keepAlive = setInterval(() => {
    response.write(': still here\n\n');
    void endWithSession(response, { db: context.db, key: asked.visitor.key });
  }, KEEP_ALIVE_MS);
  try {
    await pipeline(Readable.from(eventsOf(parts), { objectMode: true, highWaterMark: 1 }), response);
  } catch (error) {
    if (!response.destroyed) throw error;
    // The browser went away: what it was sent from has been told so.
  } finally {
    clearInterval(keepAlive);
  }
}

/** An open page ends soon after the session that it was opened with; it does not keep that session awake. */
async function endWithSession(
  response: Response,
  { db, key }: { readonly db: ApiContext['db']; readonly key: string },
): Promise<void> {
  try {
    if (!(await isSessionLive(db, key))) response.destroy();
  } catch {
    // The database is away: it is asked again at the next line.
  }
}

async function* eventsOf(parts: AsyncIterable<Html>): AsyncGenerator<string, void> {
  for await (const part of parts) {
    const data = part.text.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
    yield `event: part\n${data.join('')}\n`;
  }
  // Nothing more will come: the browser need not ask again.
  yield 'event: end\ndata:\n\n';
}
