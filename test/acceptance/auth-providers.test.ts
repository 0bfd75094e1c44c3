import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTestApi } from '../environment/api';
import { createPackagesFolder } from './packages-folder';
import type { TestApi } from '../environment/api';
import type { PackagesFolder } from './packages-folder';

const badge = (number: string, more: object = {}): object => ({
  number,
  pin: `pin of ${number}`,
  name: number,
  ...more,
});

/** Providers that go wrong in every way; each must leave the others alone. */
const TROUBLED = `
const { AuthProvider, ClientData, defineAuthProvider } = require('@muster/sdk');
const { z } = require('zod');
class Throwing extends AuthProvider {
  authPackage = z.looseObject({ badge: z.string() });
  async authenticate({ pin }) { throw new Error('could not ask with ' + pin); }
  async listClients() { throw new Error('not today'); }
}
class Asleep extends AuthProvider {
  authPackage = z.looseObject({ dream: z.string() });
  get initialized() { return false; }
  async authenticate() { return new ClientData({ clientId: 'dreamer', roles: [] }); }
}
class Broken extends AuthProvider {
  constructor() { super(); throw new Error('no battery'); }
}
class Roles extends AuthProvider {
  authPackage = z.strictObject({ anybody: z.string() });
  async authenticate({ anybody }) {
    return new ClientData({ clientId: anybody, roles: ['auditor', 'no-such-role'], person: { email: 'dee@example.org', emailVerified: anybody === 'dee' } });
  }
}
const define = (kind, provider) => defineAuthProvider({ kind, title: kind, sdk: 1, config: z.strictObject({}), provider });
exports.throwing = define('throwing', Throwing);
exports.asleep = define('asleep', Asleep);
exports.broken = define('broken', Broken);
exports.roles = define('roles', Roles);
exports.old = defineAuthProvider({ kind: 'old', title: 'old', sdk: 1, config: z.strictObject({ needed: z.string() }), provider: Roles });
`;

let folder: PackagesFolder;
let api: TestApi;
beforeAll(async () => {
  folder = createPackagesFolder();
  await folder.install(join(__dirname, '..', 'fixtures', 'acme-auth-provider'));
  folder.write('troubled-providers', TROUBLED);
  folder.write('no-provider', 'exports.nothing = 1;');
  const inFolder = join(folder.path, 'folders', 'unreadable');
  mkdirSync(inFolder, { recursive: true });
  writeFileSync(join(inFolder, 'index.js'), 'this is not JavaScript');
  const paths = ['acme-auth-provider', 'troubled-providers', 'no-provider', 'not-installed'];
  api = await createTestApi({
    auth: {
      folders: [join(folder.path, 'folders')],
      packages: paths.map((name) => (name === 'not-installed' ? name : join(folder.path, 'node_modules', name))),
      order: ['throwing', 'staff'],
      providers: {
        staff: {
          kind: 'badge',
          config: {
            badges: [badge('7', { roles: ['operator'], staffId: 's-7' }), badge('8', { blocked: true }), badge('9')],
          },
        },
        visitors: { kind: 'badge', config: { badges: [badge('7'), badge('11')] } },
        off: { kind: 'badge', enabled: false, config: { badges: [] } },
        throwing: {},
        asleep: {},
        broken: {},
        roles: {},
        old: { config: { secret: 'canary-in-a-section' } },
        nowhere: {},
      },
    },
  });
});
afterAll(async () => {
  await api.close();
  folder.remove();
});

function logIn(body: object) {
  return api.anonymous('post', '/v1/auth').send(body);
}

describe('authentication providers', () => {
  test('several are served, in the order that was given; what fails is named with its reason', async () => {
    const { body } = await api.call('get', '/v1/auth/providers').expect(200);

    expect((body.items as readonly { readonly name: string }[]).map(({ name }) => name)).toEqual([
      'throwing',
      'staff',
      'local',
      'visitors',
      'asleep',
      'roles',
    ]);
    expect(body.items[1]).toMatchObject({ kind: 'badge', initialized: true, offers: ['listClients', 'getClient'] });
    const reasons = Object.fromEntries(
      (body.skipped as readonly { readonly name: string; readonly reason: string }[]).map(({ name, reason }) => [
        name,
        reason,
      ]),
    );
    expect(reasons).toMatchObject({
      broken: 'no battery',
      nowhere: 'there is no provider of the kind nowhere',
      'not-installed': 'it is not installed',
      unreadable: expect.stringContaining('Unexpected identifier'),
      old: expect.stringContaining('needed'),
    });
    expect(JSON.stringify(body) + api.logged()).not.toContain('canary-in-a-section');
  });

  test('stand in the readiness', async () => {
    const { body } = await api.anonymous('get', '/health/ready').expect(200);

    expect(body).toMatchObject({ status: 'degraded', authProviders: { staff: true, asleep: false, broken: false } });
  });

  test('are asked one after the other; one that throws is skipped, and its words are kept nowhere', async () => {
    const first = await logIn({ badge: '7', pin: 'pin of 7' }).expect(200);
    const second = await logIn({ badge: '11', pin: 'pin of 11' }).expect(200);

    expect(first.body.client).toMatchObject({ provider: 'staff', clientId: '7', roles: ['operator'] });
    expect(second.body.client).toMatchObject({ provider: 'visitors', clientId: '11', roles: [] });
    const who = await api.as(first.body.token as string, 'get', '/v1/auth').expect(200);
    expect(who.body.actor).toBe('client:staff/7');
    expect(api.logged()).toContain('auth.provider-failed');
    expect(api.logged()).not.toContain('pin of');
  });

  test('can be named; each has its own clients', async () => {
    const visitor = await logIn({ provider: 'visitors', badge: '7', pin: 'pin of 7' }).expect(200);

    expect(visitor.body.client).toMatchObject({ provider: 'visitors', roles: [] });
    await logIn({ provider: 'off', badge: '7', pin: 'pin of 7' }).expect(400);
  });

  test('say no: 401; cannot serve: 503; all of them fail: 503', async () => {
    await logIn({ badge: '8', pin: 'pin of 8' }).expect(401);
    await logIn({ badge: '7', pin: 'wrong' }).expect(401);
    await logIn({ dream: 'of 12 o clock' }).expect(503);
    await logIn({ provider: 'throwing', badge: '7' }).expect(503);
  });

  test('what one does not implement answers 501 with its name', async () => {
    const { body } = await logIn({ badge: '9', pin: 'pin of 9' }).expect(200);
    const path = `/v1/auth/clients/${(body as { client: { id: string } }).client.id}`;

    for (const [method, route, ability] of [
      ['post', `${path}/disable`, 'disableClient'],
      ['post', `${path}/enable`, 'enableClient'],
      ['delete', path, 'deleteClient'],
      ['post', `${path}/roles/auditor`, 'addRoles'],
      ['delete', `${path}/roles`, 'deleteRoles'],
      ['post', path, 'updateClient'],
    ] as const) {
      const answer = await api
        .call(method, route)
        .send(method === 'post' ? {} : undefined)
        .expect(501);
      expect(answer.body.detail).toContain(ability);
    }
    const answer = await api.call('post', '/v1/auth/clients/create').send({ provider: 'staff' }).expect(501);
    expect(answer.body.detail).toContain('createClient');
    await api.call('get', '/v1/auth/providers/throwing/clients').expect(502);
    await api.call('get', '/v1/auth/providers/roles/clients').expect(501);
  });

  test('list their clients in their own words', async () => {
    const { body } = await api.call('get', '/v1/auth/providers/staff/clients').expect(200);

    expect(body.items).toContainEqual({ clientId: '8', roles: [], name: '8', blocked: true });
  });

  test('without getClient only an admin gets a further token', async () => {
    const other = await logIn({ anybody: 'ann' }).expect(200);
    const staff = await logIn({ badge: '9', pin: 'pin of 9' }).expect(200);

    const refused = await api
      .as(other.body.token as string, 'post', '/v1/auth/tokens')
      .send({})
      .expect(501);
    expect(refused.body.detail).toContain('getClient');
    await api
      .as(staff.body.token as string, 'post', '/v1/auth/tokens')
      .send({})
      .expect(201);
  });

  test('name roles; those that do not exist are left out and logged', async () => {
    const { body } = await logIn({ anybody: 'bea' }).expect(200);

    expect(body.client.roles).toEqual(['auditor']);
    expect(api.logged()).toMatch(/auth\.unknown-roles.*no-such-role/);
  });

  test("prove a person by the source's key, or by a verified address, never by another", async () => {
    await api.call('post', '/v1/users').send({ username: 'seven', externalId: 's-7' }).expect(202);
    await api.call('post', '/v1/users').send({ username: 'dee', email: 'dee@example.org' }).expect(202);

    const byKey = await logIn({ badge: '7', pin: 'pin of 7' }).expect(200);
    const byMail = await logIn({ anybody: 'dee' }).expect(200);
    const unproven = await logIn({ anybody: 'somebody' }).expect(200);
    const byName = await logIn({ provider: 'visitors', badge: '7', pin: 'pin of 7' }).expect(200);

    expect([byKey, byMail, unproven, byName].map(({ body }) => body.client.user !== null)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    await api.as(byKey.body.token as string, 'get', '/v1/users/me').expect(200);
  });
});
