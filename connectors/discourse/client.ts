import { HttpClient, Misconfigured, Rejected, tlsOf } from '@muster/sdk';
import type { AnyServiceError, CallContext, HttpAnswer, UrlPath } from '@muster/sdk';
import type { z } from 'zod';
import { Failure } from './schema';
import type { DiscourseConfig } from './schema';

/** A request that changes something; 404 is Gone. */
export interface Writing {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly path: UrlPath | string;
  readonly body?: object;
}

/** HTTP as docs.discourse.org describes it. */
export class DiscourseClient {
  readonly #http: HttpClient;

  constructor(config: DiscourseConfig) {
    this.#http = new HttpClient({
      baseUrl: config.url,
      headers: { 'api-key': config.apiKey, 'api-username': config.apiUsername ?? 'system' },
      tls: tlsOf(config),
      translate,
    });
  }

  read<T>(
    path: UrlPath | string,
    reading: { readonly answer: z.ZodType<T>; readonly query?: Readonly<Record<string, string | number | boolean>> },
    call: CallContext,
  ): Promise<T> {
    return this.#http.request({ method: 'GET', path, ...reading }, call);
  }

  /** undefined = the forum has no such thing. */
  find<T>(path: UrlPath, answer: z.ZodType<T>, call: CallContext): Promise<T | undefined> {
    return this.#http.find({ method: 'GET', path, answer }, call);
  }

  async write(writing: Writing, call: CallContext): Promise<void> {
    await this.#http.request({ ...writing, notFound: 'gone' }, call);
  }

  exchange<T>(writing: Writing & { readonly answer: z.ZodType<T> }, call: CallContext): Promise<T> {
    return this.#http.request({ ...writing, notFound: 'gone' }, call);
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}

/** A 404 that is not the forum's own makes nobody gone; a 403 about one user or group is no lack of rights for all. */
function translate({ what, status, body }: HttpAnswer): AnyServiceError | undefined {
  const told = Failure.safeParse(body).data;
  if (status === 404 && told?.errors === undefined && told?.error_type === undefined) {
    return new Misconfigured(`${what}: this is no Discourse, or it is not at this URL (404).`, { code: 'no-forum' });
  }
  if (status === 403 && told?.error_type === undefined && told?.errors !== undefined) {
    return new Rejected(`${what}: the forum does not allow this for this user or group (403).`, { code: 'http-403' });
  }
  return undefined;
}
