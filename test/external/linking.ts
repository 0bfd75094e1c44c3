import { createUser } from '../../store/users';
import { apiOf } from '../acceptance/engine-api';
import type { EngineApi } from '../acceptance/engine-api';
import { startTestEngine } from '../engine/engine';
import type { TestEngine, TestEngineOptions } from '../engine/engine';
import { BY, settled } from '../engine/organisation';
import { Browser } from '../fakes/oidc-provider/browser';
import { startOidcProvider } from '../fakes/oidc-provider/oidc-provider';
import type { OidcProvider } from '../fakes/oidc-provider/oidc-provider';

export const CLIENT = { id: 'muster', secret: 'the-secret-of-the-client-muster' } as const;
export const PUBLIC_URL = 'http://muster.test';

/** A Muster and a real OpenID Connect server whose accounts people can link, as the type `campus`. */
export interface LinkingScene {
  readonly engine: TestEngine;
  readonly api: EngineApi;
  readonly provider: OidcProvider;
  person(username: string): Promise<string>;
  /** Begins; answers where the person must go. */
  begin(username: string): Promise<string>;
  /** Comes back from there, as the browser does. */
  comeBack(url: URL): ReturnType<EngineApi['anonymous']>;
  /** The whole way. */
  link(username: string, login?: string): Promise<void>;
  credential(username: string): ReturnType<EngineApi['call']>;
  close(): Promise<void>;
}

export interface SceneOptions extends TestEngineOptions {
  readonly accessTokenSeconds?: number;
}

export async function startLinking(options: SceneOptions = {}): Promise<LinkingScene> {
  const engine = await startTestEngine(options);
  const scene = await linkingOn(engine, options.accessTokenSeconds);
  return {
    ...scene,
    close: async () => {
      await engine.close();
      await scene.close();
    },
  };
}

/** The same on an engine that runs already; closing leaves it running. */
export async function linkingOn(engine: TestEngine, accessTokenSeconds = 3_600): Promise<LinkingScene> {
  const provider = await startOidcProvider({
    accessTokenSeconds,
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [`${PUBLIC_URL}/v1/external/campus/callback`],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
  });
  const api = apiOf(engine);
  await configureCampus(api, provider);
  const begin = async (username: string): Promise<string> => {
    const begun = await api.call('post', `/v1/users/username:${username}/external/campus`).expect(201);
    return (begun.body as { readonly authorizationUrl: string }).authorizationUrl;
  };
  const comeBack = (url: URL): ReturnType<EngineApi['anonymous']> =>
    api.anonymous('get', url.href.slice(PUBLIC_URL.length));
  return {
    engine,
    api,
    provider,
    begin,
    comeBack,
    person: async (username) => {
      const written = await createUser(engine.db, { username, state: 'Member' }, BY);
      await settled(engine, written);
      return written.record.id;
    },
    link: async (username, login = username) => {
      await comeBack(await new Browser(login).consent(await begin(username))).expect(200);
    },
    credential: (username) => api.call('get', `/v1/users/username:${username}/external/campus`),
    close: () => provider.stop(),
  };
}

export async function configureCampus(api: EngineApi, { issuer }: Pick<OidcProvider, 'issuer'>): Promise<void> {
  await api
    .call('put', '/v1/external/campus/config')
    .send({
      plugin: 'oauth2',
      title: 'Campus',
      config: {
        issuer,
        clientId: CLIENT.id,
        clientSecret: CLIENT.secret,
        scopes: ['openid', 'profile', 'offline_access'],
        parameters: { prompt: 'consent' },
      },
    })
    .expect(200);
}
