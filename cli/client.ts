import { setTimeout as delay } from 'node:timers/promises';
import { parseEvents } from './event-stream';
import { CliFailure, EXIT } from './failure';
import type { Readable } from 'node:stream';
import type { ClientConfig } from '../config/client';

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** In place of `body`: sent as it comes. */
  readonly stream?: { readonly content: Readable; readonly contentType: string };
  readonly headers?: Readonly<Record<string, string>>;
}

/** The API, as the commands use it. */
export interface Client {
  /** The answer's JSON. @throws CliFailure with the problem's words, or when nobody answers */
  call<T>(call: Call): Promise<T>;
  /** The data of server-sent events, one after the other, until the server ends them. @throws as `call` */
  events<T>(path: string): AsyncIterable<T>;
  /** All items of a list, page after page, at most `max`. */
  list<T>(call: Call, max: number): Promise<readonly T[]>;
}

/** A page as every list of the API answers it. */
interface Page<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
}

const PAGE = 500;

/** As the server asks for: who was cut off comes back after so long. */
const RECONNECT_MS = 1_000;

/** Makes the client of one Muster. */
export function createClient(config: Pick<ClientConfig, 'url' | 'token'>): Client {
  const call = async <T>(wanted: Call): Promise<T> => (await answerOf(config, wanted)) as T;
  return {
    call,
    events: <T>(path: string) => eventsOf<T>(config, path),
    list: async <T>(wanted: Call, max: number) => {
      const items: T[] = [];
      let cursor: string | undefined;
      do {
        const limit = Math.min(PAGE, max - items.length);
        const page: Page<T> = await call<Page<T>>({ ...wanted, query: { ...wanted.query, limit, cursor } });
        items.push(...page.items);
        cursor = page.cursor;
      } while (cursor !== undefined && items.length < max);
      return items;
    },
  };
}

/** A person as typed: a plain word is a username; ids, `username:` and `external:` stay. Encoded for a path. */
export function userInPath(typed: string): string {
  return encodeURIComponent(userReference(typed));
}

/** As `userInPath`, not encoded. */
export function userReference(typed: string): string {
  const isReference = /^(username|external):/.test(typed) || /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(typed);
  return isReference ? typed : `username:${typed}`;
}

/** Goes on where the connection broke: only who gets no answer at all has lost the server. */
async function* eventsOf<T>(config: Pick<ClientConfig, 'url' | 'token'>, path: string): AsyncGenerator<T, void> {
  let seen: string | undefined;
  for (let ended = false; !ended;) {
    const headers = { accept: 'text/event-stream', ...(seen === undefined ? {} : { 'last-event-id': seen }) };
    const response = await send(config, { path, headers });
    if (response.status === 204) return;
    if (!response.ok || response.body === null) throw refusal(response.status, await bodyOf(response), config);
    for await (const event of parseEvents(response.body)) {
      seen = event.id ?? seen;
      ended = event.name === 'end';
      yield JSON.parse(event.data) as T;
    }
    if (!ended) await delay(RECONNECT_MS);
  }
}

async function answerOf(config: Pick<ClientConfig, 'url' | 'token'>, call: Call): Promise<unknown> {
  const response = await send(config, call);
  const body = await bodyOf(response);
  if (response.ok) return body;
  throw refusal(response.status, body, config);
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  const isJson = /^application\/([\w.-]+\+)?json/.test(response.headers.get('content-type') ?? '');
  return isJson && text !== '' ? JSON.parse(text) : text;
}

async function send(config: Pick<ClientConfig, 'url' | 'token'>, call: Call): Promise<Response> {
  const url = new URL(config.url + call.path);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  try {
    return await fetch(url, requestOf(config, call));
  } catch (error) {
    throw unreachable(config.url, error);
  }
}

function requestOf(config: Pick<ClientConfig, 'token'>, call: Call): RequestInit {
  const contentType = call.stream?.contentType ?? (call.body === undefined ? undefined : 'application/json');
  const headers = {
    accept: 'application/json, application/problem+json',
    ...(config.token === undefined ? {} : { authorization: `Bearer ${config.token}` }),
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
    ...call.headers,
  };
  const method = call.method ?? 'GET';
  if (call.stream !== undefined) {
    // `duplex` is what lets a stream be sent before the answer begins; the types do not know it yet.
    return { method, headers, body: call.stream.content, duplex: 'half' } as unknown as RequestInit;
  }
  return { method, headers, ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }) };
}

function unreachable(url: string, error: unknown): CliFailure {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new CliFailure(`Muster does not answer at ${url}${code}.`, {
    exitCode: EXIT.unreachable,
    details: ['Start it with `npm start` and run commands in its folder, or set MUSTER_URL to where it runs.'],
  });
}

interface ProblemBody {
  readonly title?: string;
  readonly detail?: string;
  readonly instance?: string;
  readonly errors?: readonly { readonly pointer?: string; readonly detail: string }[];
}

function refusal(status: number, body: unknown, config: Pick<ClientConfig, 'url' | 'token'>): CliFailure {
  if (typeof body !== 'object' || body === null) {
    return new CliFailure(`${config.url} answered ${status}, and not like Muster.`, { details: ['Check MUSTER_URL.'] });
  }
  const problem = body as ProblemBody;
  const errors = (problem.errors ?? []).map((error) =>
    [error.pointer, error.detail].filter((part) => part !== undefined).join(': '),
  );
  const advice = adviceFor(status, config);
  const hint = status >= 500 && problem.instance !== undefined ? [`The log has more under ${problem.instance}.`] : [];
  const details = [...shortened(errors), ...advice, ...hint];
  return new CliFailure(problem.detail ?? problem.title ?? `status ${status}`, { details, problem });
}

const SHOWN_ERRORS = 20;

function shortened(errors: readonly string[]): readonly string[] {
  if (errors.length <= SHOWN_ERRORS) return errors;
  return [...errors.slice(0, SHOWN_ERRORS), `and ${errors.length - SHOWN_ERRORS} more (--json shows all)`];
}

function adviceFor(status: number, config: Pick<ClientConfig, 'token'>): readonly string[] {
  if (status !== 401) return [];
  const place =
    'Run the command in the folder of Muster (the token is in .muster/admin-token), or set MUSTER_TOKEN or MUSTER_TOKEN_FILE.';
  return [
    config.token === undefined ? `No token was found. ${place}` : `The token is of another installation. ${place}`,
  ];
}
