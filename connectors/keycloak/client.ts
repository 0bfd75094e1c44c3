import { Conflict, HttpClient, Misconfigured, Rejected, Unavailable, isServiceError, path, tlsOf } from '@muster/sdk';
import type { AnyServiceError, CallContext, HttpAnswer, HttpReply, HttpRequest, UrlPath } from '@muster/sdk';
import type { z } from 'zod';
import { Failure, Token } from './schema';
import type { KeycloakConfig } from './schema';

/** A token is not used in its last seconds: it could end on the way. */
const SPARE_MS = 10_000;

/** A request that changes something; 404 is Gone. */
export interface Writing {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly path: UrlPath;
  readonly body?: unknown;
}

/**
 * HTTP as Keycloak's admin API speaks it, with the client's token, which lives a minute by default: it is fetched anew before
 * it ends, and once more when Keycloak does not know it any more.
 */
export class KeycloakClient {
  readonly #http: HttpClient;
  readonly #config: KeycloakConfig;
  #token: { readonly text: string; readonly untilMs: number } | undefined;

  constructor(config: KeycloakConfig) {
    this.#config = config;
    this.#http = new HttpClient({ baseUrl: config.url, tls: tlsOf(config), translate });
  }

  async read<T>(
    where: UrlPath,
    reading: { readonly answer: z.ZodType<T>; readonly query?: Readonly<Record<string, string | number | boolean>> },
    call: CallContext,
  ): Promise<T> {
    return (await this.#send({ method: 'GET', path: where, ...reading }, call)).data;
  }

  /** undefined = the realm has no such thing. */
  async find<T>(where: UrlPath, answer: z.ZodType<T>, call: CallContext): Promise<T | undefined> {
    try {
      return (await this.#send({ method: 'GET', path: where, answer, notFound: 'gone' }, call)).data;
    } catch (error) {
      if (isServiceError(error) && error.kind === 'gone') return undefined;
      throw error;
    }
  }

  async write(writing: Writing, call: CallContext): Promise<void> {
    await this.#send({ ...writing, notFound: 'gone' }, call);
  }

  /** Answers the id of what was made, which Keycloak tells in `Location` alone. */
  async make(writing: Writing, call: CallContext): Promise<string> {
    const { headers } = await this.#send(writing, call);
    const id = headers.get('location')?.split('/').at(-1) ?? '';
    if (id === '') throw new Unavailable('Keycloak did not say what it has made.', { code: 'no-location' });
    return decodeURIComponent(id);
  }

  /** A path below the realm, e.g. `realm`/users/${id}``. */
  readonly realm = (parts: TemplateStringsArray, ...values: readonly string[]): UrlPath => {
    const [base, rest] = [path`/admin/realms/${this.#config.realm}`, path(parts, ...values)];
    return { text: base.text + rest.text, shape: base.shape + rest.shape };
  };

  close(): Promise<void> {
    return this.#http.close();
  }

  async #send<T>(request: HttpRequest<T>, call: CallContext): Promise<HttpReply<T>> {
    const isKnown = this.#token !== undefined && Date.now() < this.#token.untilMs;
    try {
      return await this.#http.exchange(await this.#signed(request, call), call);
    } catch (error) {
      // Keycloak was started anew, or an administrator ended our session: nothing was done, so it can be asked again.
      if (!isKnown || !isServiceError(error) || error.code !== 'http-401') throw error;
      this.#token = undefined;
      return this.#http.exchange(await this.#signed(request, call), call);
    }
  }

  async #signed<T>(request: HttpRequest<T>, call: CallContext): Promise<HttpRequest<T>> {
    if (this.#token === undefined || Date.now() >= this.#token.untilMs) {
      const told = await this.#fetchToken(call);
      this.#token = { text: told.access_token, untilMs: Date.now() + told.expires_in * 1000 - SPARE_MS };
    }
    return { ...request, headers: { authorization: `Bearer ${this.#token.text}` } };
  }

  #fetchToken(call: CallContext): Promise<z.infer<typeof Token>> {
    const { clientId, clientSecret, clientRealm, realm } = this.#config;
    return this.#http.request(
      {
        method: 'POST',
        path: path`/realms/${clientRealm ?? realm}/protocol/openid-connect/token`,
        form: { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret },
        answer: Token,
      },
      call,
    );
  }
}

/** A 404 that is not about one thing (`User not found`) is a wrong realm or URL and makes nobody gone. */
function translate({ what, status, body }: HttpAnswer): AnyServiceError | undefined {
  const { error = '', errorMessage } = Failure.safeParse(body).data ?? {};
  if (status === 409) return new Conflict(`${what}: a name or mail address is taken.`, { code: 'taken' });
  if (status === 404 && !/not found$|^Could not find/i.test(error) && errorMessage === undefined) {
    return new Misconfigured(`${what}: this is no Keycloak, or its realm is not there (404).`, { code: 'no-realm' });
  }
  if (status === 404 && /realm/i.test(error)) {
    return new Misconfigured(`${what}: the realm of the configuration is not there.`, { code: 'no-realm' });
  }
  if (/^(invalid_client|unauthorized_client)$/.test(error)) {
    return new Misconfigured(`${what}: Keycloak refuses the client of the configuration (${error}).`, { code: error });
  }
  // e.g. invalidPasswordMinLengthMessage: a key of Keycloak's own messages.
  if (status === 400 && /^invalidPassword\w*$/.test(error)) {
    return new Rejected(`${what}: the password is against the realm's policy (${error}).`, { code: 'password-policy' });
  }
  return undefined;
}
