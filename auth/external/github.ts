import { fetchProtectedResource } from 'openid-client';
import type { Configuration } from 'openid-client';
import { z } from 'zod';
import { Unavailable } from '../../sdk/errors';
import { defineExternalAccounts } from '../../sdk/external-accounts';
import type { ExternalCall, ExternalData, ExternalDependencies } from '../../sdk/external-accounts';
import { serverUrl } from './oauth-client';
import { oauthFailure } from './oauth-errors';
import { OauthResource } from './oauth-resource';
import type { RemoteIdentity, Tokens } from './oauth-resource';
import { linkedIdentity } from './safe-model';

const config = z.strictObject({
  clientId: z.string().min(1).max(100),
  clientSecret: z.string().min(1).max(500),
  scopes: z.array(z.string().max(100)).max(30).default(['read:user']),
  /** GitHub Enterprise Server: `https://<host>` and `https://<host>/api/v3`. */
  webUrl: serverUrl.default('https://github.com'),
  apiUrl: serverUrl.default('https://api.github.com'),
});
type Config = z.output<typeof config>;

/** https://docs.github.com/rest/users/users#get-the-authenticated-user */
const user = z.object({ id: z.number(), login: z.string() });

/** GitHub: https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps */
class GithubResource extends OauthResource {
  constructor({ type, config: given, externalAuth }: ExternalDependencies<Config>) {
    const web = given.webUrl.replace(/\/+$/, '');
    const api = given.apiUrl.replace(/\/+$/, '');
    super({
      type,
      externalAuth,
      clientId: given.clientId,
      clientSecret: given.clientSecret,
      clientAuthentication: 'post',
      endpoints: { authorization: `${web}/login/oauth/authorize`, token: `${web}/login/oauth/access_token` },
      scopes: given.scopes,
      identity: (tokens, configuration) => whoIs(new URL(`${api}/user`), tokens, configuration),
      revoke: (call, data) => endGrant(api, given, { call, data }),
    });
  }
}

async function whoIs(url: URL, tokens: Tokens, configuration: Configuration): Promise<RemoteIdentity> {
  const response = await fetchProtectedResource(configuration, tokens.access_token, url, 'GET');
  if (!response.ok) throw oauthFailure(new TypeError(`answered ${response.status}`));
  const { id, login } = user.parse(await response.json());
  return { remoteId: String(id), remoteName: login };
}

interface Ending {
  readonly call: ExternalCall;
  readonly data: ExternalData;
}

/**
 * Ends the person's grant: https://docs.github.com/rest/apps/oauth-applications#delete-an-app-authorization. A token that
 * is not known any more (404, 422) means that there is nothing left to end.
 */
async function endGrant(api: string, given: Config, { call, data }: Ending): Promise<void> {
  const credentials = Buffer.from(`${given.clientId}:${given.clientSecret}`).toString('base64');
  const response = await fetch(`${api}/applications/${encodeURIComponent(given.clientId)}/grant`, {
    method: 'DELETE',
    headers: {
      authorization: `Basic ${credentials}`,
      accept: 'application/vnd.github+json',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ access_token: data.accessToken }),
    redirect: 'error',
    signal: call.signal,
  });
  await response.body?.cancel();
  if (response.ok || response.status === 404 || response.status === 422) return;
  throw new Unavailable(`GitHub answered ${response.status} to the end of the grant`);
}

/** The plug-in `github`. */
export const github = defineExternalAccounts<Config>({
  plugin: 'github',
  title: 'GitHub',
  sdk: 1,
  config,
  secrets: ['clientSecret'],
  pluginInfo: { flow: 'redirect', site: 'https://github.com' },
  resource: GithubResource,
  load: ({ type, externalAuth }) => externalAuth.registerSafeAuthModel(type, linkedIdentity),
});
