import { accessibilityFaults, complaints } from '../environment/browser';
import { HOSTILE, operatorPage, startOperating, tellStories } from './operator-stories';
import type { ConsoleScene } from './scene';

let scene: ConsoleScene;
beforeAll(async () => {
  scene = await startOperating();
}, 60_000);
afterAll(() => scene.close());

describe('an operator without script', () => {
  tellStories({ script: false, name: 'wiki', sceneOf: () => scene });
});

test('every page is free of accessibility faults, also with hostile names', async () => {
  const id = await scene.person('hostile', HOSTILE);
  await scene.api.call('post', '/v1/groups').send({ name: HOSTILE }).expect(202);
  await scene.api.call('put', `/v1/groups/name:${encodeURIComponent(HOSTILE)}/members/${id}`).expect(202);
  const page = await operatorPage(scene);
  const said = complaints(page);
  const { body: groups } = await scene.api.call('get', '/v1/groups').expect(200);
  const { body: syncs } = await scene.api.call('get', '/v1/services/wiki/syncs').expect(200);
  const { body: operations } = await scene.api.call('get', '/v1/operations?limit=1').expect(200);
  const { body: clients } = await scene.api.call('get', '/v1/auth/clients/all?limit=1').expect(200);
  const service = '/services/wiki';
  const paths = [
    '',
    '/notices',
    '/services/new',
    '/services/new/ldap',
    service,
    `${service}/accounts`,
    `${service}/accounts?q=nobody-is-called-so`,
    `${service}/syncs`,
    `${service}/syncs/${syncs.items[0].id}`,
    `${service}/guard?show=all`,
    `${service}/comparisons`,
    `${service}/settings/connection`,
    `${service}/settings/mapping`,
    `${service}/settings/limits`,
    '/people',
    `/people/${id}`,
    `/people/${id}/accounts/wiki`,
    '/groups',
    `/groups/${groups.items[0].id}`,
    '/states',
    '/grants',
    '/imports',
    '/operations',
    `/operations/${operations.items[0].id}`,
    '/audit',
    '/clients',
    `/clients/${clients.items[0].id}`,
    '/tokens',
    '/roles',
    '/people/0190aaaa-0000-7000-8000-000000000000',
  ];

  const faults: string[] = [];
  for (const path of paths) {
    await page.goto(`/operator${path}`);
    faults.push(...(await accessibilityFaults(page)).map((fault) => `${path}: ${fault}`));
    if ((await page.title()) === 'taken') faults.push(`${path}: a name became a script`);
  }

  expect(faults).toEqual([]);
  expect(said).toEqual([]);
}, 120_000);
