import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  discovery,
  None,
} from 'openid-client';
import type { ClientAuth, CustomFetch, ServerMetadata } from 'openid-client';
import { z } from 'zod';

/** How our client is registered at an OAuth 2 server. */
export interface OauthSettings {
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  /** OpenID Connect: everything else is discovered. */
  readonly issuer?: string | undefined;
  /** Without an issuer: where things are. */
  readonly endpoints?: OauthEndpoints | undefined;
  readonly clientAuthentication: 'basic' | 'post';
}

export interface OauthEndpoints {
  readonly authorization: string;
  readonly token: string;
  readonly revocation?: string | undefined;
  readonly userinfo?: string | undefined;
}

/** An OAuth 2 or OpenID Connect client; what it discovers, it remembers. */
export class OauthClient {
  #metadata: Promise<ServerMetadata> | undefined;

  constructor(private readonly settings: OauthSettings) {}

  get isOidc(): boolean {
    return this.settings.issuer !== undefined;
  }

  /** The configuration for calls that end with this signal. @throws what openid-client throws when discovery fails */
  async configuration(signal: AbortSignal): Promise<Configuration> {
    const { clientId, clientSecret } = this.settings;
    const metadata = await this.#server(signal);
    const configuration = new Configuration(metadata, clientId, clientSecret, this.#authentication());
    configuration[customFetch] = fetchUntil(signal);
    // Plain HTTP never leaves the machine: it is for development and tests.
    if (isLoopback(metadata.issuer)) allowInsecureRequests(configuration);
    return configuration;
  }

  #authentication(): ClientAuth {
    const { clientSecret, clientAuthentication } = this.settings;
    if (clientSecret === undefined) return None();
    return clientAuthentication === 'basic' ? ClientSecretBasic(clientSecret) : ClientSecretPost(clientSecret);
  }

  async #server(signal: AbortSignal): Promise<ServerMetadata> {
    this.#metadata ??= this.#discover(signal);
    try {
      return await this.#metadata;
    } catch (error) {
      this.#metadata = undefined;
      throw error;
    }
  }

  async #discover(signal: AbortSignal): Promise<ServerMetadata> {
    const { issuer, endpoints, clientId } = this.settings;
    if (issuer === undefined) return ofEndpoints(endpoints);
    const found = await discovery(new URL(issuer), clientId, undefined, None(), {
      [customFetch]: fetchUntil(signal),
      ...(isLoopback(issuer) ? { execute: [allowInsecureRequests] } : {}),
    });
    return found.serverMetadata();
  }
}

function ofEndpoints(endpoints: OauthEndpoints | undefined): ServerMetadata {
  if (endpoints === undefined) throw new TypeError('an issuer or endpoints are needed');
  const { authorization, token, revocation, userinfo } = endpoints;
  return {
    issuer: new URL(token).origin,
    authorization_endpoint: authorization,
    token_endpoint: token,
    ...(revocation === undefined ? {} : { revocation_endpoint: revocation }),
    ...(userinfo === undefined ? {} : { userinfo_endpoint: userinfo }),
  };
}

function fetchUntil(signal: AbortSignal): CustomFetch {
  return (url, { body, signal: ownSignal, ...options }) =>
    fetch(url, {
      ...options,
      ...(body === undefined ? {} : { body }),
      signal: ownSignal === undefined ? signal : AbortSignal.any([signal, ownSignal]),
    });
}

/** Address of a server that gets secrets: encrypted, or on this machine. */
export const serverUrl = z
  .url({ protocol: /^https?$/, error: 'must be a URL' })
  .refine((url) => url.startsWith('https:') || isLoopback(url), 'must begin with https://');

/** True for addresses that never leave this machine. */
function isLoopback(url: string): boolean {
  return URL.canParse(url) && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(new URL(url).hostname);
}
