import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { NOBODY } from '../auth/principal';
import { authorize, namedPeople } from './acl';
import { noteAct } from './audit-trail';
import { emptyStream, mediaType, openStream, readBytes, validateBody } from './body';
import { shortPage } from './external-page';
import { untilGone } from './gone';
import { runOnce } from './idempotency';
import { identify } from './identify';
import { preferredWaitMs } from './prefer';
import { Problem } from './problem';
import { check, checkAnswer, takesBody, validatorsOf } from './route-checks';
import type { Express, Request, Response } from 'express';
import type { Principal } from '../auth/principal';
import type { ApiContext } from './context';
import type { SayWords } from './external-page';
import type { Door } from './identify';
import type { Answer, ResponseSpec, Route, RouteRequest } from './route';
import type { Validators } from './route-checks';

export interface FrameOptions extends Door {
  readonly context: ApiContext;
  /** Tests: an answer that does not fit its schema is an error. Default false. */
  readonly checkAnswers?: boolean;
  /** Makes pages of a few words. Default: bare ones. */
  readonly say?: SayWords;
}

/** Serves the table: for each route what its entry says, and 405 with Allow for every other method of its path. */
export function mountRoutes(app: Express, routes: readonly Route[], options: FrameOptions): void {
  const paths = [...new Set(routes.map((route) => route.path))].sort(bySpecificity);
  for (const path of paths) {
    const ofPath = routes.filter((route) => route.path === path);
    const pattern = path.replace(/\{(\w+)\}/g, ':$1');
    for (const entry of ofPath) {
      const validators = validatorsOf(entry);
      app[entry.method](pattern, async (request, response) => {
        response.locals['route'] = `${entry.method.toUpperCase()} ${path}`;
        await serve({ route: entry, validators, options, request, response });
      });
    }
    const allow = allowHeader(ofPath);
    app.all(pattern, (request, response) => {
      if (request.method !== 'OPTIONS') throw methodProblem(request.method, allow);
      response.status(204).set('Allow', allow).end();
    });
  }
}

/** Fixed segments before parameters, so that `/users/me` is never read as a user called `me`. */
function bySpecificity(a: string, b: string): number {
  const rank = (path: string): string => path.replace(/\{\w+\}/g, '\uffff');
  return rank(a) < rank(b) ? -1 : 1;
}

function allowHeader(routes: readonly Route[]): string {
  const methods = routes.map((route) => route.method.toUpperCase());
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
}

function methodProblem(method: string, allow: string): Problem {
  return new Problem('method-not-allowed', `${method} is not possible here; ${allow} are.`, {
    headers: { Allow: allow },
  });
}

interface Serving {
  readonly route: Route;
  readonly validators: Validators;
  readonly options: FrameOptions;
  readonly request: Request;
  readonly response: Response;
}

async function serve(serving: Serving): Promise<void> {
  const { route, validators, options, request, response } = serving;
  const principal = route.acl === 'public' ? NOBODY : await identify(options, request, response);
  const named = check(validators.params, { ...request.params }, 'path');
  const params = await namedPeople(options.context, principal, named);
  response.locals['ids'] = params;
  await authorize(route, principal, { params, context: options.context });
  const query = check(validators.query, { ...request.query }, 'query');
  const bytes = route.stream === undefined && takesBody(route) ? await readBytes(request, response) : Buffer.alloc(0);
  const body = takesBody(route) && route.stream === undefined ? validateBody(route, bytes) : undefined;
  const input: RouteRequest = { ...factsOf(serving, principal), params, query, body };
  const answer = await runOnce({ route, request: input, method: request.method, bytes }, (final) =>
    route.handler(final),
  );
  if (options.checkAnswers === true) checkAnswer(route, answer);
  await noteAct(options.context, { route, principal, params, request });
  await send(serving, answer);
}

function factsOf(
  { route, options, request, response }: Serving,
  principal: Principal,
): Omit<RouteRequest, 'params' | 'query' | 'body'> {
  return {
    principal,
    context: options.context,
    url: request.originalUrl,
    headers: singleHeaders(request),
    waitMs: preferredWaitMs(request.get('prefer')),
    signal: untilGone(response, options.context.draining),
    stream: route.stream === undefined ? emptyStream() : openStream(request, route.stream),
    contentType: mediaType(request),
    address: request.ip ?? '',
  };
}

function singleHeaders(request: Request): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

async function send({ route, request, response, options }: Serving, answer: Answer): Promise<void> {
  if (response.headersSent || response.closed) return;
  response.status(answer.status);
  if (route.acl !== 'public') response.set('Cache-Control', 'no-store');
  response.set(answer.headers ?? {});
  if (answer.stream !== undefined) return sendStream(response, answer.stream, route.responses[answer.status]);
  if (answer.words !== undefined) {
    const text = (await options.say?.(request, response, answer.words)) ?? shortPage(answer.words);
    response.type('html').send(text);
    return;
  }
  sendBody(route, response, answer);
}

function sendBody(route: Route, response: Response, answer: Answer): void {
  if (answer.body === undefined) {
    response.end();
    return;
  }
  const contentType = answer.contentType ?? route.responses[answer.status]?.contentType;
  if (contentType !== undefined && typeof answer.body === 'string') response.type(contentType).send(answer.body);
  else response.json(answer.body);
}

async function sendStream(
  response: Response,
  stream: AsyncIterable<string>,
  spec: ResponseSpec | undefined,
): Promise<void> {
  response.type(spec?.contentType ?? 'text/plain');
  // Who asks for the headers only must not wait for the end of the stream.
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  response.flushHeaders();
  try {
    await pipeline(Readable.from(stream, { objectMode: true, highWaterMark: 1 }), response);
  } catch (error) {
    if (!response.destroyed) throw error;
    // The client went away: what it was sent from has been told so.
  }
}
