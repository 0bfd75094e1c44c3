import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import type { Server } from 'node:tls';
import { createPasswordHasher } from '../../auth/password-hash';
import { createClient, setLocalPassword } from '../../store/auth-clients';
import { createUser } from '../../store/users';
import { TEST_CERTIFICATES } from '../connectors/certificates';
import { createTestApi } from '../environment/api';
import { WIRE_ROUTES } from '../../api/wazo/table';
import type { TestApi } from '../environment/api';
import { startWazoClient } from './wazo-client';
import type { WazoClient } from './wazo-client';

const PASSWORD = 'pässword: of ada';
let folder: string;
let api: TestApi;
let tls: Server;
let sdk: WazoClient;
let userId: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'muster-wazo-'));
  const trusted = join(folder, 'ca.pem');
  writeFileSync(trusted, TEST_CERTIFICATES.ca);
  api = await createTestApi();
  tls = await terminateTls(await api.listen());
  const server = `127.0.0.1:${(tls.address() as AddressInfo).port}`;
  sdk = startWazoClient({ server, clientId: 'the-app', trusted });
  userId = await person('ada', PASSWORD);
}, 60_000);
afterAll(async () => {
  sdk.stop();
  tls.close();
  await api.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The client speaks https only; what it says goes on to the API as it is. */
async function terminateTls(url: string): Promise<Server> {
  const { port } = new URL(url);
  const { key, cert } = TEST_CERTIFICATES;
  const server = createServer({ key, cert }, (socket) => {
    const inner = connect(Number(port), '127.0.0.1');
    socket.pipe(inner).pipe(socket);
    for (const one of [socket, inner]) one.on('error', () => one.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function person(name: string, password: string): Promise<string> {
  const { db } = api.context;
  const { id } = (await createUser(db, { username: name }, { actor: 'client:test' })).record;
  const rights = { roles: [], acl: [], metadata: {} };
  const client = await createClient(db, { name, provider: 'local', providerId: name, userId: id, ...rights });
  await setLocalPassword(db, client.id, await createPasswordHasher({ memoryKiB: 1_024, passes: 1 }).hash(password));
  return id;
}

interface Session {
  readonly token: string;
  readonly refreshToken: string | null;
  readonly uuid: string;
  readonly acl: readonly string[];
  readonly expiresAt: string;
}

async function logIn(): Promise<Session> {
  const { value, error } = await sdk.call('auth.logIn', { username: 'ada', password: PASSWORD, expiration: 600 });
  expect(error).toBeUndefined();
  return value as Session;
}

describe('the public client of wazo, unchanged', () => {
  test('logs in, reads and checks its token, and logs out', async () => {
    const session = await logIn();
    expect(session).toMatchObject({ uuid: userId, acl: expect.arrayContaining(['auth.users.me.external.#']) });
    const lifeMs = new Date(session.expiresAt).getTime() - Date.now();
    expect(lifeMs).toBeGreaterThan(540_000);
    expect(lifeMs).toBeLessThan(660_000);

    expect(await sdk.call('auth.checkToken', session.token)).toEqual({ value: true });
    const read = await sdk.call('auth.authenticate', session.token);
    expect(read.value).toMatchObject({ token: session.token, uuid: userId });
    expect(await sdk.call('auth.checkToken', 'a-token-of-nobody')).toEqual({ value: false });

    expect(await sdk.call('auth.logOut', session.token)).toEqual({ value: true });

    expect(await sdk.call('auth.checkToken', session.token)).toEqual({ value: false });
    expect(await sdk.call('auth.logOut', session.token)).toEqual({ value: true });
  });

  test('refreshes a token that has ended, and goes on', async () => {
    const session = await logIn();
    expect(session.refreshToken).toEqual(expect.any(String));
    await sdk.call('setToken', session.token);
    await sdk.call('setRefreshToken', session.refreshToken);
    expect(await sdk.call('auth.getRestrictionPolicies', ['self.me.services.read', 'system.#'])).toMatchObject({
      value: { scopes: { 'self.me.services.read': true, 'system.#': false } },
    });

    await sdk.call('auth.logOut', session.token);
    const providers = await sdk.call('auth.getProviders', 'me');

    expect(providers.value).toMatchObject({ items: [], total: 0 });
    expect(await sdk.call('refreshes')).toEqual({ value: 1 });
    expect(await sdk.call('auth.deleteRefreshToken', 'the-app')).toEqual({ value: true });
    const refused = await sdk.call('auth.refreshToken', session.refreshToken, null, 600);
    expect(refused).toMatchObject({ error: { status: 401 } });
  });

  test('is told the same for a wrong password and an unknown name', async () => {
    const wrong = await sdk.call('auth.logIn', { username: 'ada', password: 'wrong', expiration: 600 });
    const unknown = await sdk.call('auth.logIn', { username: 'who', password: 'wrong', expiration: 600 });

    expect(wrong).toMatchObject({ error: { status: 401 } });
    const withoutTime = (text = ''): string => text.replace(/"timestamp":\[[\d.]+\]/, '');
    expect(withoutTime(unknown.error?.message)).toBe(withoutTime(wrong.error?.message));
  });

  test('changes a password with the old one, and asks for a mail', async () => {
    await person('bob', 'the old password');
    const { value } = await sdk.call('auth.logIn', { username: 'bob', password: 'the old password', expiration: 60 });
    await sdk.call('setToken', (value as Session).token);

    const wrong = await sdk.call('auth.updatePassword', 'me', 'not the old one', 'the new password');
    expect(wrong).toMatchObject({ error: { status: 401 } });
    expect(await sdk.call('auth.updatePassword', 'me', 'the old password', 'the new password')).toEqual({
      value: true,
    });

    const again = await sdk.call('auth.logIn', { username: 'bob', password: 'the new password', expiration: 60 });
    expect(again.error).toBeUndefined();
    for (const username of ['bob', 'nobody-at-all'])
      expect(await sdk.call('auth.sendResetPasswordEmail', { username })).toEqual({ value: true });
    expect(api.told.filter((line) => line.startsWith('mailQueued'))).toHaveLength(2);
  });
});

describe('the routes of wazo-auth 0.1', () => {
  const root = '/api/auth/0.1';

  test('answer as wazo-auth does', async () => {
    const session = await logIn();
    const basic = `Basic ${Buffer.from(`ada:${PASSWORD}`, 'latin1').toString('base64')}`;
    const post = (body: object): ReturnType<TestApi['anonymous']> =>
      api.anonymous('post', `${root}/token`).set('Authorization', basic).send(body);

    await api.anonymous('get', `${root}/status`).expect(200);
    const backends = await api.anonymous('get', `${root}/backends`).expect(200);
    expect(backends.body).toEqual({ data: ['wazo_user', 'local'] });
    await post({}).expect(200);
    await post({ expiration: 0 }).expect(400);
    await post({ access_type: 'offline' }).expect(400);
    await post({ access_type: 'offline', client_id: 'a', refresh_token: 'b' }).expect(400);
    await post({ refresh_token: 'b', client_id: 'a' }).expect(401);
    await api.anonymous('head', `${root}/token/${session.token}`).expect(204);
    await api.anonymous('head', `${root}/token/${session.token}?scope=system.%23`).expect(403);
    await api.anonymous('get', `${root}/token/${session.token}?scope=self.me.services.read`).expect(200);
    const missing = await api.anonymous('get', `${root}/token/unknown`).expect(404);
    expect(missing.body).toMatchObject({ reason: ['No such token'], status_code: 404 });
    await api.anonymous('get', `${root}/nothing`).expect(404);
    await api.anonymous('post', `${root}/token`).set('content-type', 'application/json').send('{').expect(400);
    expect(api.logged()).not.toContain(session.token);
  });

  test('give nobody what is somebody elses', async () => {
    const session = await logIn();
    const other = await person('carl', 'the password of carl');
    const as = (method: 'get' | 'post' | 'delete', path: string): ReturnType<TestApi['anonymous']> =>
      api.anonymous(method, `${root}${path}`).set('X-Auth-Token', session.token);

    await api.anonymous('get', `${root}/users/me/external`).expect(401);
    await as('get', '/users/me/external').expect(200);
    await as('get', `/users/${userId}/external`).expect(200);
    await as('get', `/users/${other}/external`).expect(401);
    for (const method of ['get', 'post', 'delete'] as const) {
      await as(method, `/users/${other}/external/campus`).expect(401);
      await as(method, '/users/me/external/campus').expect(404);
    }
    await as('get', '/users/username:carl/external').expect(404);
  });

  test('stand in the document of the API, and their refusals and acts in the audit trail', async () => {
    const session = await logIn();
    const { body: document } = await api.anonymous('get', '/v1/openapi.json').expect(200);
    const shown = (document as { readonly paths: Readonly<Record<string, object>> }).paths;
    for (const { method, path } of WIRE_ROUTES) expect(shown[root + path]).toHaveProperty([method]);

    const wrong = `Basic ${Buffer.from('ada:not that one').toString('base64')}`;
    await api.anonymous('post', `${root}/token`).set('Authorization', wrong).send({}).expect(401);
    const other = await person('dora', 'the password of dora');
    await api.anonymous('get', `${root}/users/${other}/external`).set('X-Auth-Token', session.token).expect(401);
    await api.anonymous('get', `${root}/users/me/external`).set('X-Auth-Token', 'nobody').expect(401);

    const { body } = await api.call('get', '/v1/audit?outcome=refused&limit=10').expect(200);
    const lines = body.items as readonly { readonly action: string; readonly detail: string; readonly actor: string }[];
    expect(lines.map(({ action, detail, actor }) => `${action} ${detail} ${actor}`)).toEqual(
      expect.arrayContaining([
        `POST ${root}/token wrong-credentials client:anonymous`,
        `GET ${root}/users/{user}/external forbidden user:${userId}`,
        `GET ${root}/users/{user}/external unauthenticated client:anonymous`,
      ]),
    );
    expect(JSON.stringify(body)).not.toContain(session.token);
  });
});
