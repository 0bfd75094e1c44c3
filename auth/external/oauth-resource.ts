import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  refreshTokenGrant,
  tokenRevocation,
} from 'openid-client';
import type { Configuration, TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client';
import { z } from 'zod';
import { Rejected } from '../../sdk/errors';
import type {
  ExternalAuthService,
  ExternalCall,
  ExternalData,
  ExternalRequest,
  ExternalResource,
  ExternalStart,
  Json,
  OauthCallback,
} from '../../sdk/external-accounts';
import { OauthClient } from './oauth-client';
import type { OauthSettings } from './oauth-client';
import { oauthFailure } from './oauth-errors';

/** What a token endpoint has answered. */
export type Tokens = TokenEndpointResponse & TokenEndpointResponseHelpers;

/** Who a person is at the other side. */
export interface RemoteIdentity {
  readonly remoteId: string;
  readonly remoteName: string;
}

export interface OauthResourceOptions extends OauthSettings {
  readonly type: string;
  readonly externalAuth: ExternalAuthService;
  readonly scopes: readonly string[];
  /** More query parameters of the authorization URL. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /** Asks the other side who the person is. */
  readonly identity: (tokens: Tokens, configuration: Configuration, call: ExternalCall) => Promise<RemoteIdentity>;
  /** In place of RFC 7009, where the other side has a way of its own. */
  readonly revoke?: (call: ExternalCall, data: ExternalData) => Promise<void>;
}

const noBody = z.union([z.null(), z.strictObject({})]);

/** Links an account by the OAuth 2 code flow with PKCE; with an issuer it is OpenID Connect, and the ID token is checked. */
export class OauthResource implements ExternalResource {
  readonly callbacks: Readonly<Record<string, OauthCallback>> = { createFirstToken: this.#createFirstToken.bind(this) };
  readonly #client: OauthClient;

  constructor(private readonly options: OauthResourceOptions) {
    this.#client = new OauthClient(options);
  }

  async post({ userId, signal, body }: ExternalRequest): Promise<ExternalStart> {
    if (!noBody.safeParse(body).success) throw new Rejected('this type takes no body', { code: 'invalid-body' });
    const { type, externalAuth, scopes, parameters } = this.options;
    const configuration = await this.#configuration(signal);
    const [state, verifier, nonce] = [randomState(), randomPKCECodeVerifier(), randomNonce()];
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: externalAuth.buildOauth2RedirectUrl(type),
      scope: scopes.join(' '),
      state,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...(this.#client.isOidc ? { nonce } : {}),
      ...parameters,
    });
    const secrets = { state, verifier, ...(this.#client.isOidc ? { nonce } : {}) };
    await externalAuth.registerOauth2Callback(type, userId, state, 'createFirstToken', secrets);
    return { authorizationUrl: url.href };
  }

  async refresh({ signal }: ExternalCall, data: ExternalData): Promise<ExternalData> {
    const { refreshToken } = data;
    if (refreshToken === undefined) throw new Rejected('it cannot be refreshed', { code: 'no-refresh-token' });
    const configuration = await this.#configuration(signal);
    const tokens = await guarded(() => refreshTokenGrant(configuration, refreshToken));
    return { ...data, ...this.#dataOf(tokens) };
  }

  async revoke(call: ExternalCall, data: ExternalData): Promise<void> {
    if (this.options.revoke !== undefined) return this.options.revoke(call, data);
    const token = data.refreshToken ?? data.accessToken;
    const configuration = await this.#configuration(call.signal);
    if (token === undefined || configuration.serverMetadata().revocation_endpoint === undefined) return undefined;
    return guarded(() => tokenRevocation(configuration, token));
  }

  async #createFirstToken(call: ExternalCall, ...args: Json[]): Promise<void> {
    const { type, externalAuth, identity } = this.options;
    const checks = z
      .object({ state: z.string(), verifier: z.string(), nonce: z.string().optional() })
      .parse(args.at(0));
    const message = z.record(z.string(), z.string()).parse(args.at(-1));
    const configuration = await this.#configuration(call.signal);
    const tokens = await guarded(() =>
      authorizationCodeGrant(configuration, this.#redirectWith(message), {
        expectedState: checks.state,
        pkceCodeVerifier: checks.verifier,
        ...(checks.nonce === undefined ? {} : { expectedNonce: checks.nonce, idTokenExpected: true }),
      }),
    );
    const { remoteId, remoteName } = await guarded(() => identity(tokens, configuration, call));
    await externalAuth.update(call.userId, type, { ...this.#dataOf(tokens), remoteId, remoteName });
  }

  /** The redirect as it came. Without an issuer nobody has told us what its `iss` must be. */
  #redirectWith(message: Readonly<Record<string, string>>): URL {
    const { type, externalAuth } = this.options;
    const url = new URL(externalAuth.buildOauth2RedirectUrl(type));
    for (const [name, value] of Object.entries(message))
      if (name !== 'iss' || this.#client.isOidc) url.searchParams.set(name, value);
    return url;
  }

  #dataOf(tokens: Tokens): ExternalData {
    const seconds = tokens.expiresIn();
    return {
      accessToken: tokens.access_token,
      ...(tokens.refresh_token === undefined ? {} : { refreshToken: tokens.refresh_token }),
      ...(seconds === undefined ? {} : { expiresAt: new Date(Date.now() + seconds * 1_000).toISOString() }),
      scopes: tokens.scope?.split(/[ ,]+/).filter((scope) => scope !== '') ?? this.options.scopes,
    };
  }

  #configuration(signal: AbortSignal): Promise<Configuration> {
    return guarded(() => this.#client.configuration(signal));
  }
}

/** Errors of the OAuth client are translated here and nowhere else. */
async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw oauthFailure(error);
  }
}
