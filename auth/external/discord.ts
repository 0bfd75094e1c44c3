import { fetchProtectedResource } from 'openid-client';
import type { Configuration } from 'openid-client';
import { z } from 'zod';
import { defineExternalAccounts } from '../../sdk/external-accounts';
import type { ExternalDependencies } from '../../sdk/external-accounts';
import { serverUrl } from './oauth-client';
import { oauthFailure } from './oauth-errors';
import { OauthResource } from './oauth-resource';
import type { RemoteIdentity, Tokens } from './oauth-resource';
import { linkedIdentity } from './safe-model';

const config = z.strictObject({
  clientId: z.string().min(1).max(100),
  clientSecret: z.string().min(1).max(500),
  /** `guilds.join` lets a Discord service add the person to its server. */
  scopes: z.array(z.string().max(100)).max(30).default(['identify', 'guilds.join']),
  apiUrl: serverUrl.default('https://discord.com/api/v10'),
  authorizationUrl: serverUrl.default('https://discord.com/oauth2/authorize'),
});
type Config = z.output<typeof config>;

/** https://discord.com/developers/docs/resources/user#user-object */
const user = z.object({ id: z.string(), username: z.string(), global_name: z.string().nullish() });

/**
 * Discord: https://discord.com/developers/docs/topics/oauth2. Revoking any token there ends all tokens that this
 * application has for the person.
 */
class DiscordResource extends OauthResource {
  constructor({ type, config: given, externalAuth }: ExternalDependencies<Config>) {
    const api = given.apiUrl.replace(/\/+$/, '');
    super({
      type,
      externalAuth,
      clientId: given.clientId,
      clientSecret: given.clientSecret,
      clientAuthentication: 'basic',
      endpoints: {
        authorization: given.authorizationUrl,
        token: `${api}/oauth2/token`,
        revocation: `${api}/oauth2/token/revoke`,
      },
      scopes: given.scopes,
      identity: (tokens, configuration) => whoIs(new URL(`${api}/users/@me`), tokens, configuration),
    });
  }
}

async function whoIs(url: URL, tokens: Tokens, configuration: Configuration): Promise<RemoteIdentity> {
  const response = await fetchProtectedResource(configuration, tokens.access_token, url, 'GET');
  if (!response.ok) throw oauthFailure(new TypeError(`answered ${response.status}`));
  const { id, username, global_name: globalName } = user.parse(await response.json());
  return { remoteId: id, remoteName: globalName ?? username };
}

/** The plug-in `discord`. */
export const discord = defineExternalAccounts<Config>({
  plugin: 'discord',
  title: 'Discord',
  sdk: 1,
  config,
  secrets: ['clientSecret'],
  pluginInfo: { flow: 'redirect', site: 'https://discord.com' },
  resource: DiscordResource,
  load: ({ type, externalAuth }) => externalAuth.registerSafeAuthModel(type, linkedIdentity),
});
