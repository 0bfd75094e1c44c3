import { createUser } from '../../store/users';
import { BY, settled } from '../engine/organisation';
import { accessibilityFaults, complaints } from '../environment/browser';
import { PASSWORD, shows, signIn, startConsole } from './scene';
import type { Page } from 'playwright-core';
import type { ConsoleScene } from './scene';

const HOSTILE = `<script>document.title='taken'</script>مدير "'><b>${'x'.repeat(150)}`;

let scene: ConsoleScene;
beforeAll(async () => {
  scene = await startConsole();
  await scene.api
    .call('post', '/v1/auth/clients/create')
    .send({ username: 'op', password: PASSWORD, roles: ['admin'] })
    .expect(201);
}, 60_000);
afterAll(() => scene.close());

async function operator(script = true): Promise<Page> {
  const page = await (await scene.browser.context({ script })).newPage();
  await signIn(page, 'op');
  return page;
}

/** As the far side itself says. */
async function roles(): Promise<readonly string[]> {
  const { tag, admin } = scene.target;
  const found = await admin.query<{ rolname: string }>(
    `select rolname from pg_roles where rolname like $1 and rolname not like $2 and rolcanlogin order by 1`,
    [`${tag}\\_%`, `${tag}\\_g\\_%`],
  );
  return found.rows.map(({ rolname }) => rolname.slice(tag.length + 1));
}

async function confirm(page: Page, label: string): Promise<void> {
  await page.locator('summary', { hasText: label }).first().click();
  await page.locator('details[open]').getByRole('button', { name: label }).click();
}

describe.each([
  ['with script', true],
  ['without script', false],
])('an operator %s', (how, script) => {
  const name = script ? 'wiki' : 'attic';

  test('adds a service, looks at its plan, approves it, and the far side has the accounts', async () => {
    const who = `ada-${name}`;
    await settled(scene.engine, await createUser(scene.engine.db, { username: who, state: 'Member' }, BY));
    const page = await operator(script);
    const said = complaints(page);
    const { password = '', host = '', port = '', database = '', user = '' } = scene.target.config;

    await page.getByRole('link', { name: 'Add a service' }).click();
    await page.getByRole('link', { name: 'PostgreSQL' }).click();
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByLabel('host', { exact: true }).fill(host);
    await page.getByLabel('port', { exact: true }).fill(String(port));
    await page.getByLabel('database', { exact: true }).fill(database);
    await page.getByLabel('user', { exact: true }).fill(user);
    await page.getByLabel('password', { exact: true }).fill(password);
    await page.getByLabel('rolePrefix').fill(`${scene.target.tag}_${script ? 'w' : 'n'}_`);
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
    expect((await roles()).filter((role) => role.endsWith(who))).toEqual([]);
    await confirm(page, 'Approve and execute');

    await shows(page, '1 changed', script);
    expect((await roles()).filter((role) => role.endsWith(who))).toHaveLength(1);
    expect(said).toEqual([]);
  });

  test('deletes an account from its explanation, and the far side has it no more', async () => {
    const who = `ada-${name}`;
    const page = await operator(script);

    await page.goto('/operator/people');
    await page.getByLabel(/Username, name/).fill(who);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: who }).first().click();
    await page.getByRole('link', { name: `Explain ${name}` }).click();
    await page.getByText(/^Yes: granted/).waitFor();
    await confirm(page, 'Delete the account');

    await shows(page, 'removed', script);
    expect((await roles()).filter((role) => role.endsWith(who))).toEqual([]);
  });

  test('sees whom a roster would change, applies it, and then the organisation is so', async () => {
    const page = await operator(script);
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

    const { body } = await scene.api.call('get', `/v1/users/username:new-${name}`).expect(200);
    expect(body.displayName).toBe(HOSTILE.slice(0, 60));
    expect(how).toContain('script');
  });

  test('pauses a service and lets it go on', async () => {
    const page = await operator(script);

    await page.goto(`/operator/services/${name}`);
    await confirm(page, 'Pause');
    await page.getByRole('button', { name: 'Resume' }).click();

    await page.locator('summary', { hasText: 'Pause' }).waitFor();
    const { body } = await scene.api.call('get', `/v1/services/${name}`).expect(200);
    expect(body.paused).toBeNull();
  });
});

test('the guard names whom it keeps, and a person lets it happen', async () => {
  const { db } = scene.engine;
  await scene.api.call('patch', '/v1/services/club').send({ guard: { removal: { minimum: 0, maximum: 0 } } });
  const id = await scene.person('gone');
  await scene.api.call('put', `/v1/services/club/accounts/${id}`).set('Prefer', 'wait=20').expect(200);
  await scene.api.call('patch', `/v1/users/${id}`).send({ active: false }).expect(202);
  const { rows } = await db.query(`select from guard_staged where decision is null`);
  expect(rows).toHaveLength(1);
  const page = await operator();

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
  const page = await operator();
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
  const page = await operator();
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

test('every page is free of accessibility faults, also with hostile names', async () => {
  const id = await scene.person('hostile', HOSTILE);
  await scene.api.call('post', '/v1/groups').send({ name: HOSTILE }).expect(202);
  await scene.api.call('put', `/v1/groups/name:${encodeURIComponent(HOSTILE)}/members/${id}`).expect(202);
  const page = await operator();
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
