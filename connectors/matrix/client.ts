import { Conflict, HttpClient, Misconfigured, Throttled, parseRetryAfter, tlsOf } from '@muster/sdk';
import type { AnyServiceError, CallContext, HttpAnswer, UrlPath } from '@muster/sdk';
import type { z } from 'zod';
import { Failure, Whoami } from './schema';
import type { MatrixConfig } from './schema';

/** Where a homeserver sends no time; the specification lets it. */
const DEFAULT_WAIT_MS = 5000;

/** A request that changes something; 404 is Gone. */
export interface Writing {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly path: UrlPath | string;
  readonly body: object;
}

/** Who we are on the homeserver. */
export interface Identity {
  readonly userId: string;
  readonly serverName: string;
}

/** HTTP as Synapse's client and admin APIs speak it. */
export class MatrixClient {
  readonly #http: HttpClient;
  #identity: Identity | undefined;

  constructor(config: MatrixConfig) {
    this.#http = new HttpClient({
      baseUrl: config.url,
      headers: { authorization: `Bearer ${config.token}` },
      tls: tlsOf(config),
      translate,
    });
  }

  read<T>(
    path: UrlPath | string,
    reading: {
      readonly answer: z.ZodType<T>;
      readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
    },
    call: CallContext,
  ): Promise<T> {
    return this.#http.request({ method: 'GET', path, ...reading }, byRoute(call));
  }

  /** undefined = the homeserver has no such thing. */
  find<T>(path: UrlPath, answer: z.ZodType<T>, call: CallContext): Promise<T | undefined> {
    return this.#http.find({ method: 'GET', path, answer }, byRoute(call));
  }

  async write(writing: Writing, call: CallContext): Promise<void> {
    await this.#http.request({ ...writing, notFound: 'gone' }, byRoute(call));
  }

  exchange<T>(writing: Writing & { readonly answer: z.ZodType<T> }, call: CallContext): Promise<T> {
    return this.#http.request({ ...writing, notFound: 'gone' }, byRoute(call));
  }

  /** Asked once: the server's name is part of every user id, and neither ever changes. */
  async identity(call: CallContext): Promise<Identity> {
    if (this.#identity !== undefined) return this.#identity;
    const { user_id: userId } = await this.read('/_matrix/client/v3/account/whoami', { answer: Whoami }, call);
    this.#identity = { userId, serverName: userId.slice(userId.indexOf(':') + 1) };
    return this.#identity;
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}

/** Synapse limits kinds of requests (making rooms, say, far below all others), and names neither the kind nor its limit. */
function byRoute(call: CallContext): CallContext {
  const { observe } = call;
  return observe === undefined ? call : { ...call, observe: (seen) => observe({ ...seen, scope: 'route' }) };
}

/**
 * A 404 that is not Synapse's own "not found" comes from a proxy or from a path that this homeserver does not have: it must
 * not look as if somebody were gone.
 */
function translate({ what, status, headers, body }: HttpAnswer): AnyServiceError | undefined {
  const errcode = Failure.safeParse(body).data?.errcode ?? '';
  if (errcode === 'M_LIMIT_EXCEEDED') {
    const waitMs = parseRetryAfter({ header: (name) => headers.get(name), body, nowMs: Date.now() });
    const retryAfterMs = waitMs ?? DEFAULT_WAIT_MS;
    return new Throttled(`${what}: the homeserver asks us to wait.`, { retryAfterMs, scope: 'route', code: errcode });
  }
  if (errcode === 'M_USER_IN_USE' || errcode === 'M_ROOM_IN_USE' || errcode === 'M_EXCLUSIVE') {
    return new Conflict(`${what}: the name is taken (${errcode}).`, { code: errcode });
  }
  if (status === 404 && (errcode === '' || errcode === 'M_UNRECOGNIZED')) {
    return new Misconfigured(`${what}: this is no Synapse, or its admin API is not reachable at this URL (404).`, {
      code: 'no-admin-api',
    });
  }
  return undefined;
}
