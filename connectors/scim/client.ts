import { Conflict, HttpClient, Misconfigured, Rejected, tlsOf } from '@muster/sdk';
import type { AnyServiceError, CallContext, HttpAnswer, UrlPath } from '@muster/sdk';
import type { z } from 'zod';
import { ScimFailure } from './schema';
import type { ScimConfig } from './schema';

const MEDIA_TYPE = 'application/scim+json';

/** `detailed error keywords` of RFC 7644 3.12; anything else is not repeated, since it may quote what was sent. */
const SCIM_TYPES = [
  'invalidFilter',
  'tooMany',
  'mutability',
  'invalidSyntax',
  'invalidPath',
  'noTarget',
  'invalidValue',
  'invalidVers',
  'sensitive',
];

/** A request that reads. */
export interface Reading<T> {
  readonly path: UrlPath | string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly answer: z.ZodType<T>;
}

/** A request that changes something. */
export interface Writing {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: UrlPath | string;
  readonly body?: unknown;
  /** Only if the resource still has this version (RFC 7644 3.14); undefined = whatever it has. */
  readonly version?: string | undefined;
}

/** HTTP as SCIM speaks it: its media type, its error codes, versions. */
export class ScimClient {
  readonly #http: HttpClient;

  constructor(config: ScimConfig) {
    const authorization = authorizationOf(config);
    this.#http = new HttpClient({
      baseUrl: config.url,
      headers: { accept: `${MEDIA_TYPE}, application/json`, ...(authorization === undefined ? {} : { authorization }) },
      tls: tlsOf(config),
      translate,
    });
  }

  read<T>(reading: Reading<T>, call: CallContext): Promise<T> {
    return this.#http.request({ method: 'GET', ...reading }, call);
  }

  /** undefined = the server has no such resource. */
  find<T>(reading: Reading<T>, call: CallContext): Promise<T | undefined> {
    return this.#http.find({ method: 'GET', ...reading }, call);
  }

  /** Throws Gone when the resource is not there. What the answer holds is not read: 200 with it and 204 without are both right. */
  async write(writing: Writing, call: CallContext): Promise<void> {
    await this.#http.request({ ...requestOf(writing), notFound: 'gone' }, call);
  }

  /** As `write`, for requests whose answer is needed; 404 is a wrong URL. */
  exchange<T>(writing: Writing & { readonly answer: z.ZodType<T> }, call: CallContext): Promise<T> {
    return this.#http.request({ ...requestOf(writing), answer: writing.answer }, call);
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}

/** A filter for equality; the value is written as JSON writes it (RFC 7644 3.4.2.2). */
export function equals(attribute: string, value: string): string {
  return `${attribute} eq ${JSON.stringify(value)}`;
}

function requestOf({ method, path, body, version }: Writing) {
  return {
    method,
    path,
    ...(body === undefined ? {} : { body }),
    headers: {
      ...(body === undefined ? {} : { 'content-type': MEDIA_TYPE }),
      ...(version === undefined ? {} : { 'if-match': version }),
    },
  };
}

function authorizationOf({ token, user, password }: ScimConfig): string | undefined {
  if (token !== undefined) return `Bearer ${token}`;
  if (user === undefined) return undefined;
  return `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
}

/** The server's own keyword says more than the status: some answer 400 where a name is taken. */
function translate({ what, status, body }: HttpAnswer): AnyServiceError | undefined {
  const scimType = ScimFailure.safeParse(body).data?.scimType ?? '';
  if (scimType === 'uniqueness') {
    return new Conflict(`${what}: a name or key is taken (${status}).`, { code: 'uniqueness' });
  }
  if (status === 501) {
    return new Misconfigured(`${what}: the server does not implement this; its way to write can be configured (501).`, {
      code: 'not-implemented',
    });
  }
  if (status !== 400 || !SCIM_TYPES.includes(scimType)) return undefined;
  return new Rejected(`${what}: the server refuses this (${scimType}).`, { code: `scim-${scimType}` });
}
