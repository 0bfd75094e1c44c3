import { join } from 'node:path';
import { addMembers, createGroup } from '../../store/groups';
import { deleteUser } from '../../store/users';
import { startTestEngine } from '../engine/engine';
import type { TestEngine } from '../engine/engine';
import { addMember, BY, eventually, settled } from '../engine/organisation';
import { startAcmeService } from './acme-service';
import type { AcmeService } from './acme-service';
import { testToken } from '../environment/identity';
import { apiOf } from './engine-api';
import type { EngineApi } from './engine-api';
import { createPackagesFolder } from './packages-folder';
import type { PackagesFolder } from './packages-folder';

const TOKENS = { north: 'token-of-north', south: 'token-of-south', moved: 'token-of-another-tenant' } as const;

/** Packages that cannot be used, each in its own way. */
const BROKEN = {
  'too-new': `exports.c = require('@muster/sdk').defineConnector({ kind: 'too-new', title: 'T', sdk: 2, config: {} });`,
  'not-javascript': `exports.c = {{;`,
  'second-acme': `exports.c = require('@muster/sdk').defineConnector({ kind: 'acme', title: 'Other', sdk: 1, config: {} });`,
  'bad-tables': `
    const { defineConnector, registerHook } = require('@muster/sdk');
    registerHook('menuItem', () => ({ label: 'Never shown', url: '/never' }));
    const migrations = [{ name: '0001-good', sql: 'create table t (a text)' }, { name: '0002-bad', sql: 'create tabel x' }];
    exports.c = defineConnector({ kind: 'bad-tables', title: 'B', sdk: 1, config: {}, migrations });`,
  'bad-menu': `
    const { defineConnector, registerHook } = require('@muster/sdk');
    registerHook('menuItem', () => { throw new Error('no menu today'); });
    exports.c = defineConnector({ kind: 'bad-menu', title: 'B', sdk: 1, config: {} });`,
} as const;

let folder: PackagesFolder;
let far: AcmeService;
let engine: TestEngine;
let api: EngineApi;
beforeAll(async () => {
  folder = createPackagesFolder();
  for (const [name, source] of Object.entries(BROKEN)) folder.write(name, source);
  [far] = await Promise.all([
    startAcmeService(Object.values(TOKENS)),
    folder.install(join(__dirname, '../fixtures/acme-connector')),
  ]);
  // The connector comes in the middle: what is broken before and after it must not matter.
  const packages = ['too-new', 'not-javascript', 'acme-connector', 'second-acme', 'bad-tables', 'bad-menu', 'absent'];
  engine = await startTestEngine({ packages: { packages, from: folder.path } });
  api = apiOf(engine);
  await addService('north', TOKENS.north);
  await addService('south', TOKENS.south);
});
afterAll(async () => {
  await engine?.close();
  await far?.close();
  folder?.remove();
});

async function addService(name: string, token: string): Promise<void> {
  const body = { name, connector: 'acme', firstRun: 'write', config: { url: far.url, token } };
  await api.call('post', '/v1/services').send(body).expect(202);
  await api.call('post', '/v1/grants').send({ service: name, state: 'name:Member' }).expect(202);
}

function names(tenant: keyof typeof TOKENS): readonly string[] {
  return far.users(TOKENS[tenant]).map((user) => user.name);
}

async function deleted(userId: string): Promise<void> {
  await settled(engine, await deleteUser(engine.db, userId, BY));
}

describe('modules that cannot be used', () => {
  test('are reported with the reason, and stop no other', () => {
    const reasons = Object.fromEntries(engine.registry.skipped.map(({ module, reason }) => [module, reason]));

    expect(reasons).toEqual({
      'too-new': 'connector too-new was made for version 2 of @muster/sdk, this is version 1',
      'not-javascript': expect.stringContaining('Unexpected token'),
      'second-acme': 'there is already a connector of the kind acme',
      'bad-tables': expect.stringMatching(/migration 0002-bad .*failed: .*"tabel"/),
      'bad-menu': 'no menu today',
      absent: expect.stringContaining('not installed'),
    });
    const kinds = engine.registry.list().map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['example', 'postgres', 'acme']));
    for (const name of Object.keys(BROKEN)) expect(kinds).not.toContain(name);
  });

  test('are named by the health page', async () => {
    const health = await api.anonymous('get', '/health/ready').expect(200);

    expect(health.body.skippedConnectors).toEqual(engine.registry.skipped.map(({ module }) => module));
  });

  test('leave nothing of themselves behind', async () => {
    const menu = await api.call('get', '/v1/menu').expect(200);
    const tables = await engine.db.query(`select from pg_tables where schemaname = 'module_bad_tables'`);

    expect(menu.body.items).toEqual([{ label: 'Acme', url: '/acme/about', order: 10 }]);
    expect(tables.rowCount).toBe(0);
  });
});

describe('a connector out of an npm package', () => {
  test('serves two services, each with its own credentials', async () => {
    const ada = await addMember(engine, 'Ada.One');

    expect([names('north'), names('south')]).toEqual([['adaone'], ['adaone']]);
    const tested = await api.call('post', '/v1/services/south/test').expect(200);
    expect(tested.body).toMatchObject({ ok: true, remote: 'Acme number 2' });
    const shown = await api.call('get', '/v1/services/south').expect(200);
    expect(shown.body).toMatchObject({
      config: { token: { sealed: true } },
      abilities: { hook: expect.arrayContaining(['createAccount']) },
    });
    expect(engine.log.join('')).not.toContain(TOKENS.south);
    await deleted(ada);
    expect([names('north'), names('south')]).toEqual([[], []]);
  });

  test('follows groups and profile like a built-in one', async () => {
    const ben = await addMember(engine, 'Ben');
    const group = await createGroup(engine.db, 'Kitchen', BY);
    await settled(engine, group);

    await settled(engine, await addMembers(engine.db, { groupId: group.record.id, userIds: [ben], by: BY }));

    expect(far.users(TOKENS.north)).toMatchObject([{ name: 'ben', groups: ['Kitchen'] }]);
    await deleted(ben);
  });

  test('keeps what it knows about people in tables of its own', async () => {
    const cy = await addMember(engine, 'Cy');
    const welcomed = () =>
      engine.db.query(`select service from module_acme.welcomed where user_id = $1 order by 1`, [cy]);

    expect((await welcomed()).rows).toEqual([{ service: 'north' }, { service: 'south' }]);
    await deleted(cy);
    expect((await welcomed()).rows).toEqual([]);
  });

  test('serves its own pages, some of them for signed-in people only', async () => {
    const dee = await addMember(engine, 'Dee');
    const { token } = await testToken(api.identity, { userId: dee });

    await api.anonymous('get', '/acme/about').expect(200, 'Acme for everybody');
    await api.anonymous('get', '/services/north/welcome').expect(401);
    await api.call('get', '/services/north/welcome').expect(403);
    await api.as(token, 'get', '/services/north/welcome').expect(200, { greeting: 'Hello', name: 'Dee' });
    await api.as(token, 'get', '/services/north/nowhere').expect(404);
    await deleted(dee);
  });

  test('answers its pages from the worker, where the credentials are', async () => {
    const eve = await addMember(engine, 'Eve');

    const { token } = await testToken(api.identity, { userId: eve });
    const answer = await api.as(token, 'post', '/services/north/tenant/whose').send({ why: 'curious' }).expect(200);

    expect(answer.body).toEqual({ action: 'whose', input: { why: 'curious' }, tenant: 'number 1' });
    await deleted(eve);
  });
});

describe('without a restart of the worker', () => {
  test('a service is added, altered, and removed', async () => {
    await addService('west', TOKENS.moved);
    const fay = await addMember(engine, 'Fay');
    expect(names('moved')).toEqual(['fay']);

    await api.call('patch', '/v1/services/west').send({ nameFormat: 'w{username}' }).expect(202);
    await eventually('the new name format has arrived', async () => names('moved')[0] === 'wfay');

    await api.call('post', '/v1/services/west/disable').expect(202);
    await eventually('the accounts are taken away', async () => names('moved').length === 0);
    await api.call('delete', '/v1/services/west').expect(204);
    expect(names('north')).toEqual(['fay']);
    await deleted(fay);
  });

  test('new credentials count from the next call on', async () => {
    await api
      .call('patch', '/v1/services/south')
      .send({ config: { token: TOKENS.moved } })
      .expect(202);

    const gus = await addMember(engine, 'Gus');

    expect([names('south'), names('moved')]).toEqual([[], ['gus']]);
    await deleted(gus);
  });
});
