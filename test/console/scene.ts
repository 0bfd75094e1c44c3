import { createServer } from 'node:http';
import { join } from 'node:path';
import { loadConnectors } from '../../hooks/registry';
import { z } from 'zod';
import { defineExternalAccounts, ServiceHook } from '../../sdk/index';
import { openDatabase } from '../../store/database';
import { createUser } from '../../store/users';
import { apiOf } from '../acceptance/engine-api';
import { startTestServer } from '../connectors/postgres-server';
import { startTestEngine } from '../engine/engine';
import { BY, eventually, settled } from '../engine/organisation';
import { ScriptedTarget, scriptedConnector } from '../engine/scripted-target';
import { startBrowser } from '../environment/browser';
import { createTestDatabase } from '../environment/database';
import { startOidcProvider } from '../fakes/oidc-provider/oidc-provider';
import type { AddressInfo } from 'node:net';
import type { RequestListener } from 'node:http';
import type { Page } from 'playwright-core';
import type { ConnectorRegistry } from '../../hooks/registry';
import type { HookContext, HookRouter, ServiceControlView } from '../../sdk/index';
import type { ServiceRecord } from '../../store/services';
import type { EngineApi } from '../acceptance/engine-api';
import type { TestServer } from '../connectors/postgres-server';
import type { TestEngine } from '../engine/engine';
import type { TestBrowser } from '../environment/browser';
import type { OidcProvider } from '../fakes/oidc-provider/oidc-provider';

export const PASSWORD = 'correct horse battery staple';
const CLIENT = { id: 'muster', secret: 'the-secret-of-the-client-muster' } as const;

/** Everything between a browser and two far sides: a real PostgreSQL, and one with a module of its own that wants a second step. */
export interface ConsoleScene {
  readonly url: string;
  readonly engine: TestEngine;
  readonly api: EngineApi;
  readonly browser: TestBrowser;
  readonly target: TestServer;
  readonly club: ScriptedTarget;
  readonly services: { readonly postgres: ServiceRecord; readonly club: ServiceRecord };
  /** Adds a person with a login of their name, who may use both services. */
  person(username: string, displayName?: string): Promise<string>;
  close(): Promise<void>;
}

/** A module with its own row, one button more, and pages of its own. */
class ClubHook extends ServiceHook {
  override serviceControlTemplate(view: ServiceControlView): string {
    const buttons = [{ label: 'House rules', url: '/services/club/rules' }];
    return super.serviceControlTemplate({ ...view, buttons });
  }

  override routes(router: HookRouter): void {
    const rules = async (): Promise<{ status: number; contentType: string; body: string }> => ({
      status: 200,
      contentType: 'text/html',
      body: '<h2>House rules</h2><form method="post" action="/services/club/knock"><button>Knock</button></form>',
    });
    router.get('/rules', rules);
    router.post('/rules', rules);
    router.post('/knock', async ({ user }) => ({
      status: 200,
      contentType: 'text/html',
      body: `<p>Who is there? ${user?.username ?? 'nobody'}</p>`,
    }));
  }
}

/** Accounts that are linked by a code, which is typed over there. */
const shop = defineExternalAccounts({
  plugin: 'shop',
  title: 'Shop',
  sdk: 1,
  config: z.strictObject({}),
  resource: class {
    post = async () => ({ code: 'WDJB-MJHT', authorizationUrl: 'https://shop.test/device' });
  },
});

/** Starts all of it, once for a file. */
export async function startConsole(): Promise<ConsoleScene> {
  let app: RequestListener = (_request, response) => response.end();
  const server = createServer((request, response) => app(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const club = new ScriptedTarget();
  const [{ registry, closeRegistry }, target, issuer, browser] = await Promise.all([
    registryWith(club),
    startTestServer(),
    startIssuer(url),
    startBrowser(url),
  ]);
  const engine = await startTestEngine({ registry, publicUrl: url });
  const config = { issuer: issuer.issuer, clientId: CLIENT.id, clientSecret: CLIENT.secret };
  const api = apiOf(engine, { providers: { campus: { kind: 'oidc', config } } });
  app = api.app;
  await configureCampus(api, issuer);
  const services = await addServices(engine, target);
  return {
    url,
    engine,
    api,
    browser,
    target,
    club,
    services,
    person: (username, displayName) => person({ engine, api, services }, username, displayName),
    close: async () => {
      await browser.close();
      server.closeAllConnections();
      server.close();
      await engine.close();
      await Promise.all([target.stop(), issuer.stop(), closeRegistry()]);
    },
  };
}

async function registryWith(club: ScriptedTarget): Promise<{
  readonly registry: ConnectorRegistry;
  readonly closeRegistry: () => Promise<void>;
}> {
  const database = await createTestDatabase({ migrated: true });
  const db = openDatabase({ url: database.url, max: 1 });
  const known = await loadConnectors({ folders: [join(__dirname, '../../connectors')], db });
  const connector = scriptedConnector(club, { kind: 'club', hook: (context: HookContext) => new ClubHook(context) });
  return {
    registry: {
      get: (kind) => (kind === 'club' ? connector : known.get(kind)),
      list: () => [...known.list(), connector],
      menuItems: () => [{ label: 'House rules', url: '/services/club/rules' }],
      urlHooks: () => [],
      externalPlugins: () => [shop],
      skipped: [],
    },
    closeRegistry: async () => {
      await db.close();
      await database.drop();
    },
  };
}

function startIssuer(url: string): Promise<OidcProvider> {
  return startOidcProvider({
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [`${url}/v1/auth/oidc/campus/callback`, `${url}/v1/external/campus/callback`],
        post_logout_redirect_uris: [`${url}/sign-in`],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    people: { cleo: { email: 'cleo@example.org', email_verified: true } },
  });
}

async function configureCampus(api: EngineApi, { issuer }: OidcProvider): Promise<void> {
  const config = { issuer, clientId: CLIENT.id, clientSecret: CLIENT.secret, scopes: ['openid', 'profile'] };
  await api.call('put', '/v1/external/campus/config').send({ plugin: 'oauth2', title: 'Campus', config }).expect(200);
  await api.call('put', '/v1/external/shop/config').send({ plugin: 'shop', config: {} }).expect(200);
}

async function addServices(engine: TestEngine, target: TestServer): Promise<ConsoleScene['services']> {
  const { password, ...config } = target.config;
  const postgres = await engine.addService({
    name: 'postgres',
    connector: 'postgres',
    begins: 'on request',
    config: { ...config, rolePrefix: `${target.tag}_`, groupPrefix: `${target.tag}_g_` },
    secrets: { password },
  });
  const club = await engine.addService({ name: 'club', connector: 'club', begins: 'on request', config: {} });
  return { postgres, club };
}

type Grounds = Pick<ConsoleScene, 'engine' | 'api' | 'services'>;

async function person({ engine, api, services }: Grounds, username: string, displayName = username): Promise<string> {
  const email = `${username}@example.org`;
  const written = await createUser(engine.db, { username, displayName, email, state: 'Member' }, BY);
  await settled(engine, written);
  const { id } = written.record;
  for (const { name } of Object.values(services))
    await api
      .call('post', '/v1/grants')
      .send({ service: name, user: id })
      .expect(({ status }) => expect(status).toBeLessThan(300));
  await api.call('post', '/v1/auth/clients/create').send({ username, password: PASSWORD, user: id }).expect(201);
  return id;
}

/** Signs in by the form. */
export async function signIn(page: Page, username: string, password = PASSWORD): Promise<void> {
  await page.goto('/sign-in');
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL((url) => url.pathname !== '/sign-in');
}

/** Waits for a text on the page: with script the page moves by itself, without it is loaded again. */
export async function shows(page: Page, text: string | RegExp, hasScript: boolean): Promise<void> {
  const found = page.getByText(text).first();
  if (hasScript) {
    await found.waitFor();
    return;
  }
  await eventually(`${String(text)} on ${page.url()}`, async () => {
    if (await found.isVisible()) return true;
    await page.reload();
    return found.isVisible();
  });
}
