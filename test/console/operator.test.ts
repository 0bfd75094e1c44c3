import { accessibilityFaults } from '../environment/browser';
import { operatorPage, startOperating, tellStories } from './operator-stories';
import { PASSWORD, signIn } from './scene';
import type { ConsoleScene } from './scene';

let scene: ConsoleScene;
beforeAll(async () => {
  scene = await startOperating();
}, 60_000);
afterAll(() => scene.close());

describe('an operator', () => {
  tellStories({ script: true, name: 'wiki', sceneOf: () => scene });
});

test('the guard names whom it keeps, and a person lets it happen', async () => {
  const { db } = scene.engine;
  await scene.api.call('patch', '/v1/services/club').send({ guard: { removal: { minimum: 0, maximum: 0 } } });
  const id = await scene.person('gone');
  await scene.api.call('put', `/v1/services/club/accounts/${id}`).set('Prefer', 'wait=20').expect(200);
  await scene.api.call('patch', `/v1/users/${id}`).send({ active: false }).expect(202);
  const { rows } = await db.query(`select from guard_staged where decision is null`);
  expect(rows).toHaveLength(1);
  const page = await operatorPage(scene);

  await page.goto('/operator/services/club/guard');
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByLabel('Select gone').check();
  await page.getByLabel('Reason').fill('they have left');
  await page.getByRole('button', { name: 'Let it happen' }).click();
  await page.getByText('Nothing waits for a decision.').waitFor();
  await page.goto('/operator/services/club/guard?show=all');

  await page.getByText('they have left').waitFor();
});

test('a mapping is previewed with whom it would change before it is saved', async () => {
  const page = await operatorPage(scene);
  await page.goto('/operator/services/wiki/settings/mapping');

  await page.getByLabel('Name format', { exact: true }).fill('{username}-{shoe}');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText('{shoe} is not known').waitFor();
  await page.getByLabel('Name format', { exact: true }).fill('{username}-x');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText('What would change').waitFor();
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();

  const { body } = await scene.api.call('get', '/v1/services/wiki').expect(200);
  expect(body.nameFormat).toBe('{username}-x');
});

test('secrets are never in a page, and stay when the form is saved', async () => {
  const page = await operatorPage(scene);
  await page.goto('/operator/services/wiki/settings/connection');

  expect(await page.content()).not.toContain(scene.target.config.password ?? 'no password');
  await page.getByLabel('Title').fill('The Wiki');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  await page.goto('/operator/services/wiki');
  await page.getByRole('button', { name: 'Test the connection' }).click();

  await page.getByText('The connection is good.').waitFor();
  expect(await page.getByText('Something is missing').count()).toBe(0);
});

test('what an auditor may not do has no button', async () => {
  await scene.api
    .call('post', '/v1/auth/clients/create')
    .send({ username: 'looker', password: PASSWORD, roles: ['auditor'] })
    .expect(201);
  const page = await (await scene.browser.context({})).newPage();
  await signIn(page, 'looker');

  const buttons: string[] = [];
  for (const path of [
    '',
    '/services/wiki',
    '/services/wiki/accounts',
    '/people',
    '/groups',
    '/grants',
    '/imports',
    '/roles',
  ]) {
    await page.goto(`/operator${path}`);
    buttons.push(...(await page.locator('main form[method=post] button').allInnerTexts()));
  }

  expect(buttons).toEqual([]);
});
