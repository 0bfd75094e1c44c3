import { HttpClient, MUSTER_VERSION, path } from '@muster/sdk';
import type { CallContext, HttpReply, HttpRequest, UrlPath } from '@muster/sdk';
import type { z } from 'zod';
import { translate } from './failures';
import { InvalidRequests } from './invalid-requests';
import type { DiscordConfig } from './schema';

const BASE_URL = 'https://discord.com/api/v10';
/** docs.discord.com, "Audit Logs Resource": 1 to 512 characters, percent-encoded. */
const REASON_LENGTH = 512;

/** A request that changes something; `reason` stands in the server's audit log. */
export interface Writing {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: UrlPath;
  readonly body?: object;
  readonly reason: string;
}

/** HTTP as Discord wants it: its user agent, reasons for the audit log, its error codes, and an eye on invalid requests. */
export class DiscordClient {
  readonly #http: HttpClient;
  readonly #invalid = new InvalidRequests();
  readonly guildId: string;

  constructor(config: DiscordConfig) {
    this.guildId = config.guildId;
    this.#http = new HttpClient({
      baseUrl: config.baseUrl ?? BASE_URL,
      // Discord's front refuses other forms (docs.discord.com, "API Reference", "User Agent").
      headers: { authorization: `Bot ${config.token}`, 'user-agent': `DiscordBot (Muster, ${MUSTER_VERSION})` },
      translate: (answer) => {
        this.#invalid.note(answer.status, answer.headers.get('x-ratelimit-scope'));
        return translate(answer);
      },
    });
  }

  async read<T>(
    where: UrlPath | string,
    reading: { readonly answer: z.ZodType<T>; readonly query?: Readonly<Record<string, string | number | undefined>> },
    call: CallContext,
  ): Promise<T> {
    return (await this.#send({ method: 'GET', path: where, ...reading }, call)).data;
  }

  async write(writing: Writing, call: CallContext): Promise<void> {
    await this.#send(requestOf(writing), call);
  }

  /** As `write`, for requests whose answer is needed. */
  async exchange<T>(writing: Writing & { readonly answer: z.ZodType<T> }, call: CallContext): Promise<T> {
    return (await this.#send({ ...requestOf(writing), answer: writing.answer }, call)).data;
  }

  /** The path of a member; nothing else counts as "not there" but Discord's own code for it. */
  member(userId: string): UrlPath {
    return path`/guilds/${this.guildId}/members/${userId}`;
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #send<T>(request: HttpRequest<T>, call: CallContext): Promise<HttpReply<T>> {
    this.#invalid.check();
    return this.#http.exchange(request, call);
  }
}

function requestOf({ method, path: where, body, reason }: Writing) {
  const encoded = encodeURIComponent(reason.slice(0, REASON_LENGTH));
  return { method, path: where, headers: { 'x-audit-log-reason': encoded }, ...(body === undefined ? {} : { body }) };
}
