import { createUser } from '../../store/users';
import { BY, settled } from '../engine/organisation';
import { complaints } from '../environment/browser';
import { PASSWORD, shows, signIn, startConsole } from './scene';
import type { Page } from 'playwright-core';
import type { ConsoleScene } from './scene';

/** Shown harmlessly wherever it stands. */
export const HOSTILE = `<script>document.title='taken'</script>مدير "'><b>${'x'.repeat(150)}`;

/** The scene with an administrator `op` in it. */
export async function startOperating(): Promise<ConsoleScene> {
  const scene = await startConsole();
  await scene.api
    .call('post', '/v1/auth/clients/create')
    .send({ username: 'op', password: PASSWORD, roles: ['admin'] })
    .expect(201);
  return scene;
}

/** A browser in which the administrator is signed in. */
export async function operatorPage(scene: ConsoleScene, script = true): Promise<Page> {
  const page = await (await scene.browser.context({ script })).newPage();
  await signIn(page, 'op');
  return page;
}

/** Presses a button that asks first. */
export async function confirm(page: Page, label: string): Promise<void> {
  await page.locator('summary', { hasText: label }).first().click();
  await page.locator('details[open]').getByRole('button', { name: label }).click();
}

/** Roles that the far side itself lists. */
export async function roles({ target }: ConsoleScene): Promise<readonly string[]> {
  const { tag, admin } = target;
  const found = await admin.query<{ rolname: string }>(
    `select rolname from pg_roles where rolname like $1 and rolname not like $2 and rolcanlogin order by 1`,
    [`${tag}\\_%`, `${tag}\\_g\\_%`],
  );
  return found.rows.map(({ rolname }) => rolname.slice(tag.length + 1));
}

export interface Stories {
  readonly script: boolean;
  /** Of the service that they add. */
  readonly name: string;
  readonly sceneOf: () => ConsoleScene;
}

/** What an operator does from sign-in to the far side's own answer: the same with script and without. */
export function tellStories({ script, name, sceneOf }: Stories): void {
  test('adds a service, looks at its plan, approves it, and the far side has the accounts', async () => {
    const who = `ada-${name}`;
    await settled(sceneOf().engine, await createUser(sceneOf().engine.db, { username: who, state: 'Member' }, BY));
    const page = await operatorPage(sceneOf(), script);
    const said = complaints(page);
    const { password = '', host = '', port = '', database = '', user = '' } = sceneOf().target.config;

    await page.getByRole('link', { name: 'Add a service' }).click();
    await page.getByRole('link', { name: 'PostgreSQL' }).click();
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByLabel('host', { exact: true }).fill(host);
    await page.getByLabel('port', { exact: true }).fill(String(port));
    await page.getByLabel('database', { exact: true }).fill(database);
    await page.getByLabel('user', { exact: true }).fill(user);
    await page.getByLabel('password', { exact: true }).fill(password);
    await page.getByLabel('rolePrefix').fill(`${sceneOf().target.tag}_${script ? 'w' : 'n'}_`);
    await page.getByRole('button', { name: 'Add it' }).click();
    await page.getByText('First run.').waitFor();
    await page.getByRole('button', { name: 'Test the connection' }).click();
    await page.getByText('The connection is good.').waitFor();

    await page.goto(`/operator/grants?service=${name}`);
    await page.getByLabel('What they are').selectOption('user');
    await page.getByLabel('Who', { exact: true }).fill(who);
    await page.getByRole('button', { name: 'Give a right' }).click();
    await page.getByRole('cell', { name: 'person' }).waitFor();
    await page.goto(`/operator/services/${name}/syncs`);
    await page.getByLabel('Only a plan').check();
    await page.getByRole('button', { name: 'Start' }).click();
    await shows(page, 'Look at the plan', script);
    await page.getByRole('link', { name: 'Look at the plan' }).click();
    expect(await page.locator('#plan').innerText()).toContain('create');
    expect((await roles(sceneOf())).filter((role) => role.endsWith(who))).toEqual([]);
    await confirm(page, 'Approve and execute');

    await shows(page, '1 changed', script);
    expect((await roles(sceneOf())).filter((role) => role.endsWith(who))).toHaveLength(1);
    expect(said).toEqual([]);
  });

  test('deletes an account from its explanation, and the far side has it no more', async () => {
    const who = `ada-${name}`;
    const page = await operatorPage(sceneOf(), script);

    await page.goto('/operator/people');
    await page.getByLabel(/Username, name/).fill(who);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: who }).first().click();
    await page.getByRole('link', { name: `Explain ${name}` }).click();
    await page.getByText(/^Yes: granted/).waitFor();
    await confirm(page, 'Delete the account');

    await shows(page, 'removed', script);
    expect((await roles(sceneOf())).filter((role) => role.endsWith(who))).toEqual([]);
  });

  test('sees whom a roster would change, applies it, and then the organisation is so', async () => {
    const page = await operatorPage(sceneOf(), script);
    const roster = JSON.stringify({ users: [{ username: `new-${name}`, displayName: HOSTILE.slice(0, 60) }] });

    await page.goto('/operator/imports');
    await page
      .getByLabel('Roster')
      .setInputFiles({ name: 'r.json', mimeType: 'application/json', buffer: Buffer.from(roster) });
    await page.getByLabel('What it says').selectOption('merge');
    await page.getByRole('button', { name: 'Show the difference' }).click();
    await page.getByRole('row', { name: /new people/ }).waitFor();
    await confirm(page, 'Apply it');
    await page.getByRole('heading', { name: 'Operation: import' }).waitFor();

    const { body } = await sceneOf().api.call('get', `/v1/users/username:new-${name}`).expect(200);
    expect(body.displayName).toBe(HOSTILE.slice(0, 60));
  });

  test('pauses a service and lets it go on', async () => {
    const page = await operatorPage(sceneOf(), script);

    await page.goto(`/operator/services/${name}`);
    await confirm(page, 'Pause');
    await page.getByRole('button', { name: 'Resume' }).click();

    await page.locator('summary', { hasText: 'Pause' }).waitFor();
    const { body } = await sceneOf().api.call('get', `/v1/services/${name}`).expect(200);
    expect(body.paused).toBeNull();
  });
}
