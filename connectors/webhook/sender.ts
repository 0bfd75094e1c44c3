import { randomUUID } from 'node:crypto';
import { Gone, HttpClient, Rejected, tlsOf } from '@muster/sdk';
import type { AnyServiceError, CallContext, HttpAnswer, UrlPath } from '@muster/sdk';
import type { z } from 'zod';
import { GoneAnswer } from './schema';
import type { WebhookConfig } from './schema';
import { signedHeaders } from './signature';

/** One call: its name, and what it is about. */
export interface CallBody {
  readonly call: string;
  readonly [field: string]: unknown;
}

/** Sends signed calls to one receiver. */
export class Sender {
  readonly #config: WebhookConfig;
  readonly #http: HttpClient;
  readonly #path: UrlPath;
  readonly #isSafe: boolean;

  constructor(config: WebhookConfig) {
    const url = new URL(config.url);
    this.#config = config;
    // The path may hold a token, so messages show nothing of it.
    this.#path = { text: url.pathname, shape: '/' };
    this.#isSafe = url.protocol === 'https:' || ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
    url.pathname = '/';
    this.#http = new HttpClient({ baseUrl: url.href, tls: tlsOf(config), translate: goneGroup });
  }

  /** Sends one call. An empty answer counts as `{}`. Throws Gone for 404 and 410. */
  async send<T>(body: CallBody, answer: z.ZodType<T>, call: CallContext): Promise<T> {
    const text = JSON.stringify(body);
    const message = { id: `msg_${randomUUID()}`, timestampS: Math.floor(Date.now() / 1000), body: text };
    const { secret, previousSecret } = this.#config;
    const headers = signedHeaders(message, previousSecret === undefined ? [secret] : [secret, previousSecret]);
    return this.#http.request(
      {
        method: 'POST',
        path: this.#path,
        text,
        headers: { 'content-type': 'application/json', ...headers },
        answer: emptyAsObject(answer),
        notFound: 'gone',
      },
      call,
    );
  }

  /** Throws Rejected where a password would go over the network in the clear. */
  checkConfidential(): void {
    if (this.#isSafe) return;
    throw new Rejected('Passwords are sent over https only.', { code: 'not-confidential' });
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}

function emptyAsObject<T>(answer: z.ZodType<T>): z.ZodType<T> {
  return answer.prefault({} as never);
}

/** Where it is not the account that is missing, the receiver says so. */
function goneGroup({ status, body }: HttpAnswer): AnyServiceError | undefined {
  const told = status === 404 || status === 410 ? GoneAnswer.safeParse(body).data : undefined;
  if (told === undefined) return undefined;
  return new Gone('A group is not there any more.', { ...told, code: 'group-gone' });
}
