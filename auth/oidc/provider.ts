import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import type { Configuration } from 'openid-client';
import { z } from 'zod';
import { AuthProvider, ClientData, defineAuthProvider, SDK_VERSION } from '../../sdk/index';
import type { AuthProviderContext, AuthProviderModule } from '../../sdk/index';
import type { Sealer } from '../../config/sealer';
import type { Database } from '../../store/database';
import { beginOidcLogin, keepProven, takeOidcLogin, takeProven } from '../../store/oidc-logins';
import type { OidcLogin } from '../../store/oidc-logins';
import { OauthClient } from '../external/oauth-client';
import { claimsOf, oidcSection } from './claims';
import type { OidcSection } from './claims';

/** How long somebody may take to log in at the server. */
const LOGIN_MS = 10 * 60_000;
/** How long the code for the token is good. */
const REDEEM_MS = 60_000;
const CALL_MS = 10_000;

/** What `POST /v1/auth` takes of somebody who was sent back with a login code. */
const authPackage = z.strictObject({
  loginCode: z.string().regex(/^[\w-]{43}$/, 'must be the code of the redirect'),
  loginVerifier: z.string().regex(/^[\w.~-]{43,128}$/, 'must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~'),
});

const pending = z.object({ state: z.string(), verifier: z.string(), nonce: z.string() });
const proven = z.object({
  clientId: z.string(),
  name: z.string(),
  roles: z.array(z.string()),
  metadata: z.record(z.string(), z.unknown()),
  person: z.object({
    externalId: z.string().optional(),
    email: z.string().optional(),
    emailVerified: z.boolean().optional(),
  }),
});

export interface OidcOptions {
  readonly db: Database;
  readonly sealer: Pick<Sealer, 'seal' | 'open'>;
  readonly publicUrl: string;
}

export interface LoginBeginning {
  /** A path of this site, to which the browser comes back with `loginCode`. */
  readonly returnTo: string;
  /** S256 of a verifier that only the one who begins knows (as in RFC 7636): the code alone is of no use to anybody else. */
  readonly challenge: string;
}

/** Where a browser goes after the server: with a code, or with the word for what went wrong. */
export type LoginReturn =
  | { readonly returnTo: string; readonly loginCode: string }
  | { readonly returnTo: string; readonly loginError: 'declined' | 'failed' };

/** The provider `oidc`: logins at an OpenID Connect server, by the code flow with PKCE. Several sections, several servers. */
export function oidcProvider(options: OidcOptions): AuthProviderModule {
  return defineAuthProvider<OidcSection>({
    kind: 'oidc',
    title: 'OpenID Connect',
    sdk: SDK_VERSION,
    config: oidcSection,
    provider: class extends OidcProvider {
      constructor(section: OidcSection, context: AuthProviderContext) {
        super({ ...options, section, context });
      }
    },
  });
}

interface OidcParts extends OidcOptions {
  readonly section: OidcSection;
  readonly context: AuthProviderContext;
}

/** Sends people to their server and back; what comes back is redeemed through the provider's contract. */
export class OidcProvider extends AuthProvider {
  override readonly authPackage = authPackage;
  readonly #parts: OidcParts;
  readonly #client: OauthClient;

  constructor(parts: OidcParts) {
    super();
    this.#parts = parts;
    this.#client = new OauthClient(parts.section);
  }

  /** Where the server sends people back to. */
  get redirectUrl(): string {
    return `${this.#parts.publicUrl}/v1/auth/oidc/${this.#parts.context.name}/callback`;
  }

  /** Begins a login; answers the address at the server. */
  async begin({ returnTo, challenge }: LoginBeginning): Promise<URL> {
    const configuration = await this.#configuration();
    const secrets = { state: randomState(), verifier: randomPKCECodeVerifier(), nonce: randomNonce() };
    const { scopes, parameters } = this.#parts.section;
    const url = buildAuthorizationUrl(configuration, {
      ...parameters,
      redirect_uri: this.redirectUrl,
      scope: scopes.join(' '),
      state: secrets.state,
      nonce: secrets.nonce,
      code_challenge: await calculatePKCECodeChallenge(secrets.verifier),
      code_challenge_method: 'S256',
    });
    await beginOidcLogin(this.#parts.db, {
      provider: this.#parts.context.name,
      state: secrets.state,
      sealed: this.#seal(secrets),
      challenge,
      returnTo,
      lifeMs: LOGIN_MS,
    });
    return url;
  }

  /**
   * Where a browser ends its session at the server as well, and then comes back to a path of this site (OpenID Connect RP-Initiated
   * Logout 1.0). undefined: the server has no such page.
   */
  async endSession(returnTo: string): Promise<URL | undefined> {
    const configuration = await this.#configuration();
    if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
    return buildEndSessionUrl(configuration, { post_logout_redirect_uri: this.#parts.publicUrl + returnTo });
  }

  /** The browser is back. undefined: the state is foreign, used or expired, and nothing was changed. */
  async comeBack(message: Readonly<Record<string, string>>): Promise<LoginReturn | undefined> {
    const { db, context } = this.#parts;
    const login = await takeOidcLogin(db, { provider: context.name, state: message['state'] ?? '' });
    if (login === undefined) return undefined;
    const { returnTo } = login;
    if (message['error'] !== undefined) return { returnTo, loginError: 'declined' };
    try {
      return { returnTo, loginCode: await this.#prove(login, message) };
    } catch (error) {
      // Texts of the other side may hold anything: only the kind of error is told.
      const reason = error instanceof Error ? error.name : 'unknown';
      const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
      context.log('warn', 'auth.oidc-failed', { reason, code });
      return { returnTo, loginError: 'failed' };
    }
  }

  override async authenticate(given: z.output<typeof authPackage>): Promise<ClientData | undefined> {
    const { db, context } = this.#parts;
    const login = await takeProven(db, { provider: context.name, code: given.loginCode });
    if (login === undefined || !isSame(login.challenge, s256(given.loginVerifier))) return undefined;
    return new ClientData(proven.parse(this.#open(login.sealed)));
  }

  async #prove(login: OidcLogin, message: Readonly<Record<string, string>>): Promise<string> {
    const { db, context, section } = this.#parts;
    const { state, verifier, nonce } = pending.parse(this.#open(login.sealed));
    const configuration = await this.#configuration();
    const url = new URL(this.redirectUrl);
    for (const [name, value] of Object.entries(message)) url.searchParams.set(name, value);
    const tokens = await authorizationCodeGrant(configuration, url, {
      expectedState: state,
      pkceCodeVerifier: verifier,
      expectedNonce: nonce,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    if (claims === undefined) throw new TypeError('there is no ID token');
    const hasMore = configuration.serverMetadata().userinfo_endpoint !== undefined;
    const more = hasMore ? await fetchUserInfo(configuration, tokens.access_token, claims.sub) : {};
    const { data, unknown } = claimsOf(section, { ...more, ...claims });
    if (unknown.length > 0) context.log('info', 'auth.unknown-groups', { count: unknown.length });
    const code = randomBytes(32).toString('base64url');
    await keepProven(db, {
      provider: context.name,
      state: code,
      sealed: this.#seal(data),
      challenge: login.challenge,
      returnTo: login.returnTo,
      lifeMs: REDEEM_MS,
    });
    return code;
  }

  #configuration(): Promise<Configuration> {
    return this.#client.configuration(AbortSignal.timeout(CALL_MS));
  }

  #seal(value: unknown): Buffer {
    return this.#parts.sealer.seal(JSON.stringify(value), `oidc:${this.#parts.context.name}`);
  }

  #open(sealed: Buffer): unknown {
    return JSON.parse(this.#parts.sealer.open(sealed, `oidc:${this.#parts.context.name}`));
  }
}

function s256(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
