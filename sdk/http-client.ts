import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import type { z } from 'zod';
import { startDeadline } from './deadline';
import { Misconfigured, Unavailable, isServiceError } from './errors';
import type { AnyServiceError } from './errors';
import { failureOfStatus, failureOfTransport, isThrottling, limitsOf } from './http-failures';
import type { HttpAnswer } from './http-failures';
import type { CallContext } from './manager';
import { tlsSettings } from './tls';
import type { TlsOptions } from './tls';
import type { UrlPath } from './url-path';
import { MUSTER_VERSION } from './version';

export type { HttpAnswer } from './http-failures';

/** Where a service answers and what every request to it carries. */
export interface HttpClientOptions {
  /** Where the API begins, e.g. `https://chat.example.org/api/v2`. User and password in it become Basic authentication. */
  readonly baseUrl: string;
  /** Sent with every request, e.g. `{ authorization: 'Bearer ...' }`. Never part of a message. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Added to the user agent, which begins with `Muster/<version>`. */
  readonly userAgent?: string;
  /** Which certificates are accepted, and what we show. Default: the authorities that Node knows, and nothing. */
  readonly tls?: TlsOptions;
  /** Connections that may be open at the same time; more requests wait for one. Default 16. */
  readonly maxConnections?: number;
  /** Longest answer that is read, in bytes. Default 10 MB. */
  readonly maxAnswerBytes?: number;
  /** Looks at every answer that is no success first; undefined = by its status. For services with codes of their own. */
  readonly translate?: (answer: HttpAnswer) => AnyServiceError | undefined;
}

/** One request. `answer` is the schema of the fields that are used; an answer that does not fit is `Unavailable`. */
export interface HttpRequest<T> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Made with the tag `path`, so that values are escaped and stay out of messages; or a constant text. */
  readonly path: UrlPath | string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. At most one of `body`, `form` and `text`. */
  readonly body?: unknown;
  /** Sent as a web form, as OAuth 2 wants it. */
  readonly form?: Readonly<Record<string, string>>;
  /** Sent exactly as it is, for bodies that are signed or are no JSON. Say what it is in `headers`. */
  readonly text?: string;
  /** Win over the client's own, e.g. another `content-type`, `if-match`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the answer must look like; only the fields that are used. Absent: the answer's body is not read as data. */
  readonly answer?: z.ZodType<T>;
  /** What 404 and 410 mean: `gone` where the path names an account or a group. Default `misconfigured`: a wrong URL. */
  readonly notFound?: 'gone' | 'misconfigured';
}

/** What a request that succeeded was answered with. */
export interface HttpReply<T> {
  readonly status: number;
  /** E.g. for `etag` and `location`. */
  readonly headers: Headers;
  readonly data: T;
}

const MAX_ANSWER_BYTES = 10 * 1024 * 1024;
const MAX_CONNECTIONS = 16;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * HTTP for managers: one pool of connections for one service, the call's deadline, answers checked by schema, statuses as
 * typed errors. It never tries again, never waits and follows no redirect. Messages name method and path without values,
 * query or host. Make one for each manager, and close it in the manager's `close`.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #base: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #pool: Pool;

  /** Throws Misconfigured when `baseUrl` is no http(s) URL. */
  constructor(options: HttpClientOptions) {
    this.#options = options;
    const { url, authorization } = takeApart(options.baseUrl);
    this.#base = url;
    this.#headers = {
      accept: 'application/json',
      'user-agent': `Muster/${MUSTER_VERSION}${options.userAgent === undefined ? '' : ` ${options.userAgent}`}`,
      ...(authorization === undefined ? {} : { authorization }),
      ...options.headers,
    };
    this.#pool = new Pool(url.origin, {
      connections: options.maxConnections ?? MAX_CONNECTIONS,
      connect: { timeout: CONNECT_TIMEOUT_MS, ...tlsSettings(options.tls ?? {}) },
      // The call's own deadline ends a request, whatever it waits for.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** Lets running requests end, then closes the connections. */
  async close(): Promise<void> {
    if (!this.#pool.closed) await this.#pool.close();
  }

  /** Sends the request and answers its checked body. Throws typed errors only. */
  async request<T = void>(request: HttpRequest<T>, call: CallContext): Promise<T> {
    return (await this.exchange(request, call)).data;
  }

  /** As `request`, and answers status and headers too: 201 or 204, an ETag, a Location. */
  async exchange<T = void>(request: HttpRequest<T>, call: CallContext): Promise<HttpReply<T>> {
    const what = `${request.method} ${typeof request.path === 'string' ? request.path.replace(/[?#].*$/s, '') : request.path.shape}`;
    const answer = await this.#send(request, what, call);
    if (answer.status < 200 || answer.status > 299) {
      throw this.#options.translate?.(answer) ?? failureOfStatus(answer, request.notFound ?? 'misconfigured');
    }
    return { status: answer.status, headers: answer.headers, data: checked(request, answer) };
  }

  /** As `request`, but 404 and 410 answer undefined. */
  async find<T>(
    request: HttpRequest<T> & { readonly answer: z.ZodType<T> },
    call: CallContext,
  ): Promise<T | undefined> {
    try {
      return await this.request({ ...request, notFound: 'gone' }, call);
    } catch (error) {
      if (isServiceError(error) && error.kind === 'gone') return undefined;
      throw error;
    }
  }

  async #send<T>(request: HttpRequest<T>, what: string, call: CallContext): Promise<HttpAnswer> {
    const permit = await call.permit?.(what);
    const deadline = startDeadline(call.signal, call.timeoutMs);
    const { signal } = deadline;
    try {
      const { type, payload } = payloadOf(request);
      const url = this.#url(request);
      const response = await this.#pool.request({
        method: request.method,
        path: url.pathname + url.search,
        headers: { ...this.#headers, ...(type === undefined ? {} : { 'content-type': type }), ...request.headers },
        body: payload,
        signal,
      });
      permit?.answered();
      const text = await readText(response.body, this.#options.maxAnswerBytes ?? MAX_ANSWER_BYTES);
      const answer = {
        what,
        status: response.statusCode,
        headers: headersOf(response.headers),
        body: parseJson(text),
      };
      const limits = limitsOf(answer);
      call.observe?.({ ...limits, route: what, refused: isThrottling(answer.status, limits) });
      return answer;
    } catch (error) {
      permit?.answered();
      throw failureOfTransport(what, error, signal.aborted);
    } finally {
      deadline.clear();
    }
  }

  #url<T>(request: HttpRequest<T>): URL {
    const url = new URL(this.#base);
    const text = typeof request.path === 'string' ? request.path : request.path.text;
    url.pathname = url.pathname.replace(/\/+$/, '') + (text.startsWith('/') ? text : `/${text}`);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
  }
}

/** A body that cannot be understood is Unavailable: the call may have happened, and mending it is nobody's account. */
function checked<T>(request: HttpRequest<T>, answer: HttpAnswer): T {
  // Without a schema T is void: there is nothing to answer.
  if (request.answer === undefined) return undefined as T;
  const parsed = request.answer.safeParse(answer.body);
  if (parsed.success) return parsed.data;
  // Only where it went wrong: zod's messages for unions and enums can quote values.
  const places = parsed.error.issues.map((issue) => issue.path.join('.') || 'the body').join(', ');
  throw new Unavailable(`${answer.what}: the answer is not as expected (${places}).`, { code: 'unexpected-answer' });
}

function takeApart(baseUrl: string): { readonly url: URL; readonly authorization: string | undefined } {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    // The text itself is not shown: it may hold a password.
    throw new Misconfigured('The URL of the service is not an http or https URL.', { code: 'url' });
  }
  const { username, password } = url;
  url.username = '';
  url.password = '';
  if (username === '' && password === '') return { url, authorization: undefined };
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function payloadOf<T>({ body, form, text }: HttpRequest<T>): {
  readonly type: string | undefined;
  readonly payload: string | null;
} {
  if (text !== undefined) return { type: 'text/plain; charset=utf-8', payload: text };
  if (form !== undefined) {
    return { type: 'application/x-www-form-urlencoded', payload: new URLSearchParams(form).toString() };
  }
  if (body === undefined) return { type: undefined, payload: null };
  return { type: 'application/json', payload: JSON.stringify(body) };
}

function headersOf(fields: Dispatcher.ResponseData['headers']): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(fields)) {
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  return headers;
}

async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is a finding, not a failure: a maintenance page comes with a status that says what it means.
    return undefined;
  }
}
