import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { apiOf } from '../acceptance/engine-api';
import type { EngineApi } from '../acceptance/engine-api';
import { createPackagesFolder } from '../acceptance/packages-folder';
import { startTestEngine } from '../engine/engine';
import type { TestEngine } from '../engine/engine';
import { BY, eventually } from '../engine/organisation';
import { createUser } from '../../store/users';
import { PUBLIC_URL } from './linking';
import { SOCIAL_CLIENT, startSocialSite } from './social-site';
import type { SocialSite } from './social-site';

const packages = createPackagesFolder();
let engine: TestEngine;
let api: EngineApi;
let site: SocialSite;
beforeAll(async () => {
  await packages.install(join(__dirname, '../fixtures/bar-accounts'));
  packages.write(
    'second-discord',
    `exports.p = require('@muster/sdk').defineExternalAccounts({ plugin: 'discord', title: 'D', sdk: 1, config: {}, resource: class {} });`,
  );
  const names = ['bar-accounts', 'second-discord'];
  engine = await startTestEngine({ packages: { packages: names, from: packages.path } });
  api = apiOf(engine);
  site = await startSocialSite();
  await createUser(engine.db, { username: 'ada' }, BY);
}, 120_000);
afterAll(async () => {
  await engine.close();
  await site.close();
  packages.remove();
});

const secrets = { clientId: SOCIAL_CLIENT.id, clientSecret: SOCIAL_CLIENT.secret };

async function configure(type: string, config: Readonly<Record<string, unknown>>): Promise<void> {
  await api.call('put', `/v1/external/${type}/config`).send({ config }).expect(200);
}

/** Goes where the person is sent, and comes back from there. */
async function link(type: string): Promise<number> {
  const begun = await api.call('post', `/v1/users/username:ada/external/${type}`).expect(201);
  const { authorizationUrl } = begun.body as { readonly authorizationUrl: string };
  const sent = await fetch(authorizationUrl, { redirect: 'manual' });
  return (await api.anonymous('get', (sent.headers.get('location') ?? '').slice(PUBLIC_URL.length))).status;
}

const revocations = async (): Promise<number | null> =>
  (await engine.db.query(`select from external_revocations`)).rowCount;

describe('Discord', () => {
  beforeAll(() => configure('discord', { ...secrets, apiUrl: site.url, authorizationUrl: `${site.url}/authorize` }));

  test('is linked with the right to join, and revoked although it refuses at first', async () => {
    expect(await link('discord')).toBe(200);

    const read = await api.call('get', '/v1/users/username:ada/external/discord').expect(200);
    expect(read.body).toMatchObject({
      data: { remoteId: '80351110224678912', remoteName: 'Ada L.', scopes: ['identify', 'guilds.join'] },
    });
    const page = await api.call('get', '/v1/external/discord/users').expect(200);
    expect(page.body).toMatchObject({ items: [{ user: { username: 'ada' }, remoteName: 'Ada L.', problem: null }] });
    await api.call('delete', '/v1/external/discord/config').expect(409);

    site.refuseRevocations(503);
    await api.call('delete', '/v1/users/username:ada/external/discord').expect(204);
    await eventually('a try was refused', async () => site.calls.includes('POST /oauth2/token/revoke'));
    await api.call('delete', '/v1/external/discord/config').expect(409);
    site.refuseRevocations(undefined);
    await eventually('the sweep has tried again', async () => {
      await engine.db.query(`update external_revocations set next_try = clock_timestamp()`);
      await engine.flowDeps.starter.sweepNow();
      return (await revocations()) === 0;
    });
    expect(site.tokens.size).toBe(0);
    await api.call('delete', '/v1/external/discord/config').expect(204);
  });
});

describe('GitHub', () => {
  beforeAll(() => configure('github', { ...secrets, webUrl: site.url, apiUrl: site.url }));

  test('is linked, and its grant ends when it is unlinked', async () => {
    expect(await link('github')).toBe(200);
    const read = await api.call('get', '/v1/users/username:ada/external/github').expect(200);
    expect(read.body).toMatchObject({
      data: { remoteId: '4711', remoteName: 'ada-l', scopes: ['read:user', 'user:email'] },
    });

    await api.call('delete', '/v1/users/username:ada/external/github').expect(204);

    await eventually('the grant has ended', async () => site.tokens.size === 0);
  });

  test('says no with status 200: that is a refusal, and nothing is linked', async () => {
    const begun = await api.call('post', '/v1/users/username:ada/external/github').expect(201);
    const { authorizationUrl } = begun.body as { readonly authorizationUrl: string };
    const state = new URL(authorizationUrl).searchParams.get('state') ?? '';

    const page = await api.anonymous('get', `/v1/external/github/callback?code=wrong&state=${state}`).expect(502);

    expect(page.text).toContain('It was not linked');
    await api.call('get', '/v1/users/username:ada/external/github').expect(404);
  });
});

describe('a plug-in in a package of its own', () => {
  test('starts, gets its redirect with its own arguments, and shows only what its safe model lets through', async () => {
    const bar = createServer((request, response) => {
      request.resume();
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: 'token-of-bar' }));
    });
    await new Promise<void>((resolve) => bar.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(bar.address() as AddressInfo).port}`;
    await configure('bar', { ...secrets, authorizationUrl: `${url}/auth`, tokenUrl: `${url}/token` });

    const begun = await api
      .call('post', '/v1/users/username:ada/external/bar')
      .send({ lists: ['friends'] })
      .expect(201);
    const { authorizationUrl, code, authorizationId } = begun.body as Record<string, string>;
    expect(code).toBe('BAR-1234');
    const state = new URL(authorizationUrl ?? '').searchParams.get('state') ?? '';
    const progress = `/v1/users/username:ada/external/bar/authorizations/${authorizationId}`;
    expect((await api.call('get', progress).expect(200)).body).toMatchObject({ status: 'pending' });
    await api.anonymous('get', `/v1/external/bar/callback?code=c&state=${state}`).expect(200);
    bar.close();

    expect((await api.call('get', progress).expect(200)).body).toMatchObject({ status: 'completed', problem: null });
    const read = await api.call('get', '/v1/users/username:ada/external/bar').expect(200);
    expect(read.body).toMatchObject({ data: { accessToken: 'token-of-bar', scope: ['friends'] } });
    const listed = await api.call('get', '/v1/users/username:ada/external').expect(200);
    expect((listed.body as { items: unknown[] }).items).toContainEqual(
      expect.objectContaining({
        type: 'bar',
        data: { scope: ['friends'] },
        pluginInfo: { requiredAcl: ['view-all-contacts', 'list-email-addresses'] },
      }),
    );
    // What it cannot do is said as such; it has no way to revoke, so unlinking is all.
    await api.call('put', '/v1/users/username:ada/external/bar').expect(501);
    await api.call('delete', '/v1/users/username:ada/external/bar').expect(204);
    await eventually('nothing is left to revoke', async () => (await revocations()) === 0);
  });

  test('whose name is taken is left out; types of unknown plug-ins and bad configurations are refused', async () => {
    const listed = await api.call('get', '/v1/external').expect(200);
    const plugins = (listed.body as { plugins: { plugin: string; title: string }[] }).plugins;
    expect(plugins.map(({ plugin }) => plugin).sort()).toEqual(['bar', 'discord', 'github', 'oauth2']);
    expect(plugins.find(({ plugin }) => plugin === 'discord')?.title).toBe('Discord');

    await api.call('put', '/v1/external/baz/config').send({ config: {} }).expect(422);
    const insecure = { plugin: 'oauth2', config: { clientId: 'c', issuer: 'http://far.example.org' } };
    const refused = await api.call('put', '/v1/external/far/config').send(insecure).expect(422);
    expect(refused.body).toMatchObject({ errors: [{ pointer: '/config/issuer' }] });
    await api
      .call('put', '/v1/external/far/config')
      .send({ plugin: 'discord', config: { ...secrets, apiUrl: 'no address' } })
      .expect(422);
    await api.call('post', '/v1/users/username:ada/external/far').expect(404);
  });
});
