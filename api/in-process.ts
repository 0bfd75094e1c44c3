import { Readable } from 'node:stream';
import { NOBODY } from '../auth/principal';
import { authorize, namedPeople } from './acl';
import { noteAct } from './audit-trail';
import { emptyStream, validateBody } from './body';
import { runOnce } from './idempotency';
import { preferredWaitMs } from './prefer';
import { Problem } from './problem';
import { check, checkAnswer, takesBody, validatorsOf } from './route-checks';
import type { Principal } from '../auth/principal';
import type { Origin } from './audit-trail';
import type { ApiContext } from './context';
import type { Answer, Route } from './route';
import type { Validators } from './route-checks';

/** On whose behalf the API is called from within its own process. */
export interface Caller {
  readonly principal: Principal;
  readonly origin: Origin;
  /** Aborted when they go away, or when this process drains. */
  readonly signal: AbortSignal;
  /** Noted for the audit trail when the call is refused, as the frame does. */
  readonly locals: Record<string, unknown>;
}

/** What a request would hold. Values of the path and the query as text, the body as a value. */
export interface InProcessRequest {
  readonly params?: Readonly<Record<string, string>>;
  /** An undefined value is not sent. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Lower-case names, e.g. `prefer`, `idempotency-key`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of `body`, for routes that read a stream. */
  readonly upload?: { readonly contentType: string; readonly bytes: Buffer };
}

/** The API without the wire: the same table, the same permissions, the same audit trail. */
export interface InProcessApi {
  /** Calls a route by its name, e.g. `GET /v1/users/{user}/services`. @throws Problem and what handlers throw; Error when there is no such route */
  call(caller: Caller, name: string, request?: InProcessRequest): Promise<Answer>;
  /** Would this principal be let in? Buttons and menus ask this. @throws Error when there is no such route */
  may(principal: Principal, name: string, params?: Readonly<Record<string, string>>): Promise<boolean>;
}

interface Entry {
  readonly route: Route;
  readonly validators: Validators;
}

/** Makes the table callable for pages that run in the API's own process. `checkAnswers` as in the frame. */
export function inProcessApi(options: {
  readonly routes: readonly Route[];
  readonly context: ApiContext;
  readonly checkAnswers?: boolean;
}): InProcessApi {
  const { context, checkAnswers = false } = options;
  const table = new Map<string, Entry>(
    options.routes.map((route) => [
      `${route.method.toUpperCase()} ${route.path}`,
      { route, validators: validatorsOf(route) },
    ]),
  );
  const entryOf = (name: string): Entry => {
    const entry = table.get(name);
    if (entry === undefined) throw new Error(`there is no route ${name}`);
    return entry;
  };
  return {
    call: (caller, name, request = {}) => perform({ ...entryOf(name), name, caller, request, context, checkAnswers }),
    may: (principal, name, params = {}) => mayCall(context, entryOf(name), { principal, params }),
  };
}

interface Performing extends Entry {
  readonly name: string;
  readonly caller: Caller;
  readonly request: InProcessRequest;
  readonly context: ApiContext;
  readonly checkAnswers: boolean;
}

async function perform(performing: Performing): Promise<Answer> {
  const { route, validators, name, caller, request, context } = performing;
  const { locals, origin } = caller;
  const principal = route.acl === 'public' ? NOBODY : caller.principal;
  const label = locals['route'];
  locals['route'] = name;
  const params = await namedPeople(context, principal, check(validators.params, { ...request.params }, 'path'));
  locals['ids'] = params;
  await authorize(route, principal, { params, context });
  const query = check(validators.query, given(request.query ?? {}), 'query');
  const bytes = request.upload?.bytes ?? bytesOf(request.body);
  const body = takesBody(route) && route.stream === undefined ? validateBody(route, bytes) : undefined;
  const input = { ...factsOf(performing, principal), params, query, body };
  const answer = await runOnce({ route, request: input, method: route.method.toUpperCase(), bytes }, (final) =>
    route.handler(final),
  );
  if (performing.checkAnswers) checkAnswer(route, answer);
  await noteAct(context, { route, principal, params, request: origin });
  locals['route'] = label;
  return answer;
}

function given(query: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
}

function bytesOf(body: unknown): Buffer {
  return body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
}

function factsOf(
  { route, caller, request, context }: Performing,
  principal: Principal,
): Omit<Parameters<Route['handler']>[0], 'params' | 'query' | 'body'> {
  const { headers = {}, upload } = request;
  const contentType = upload?.contentType ?? 'application/json';
  if (route.stream !== undefined && !route.stream.contentTypes.includes(contentType)) {
    throw new Problem('unsupported-media-type', `This route takes ${route.stream.contentTypes.join(', ')}.`);
  }
  return {
    principal,
    context,
    url: urlOf(route, request),
    headers,
    waitMs: preferredWaitMs(headers['prefer']),
    signal: caller.signal,
    stream: route.stream === undefined || upload === undefined ? emptyStream() : Readable.from([upload.bytes]),
    contentType,
    address: caller.origin.ip ?? '',
  };
}

/** As it would have been sent: links of answers and the fingerprint of repeated requests are made from it. */
function urlOf({ path }: Route, { params = {}, query = {} }: InProcessRequest): string {
  const filled = path.replace(/\{(\w+)\}/g, (_all, key: string) => encodeURIComponent(params[key] ?? ''));
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, value);
  return search.size === 0 ? filled : `${filled}?${search.toString()}`;
}

async function mayCall(
  context: ApiContext,
  { route, validators }: Entry,
  asked: { readonly principal: Principal; readonly params: Readonly<Record<string, string>> },
): Promise<boolean> {
  const { principal } = asked;
  const parsed = validators.params.safeParse({ ...asked.params });
  // Without values it is asked in general: may they do this to anything at all?
  const named = parsed.success ? parsed.data : { ...asked.params };
  try {
    const params = await namedPeople(context, principal, named);
    await authorize(route, principal, { params, context });
    return true;
  } catch (error) {
    if (error instanceof Problem && error.code === 'forbidden') return false;
    throw error;
  }
}
