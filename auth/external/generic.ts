import { fetchProtectedResource, fetchUserInfo } from 'openid-client';
import type { Configuration } from 'openid-client';
import { z } from 'zod';
import { Misconfigured } from '../../sdk/errors';
import { defineExternalAccounts } from '../../sdk/external-accounts';
import type { ExternalDependencies } from '../../sdk/external-accounts';
import { serverUrl } from './oauth-client';
import { OauthResource } from './oauth-resource';
import type { RemoteIdentity, Tokens } from './oauth-resource';
import { oauthFailure } from './oauth-errors';
import { linkedIdentity } from './safe-model';

const config = z
  .strictObject({
    clientId: z.string().min(1).max(500),
    clientSecret: z.string().min(1).max(2_000).optional(),
    clientAuthentication: z.enum(['basic', 'post']).default('basic'),
    /** OpenID Connect: the rest is discovered. */
    issuer: serverUrl.optional(),
    authorizationUrl: serverUrl.optional(),
    tokenUrl: serverUrl.optional(),
    revocationUrl: serverUrl.optional(),
    /** Answers who the person is, for the access token. */
    userinfoUrl: serverUrl.optional(),
    /** Fields of that answer. */
    idField: z.string().default('sub'),
    nameField: z.string().default('preferred_username'),
    scopes: z
      .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/))
      .max(50)
      .default(['openid']),
    /** More query parameters of the authorization URL, e.g. `{"prompt": "consent"}`. */
    parameters: z.record(z.string().max(100), z.string().max(1_000)).default({}),
  })
  .refine(
    (given) =>
      given.issuer !== undefined ||
      (given.authorizationUrl !== undefined && given.tokenUrl !== undefined && given.userinfoUrl !== undefined),
    { path: ['issuer'], message: 'or authorizationUrl, tokenUrl and userinfoUrl are needed' },
  );
type Config = z.output<typeof config>;

/** OAuth 2 and OpenID Connect with any server. */
class GenericResource extends OauthResource {
  constructor({ type, config: given, externalAuth }: ExternalDependencies<Config>) {
    const { issuer, authorizationUrl, tokenUrl, revocationUrl, userinfoUrl } = given;
    super({
      type,
      externalAuth,
      clientId: given.clientId,
      clientSecret: given.clientSecret,
      clientAuthentication: given.clientAuthentication,
      issuer,
      endpoints:
        authorizationUrl === undefined || tokenUrl === undefined
          ? undefined
          : { authorization: authorizationUrl, token: tokenUrl, revocation: revocationUrl, userinfo: userinfoUrl },
      scopes: given.scopes,
      parameters: given.parameters,
      identity: (tokens, configuration) => identityOf(given, tokens, configuration),
    });
  }
}

/** OpenID Connect: the ID token's subject, with the name from there or from the userinfo endpoint. Else what the URL answers. */
async function identityOf(given: Config, tokens: Tokens, configuration: Configuration): Promise<RemoteIdentity> {
  const claims = tokens.claims();
  const answer: Readonly<Record<string, unknown>> =
    claims === undefined
      ? await ask(given, tokens, configuration)
      : { ...(await userInfo(tokens, configuration)), ...claims };
  const remoteId = textOf(answer[given.idField]);
  if (remoteId === undefined)
    throw new Misconfigured(`the other side does not say ${given.idField}: set idField`, { code: 'no-identity' });
  const remoteName = textOf(answer[given.nameField]) ?? textOf(answer['name']) ?? textOf(answer['email']) ?? remoteId;
  return { remoteId, remoteName };
}

async function userInfo(tokens: Tokens, configuration: Configuration): Promise<Readonly<Record<string, unknown>>> {
  if (configuration.serverMetadata().userinfo_endpoint === undefined) return {};
  return fetchUserInfo(configuration, tokens.access_token, tokens.claims()?.sub ?? '');
}

async function ask(
  given: Config,
  tokens: Tokens,
  configuration: Configuration,
): Promise<Readonly<Record<string, unknown>>> {
  const url = new URL(given.userinfoUrl ?? '');
  const response = await fetchProtectedResource(configuration, tokens.access_token, url, 'GET');
  if (!response.ok) throw oauthFailure(new TypeError(`answered ${response.status}`));
  return z.record(z.string(), z.unknown()).parse(await response.json());
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value.slice(0, 500) : undefined;
}

/** The plug-in `oauth2`: any OAuth 2 or OpenID Connect server. */
export const oauth2 = defineExternalAccounts<Config>({
  plugin: 'oauth2',
  title: 'OAuth 2 or OpenID Connect',
  sdk: 1,
  config,
  secrets: ['clientSecret'],
  pluginInfo: { flow: 'redirect' },
  resource: GenericResource,
  load: ({ type, externalAuth }) => externalAuth.registerSafeAuthModel(type, linkedIdentity),
});
