import { z } from 'zod';
import { OidcProvider } from '../../auth/oidc/provider';
import type { LoginReturn } from '../../auth/oidc/provider';
import { providerName } from '../auth-views';
import { messageOf } from '../external-requests';
import { Problem } from '../problem';
import { localPath } from '../return-path';
import { route } from '../route';
import type { ApiContext } from '../context';
import type { Route } from '../route';

const tags = ['authentication'];

/** @throws Problem not-found */
function oidcProviderOf({ identity }: ApiContext, name: string): OidcProvider {
  const provider = identity.providers.get(name)?.provider;
  if (provider instanceof OidcProvider) return provider;
  throw new Problem('not-found', `There is no OpenID Connect provider ${name}.`);
}

const start = route({
  method: 'get',
  path: '/v1/auth/oidc/{provider}/start',
  acl: 'public',
  summary: 'Sends a browser to an OpenID Connect server to log in',
  description:
    'Afterwards the browser is at `returnTo` with `loginCode`, which `POST /v1/auth` takes within a minute, once, as ' +
    '`{"provider", "loginCode", "loginVerifier"}`; or with `loginError`. `challenge` is the S256 of the verifier (RFC 7636).',
  tags,
  params: { provider: providerName },
  query: {
    returnTo: localPath,
    challenge: z.string().regex(/^[\w-]{43}$/, 'must be the S256 of the verifier, in base64url'),
  },
  responses: { 303: { description: 'To the server' } },
  async handler({ params, query, context }) {
    const provider = oidcProviderOf(context, params.provider);
    try {
      const url = await provider.begin({ returnTo: query.returnTo, challenge: query.challenge });
      return { status: 303, headers: { Location: url.href, 'Cache-Control': 'no-store' } };
    } catch (error) {
      throw new Problem('provider-unavailable', `The server of ${params.provider} does not answer.`, { cause: error });
    }
  },
});

const logout = route({
  method: 'get',
  path: '/v1/auth/oidc/{provider}/logout',
  acl: 'public',
  summary: 'Sends a browser to an OpenID Connect server to end its session there',
  description:
    'First end the token with `DELETE /v1/auth`. Afterwards the browser is at `returnTo`, at once where the server has no such page. ' +
    'Register `<MUSTER_PUBLIC_URL><returnTo>` there as a post-logout redirect.',
  tags,
  params: { provider: providerName },
  query: { returnTo: localPath },
  responses: { 303: { description: 'To the server, or to `returnTo`' } },
  async handler({ params, query, context }) {
    const provider = oidcProviderOf(context, params.provider);
    // Muster's own session has ended already: a server that is away must not keep the browser.
    const url = await provider.endSession(query.returnTo).catch(() => undefined);
    return { status: 303, headers: { Location: url?.href ?? query.returnTo, 'Cache-Control': 'no-store' } };
  },
});

const callback = route({
  method: 'get',
  path: '/v1/auth/oidc/{provider}/callback',
  acl: 'public',
  summary: 'Where an OpenID Connect server sends a browser back to',
  tags,
  params: { provider: providerName },
  query: {},
  anyQuery: true,
  responses: {
    303: { description: 'To where the login began, with `loginCode` or `loginError`' },
    400: { description: 'The state is foreign, used or expired', contentType: 'text/html' },
  },
  async handler({ params, query, context }) {
    const provider = oidcProviderOf(context, params.provider);
    const back = await provider.comeBack(messageOf(query));
    if (back !== undefined)
      return { status: 303, headers: { Location: locationOf(back), 'Cache-Control': 'no-store' } };
    const text = 'It was used already, or has expired. Log in again.';
    return { status: 400, words: { title: 'This link is not valid', text } };
  },
});

/** A page of ours that signs browsers in by itself, also without script; the log leaves its query out. */
const OWN_RETURN = '/sign-in/return/';

/** In the fragment nothing is sent to any server or written to any log. */
function locationOf(back: LoginReturn): string {
  const word = 'loginCode' in back ? `loginCode=${back.loginCode}` : `loginError=${back.loginError}`;
  if (!back.returnTo.startsWith(OWN_RETURN)) return `${back.returnTo}#${word}`;
  return `${back.returnTo}${back.returnTo.includes('?') ? '&' : '?'}${word}`;
}

const list = route({
  method: 'get',
  path: '/v1/auth/oidc',
  acl: 'public',
  summary: 'The OpenID Connect servers that people can log in at',
  tags,
  responses: {
    200: {
      description: 'The servers',
      schema: z.object({ items: z.array(z.object({ provider: z.string(), start: z.string() })) }),
    },
  },
  async handler({ context }) {
    const found = context.identity.providers.providers.filter(({ provider }) => provider instanceof OidcProvider);
    const items = found.map(({ name }) => ({ provider: name, start: `/v1/auth/oidc/${name}/start` }));
    return { status: 200, body: { items } };
  },
});

export const oidcLoginRoutes: readonly Route[] = [list, start, callback, logout];
