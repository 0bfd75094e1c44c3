import { complaints } from '../environment/browser';
import { BY, eventually, settled } from '../engine/organisation';
import { createUser } from '../../store/users';
import { operatorPage, roles, startOperating, tellStories } from './operator-stories';
import { tellSteering } from './operator-steering';
import { operatorAddresses, sidewaysPixels } from './operator-walk';
import { PASSWORD, signIn } from './scene';
import type { Page } from 'playwright-core';
import type { ConsoleScene } from './scene';

let scene: ConsoleScene;
beforeAll(async () => {
  scene = await startOperating();
}, 60_000);
afterAll(() => scene.close());

describe('an operator', () => {
  tellStories({ script: true, name: 'wiki', sceneOf: () => scene });
  tellSteering({ script: true, name: 'wiki', sceneOf: () => scene });
});

/** Boxes of the table that are ticked, by what they are called. */
async function ticked(page: Page): Promise<readonly string[]> {
  const boxes = await page.locator('table input:checked').all();
  const names = await Promise.all(boxes.map((box) => box.getAttribute('aria-label')));
  return names.map((name) => name ?? '').sort();
}

test('the guard names whom it keeps: one goes at the far side, the other is kept there', async () => {
  const { engine, api, club } = scene;
  await api.call('patch', '/v1/services/club').send({ guard: { removal: { minimum: 0, maximum: 0 } } });
  const ids = [await scene.person('gone'), await scene.person('kept')];
  for (const id of ids) {
    await api.call('put', `/v1/services/club/accounts/${id}`).set('Prefer', 'wait=20').expect(200);
    await api.call('patch', `/v1/users/${id}`).send({ active: false }).expect(202);
  }
  await eventually('both wait for a decision', async () => {
    const { rowCount } = await engine.db.query(`select from guard_staged where decision is null`);
    return rowCount === 2;
  });
  const page = await operatorPage(scene);

  await page.goto('/operator/services/club/guard');
  await page.getByLabel('Select all on this page').focus();
  await page.keyboard.press('Space');
  expect(await ticked(page)).toEqual(['Select all on this page', 'Select gone', 'Select kept']);
  await page.getByLabel('Select kept').uncheck();
  expect(await ticked(page)).toEqual(['Select gone']);
  await page.locator('input[data-all]:indeterminate').waitFor();
  await page.getByLabel('Reason').fill('they have left');
  await page.getByRole('button', { name: 'Let it happen' }).click();
  await page.getByLabel('Select kept').check();
  await page.getByLabel('Reason').fill('they come back');
  await page.getByRole('button', { name: 'Keep them' }).click();
  await page.getByText('Nothing waits for a decision.').waitFor();
  await page.goto('/operator/services/club/guard?show=all');

  await page.getByText('they have left').waitFor();
  await page.getByText('they come back').waitFor();
  await eventually('one is gone at the far side', async () => !club.accounts.has(ids[0] ?? ''));
  expect(club.accounts.has(ids[1] ?? '')).toBe(true);
});

test('a mapping is previewed with whom it would change, and saved it does so at the far side', async () => {
  const { engine, api } = scene;
  await settled(engine, await createUser(engine.db, { username: 'mia', state: 'Member' }, BY));
  await api.call('post', '/v1/grants').set('Prefer', 'wait=20').send({ service: 'wiki', user: 'username:mia' });
  await eventually('she has an account', async () => (await roles(scene)).some((role) => role.endsWith('mia')));
  const page = await operatorPage(scene);
  await page.goto('/operator/services/wiki/settings/mapping');

  await page.getByLabel('Name format', { exact: true }).fill('{username}-{shoe}');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText('{shoe} is not known').waitFor();
  await page.getByLabel('Name format', { exact: true }).fill('{username}-x');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText('What would change').waitFor();
  await page.getByRole('row', { name: /mia.*mia-x/ }).waitFor();
  expect((await roles(scene)).some((role) => role.endsWith('mia-x'))).toBe(false);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();

  const { body } = await api.call('get', '/v1/services/wiki').expect(200);
  expect(body.nameFormat).toBe('{username}-x');
  await eventually('her role has the new name', async () =>
    (await roles(scene)).some((role) => role.endsWith('mia-x')),
  );
});

test('every page answers, complains of nothing, and does not scroll sideways on a narrow screen', async () => {
  const page = await operatorPage(scene);
  const said = complaints(page);
  await page.setViewportSize({ width: 360, height: 740 });

  const faults: string[] = [];
  for (const address of await operatorAddresses(scene)) {
    const answer = await page.goto(address);
    if (answer?.status() !== 200) faults.push(`${address} answered ${answer?.status()}`);
    const wide = await sidewaysPixels(page);
    if (wide > 0) faults.push(`${address} is ${wide} pixels too wide`);
  }

  expect(faults).toEqual([]);
  expect(said).toEqual([]);
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
