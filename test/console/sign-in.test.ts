import { passwordLink } from '../../auth/password-links';
import { allPages } from '../../console/pages';
import { createUser } from '../../store/users';
import { ensureBuiltInStates } from '../../store/states';
import { describeWith } from '../connectors/programs';
import { startSlapd } from '../connectors/slapd';
import { createTestApi } from '../environment/api';
import { CHROMIUM, complaints, signInAs, startBrowser } from '../environment/browser';
import { DOOR, LEAD_ON, NOTHING_YET, PERSON, walk } from './walk';
import type { Page } from 'playwright-core';
import type { Slapd } from '../connectors/slapd';
import type { TestApi } from '../environment/api';
import type { TestBrowser } from '../environment/browser';

const PASSWORD = 'correct horse battery';
let api: TestApi;
let browser: TestBrowser;

async function freshPage(script = true): Promise<Page> {
  return (await browser.context({ script })).newPage();
}

async function fillIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

describeWith([CHROMIUM], 'the way in', () => {
  beforeAll(async () => {
    api = await createTestApi();
    await ensureBuiltInStates(api.context.db);
    browser = await startBrowser(await api.listen());
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await api.close();
  });

  test('is free of faults for readers of the screen, in light and dark, on a telephone', async () => {
    const page = await freshPage();
    const said = complaints(page);

    expect(await walk(page, DOOR)).toEqual([]);
    expect(said).toEqual([]);
  }, 60_000);

  test('so is what somebody sees who has nothing yet', async () => {
    const { db } = api.context;
    const { record } = await createUser(db, { username: 'new', state: 'Member' }, { actor: 'client:test' });
    const context = await browser.context();
    await signInAs(api, context, { userId: record.id });

    expect(await walk(await context.newPage(), NOTHING_YET)).toEqual([]);
  }, 60_000);

  test('every page that is not for operators is walked, here or with a person who has accounts', () => {
    const own = allPages({ authenticate: async () => undefined }).filter(({ path }) => !/^\/operator(\/|$)/.test(path));
    const walked = [...DOOR, ...PERSON].flatMap(({ page }) => page ?? []);

    expect([...walked, ...LEAD_ON].sort()).toEqual(
      own.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort(),
    );
  });

  test('the first administrator is made with the admin token, and signs in', async () => {
    const page = await freshPage();
    const said = complaints(page);

    await page.goto('/');
    await page.getByRole('link', { name: /first administrator/ }).click();
    await page.getByLabel('Admin token').fill(api.token);
    await page.getByLabel('Username').fill('ada');
    await page.getByLabel(/Password/).fill(PASSWORD);
    await page.getByRole('button').click();
    await fillIn(page, 'ada', PASSWORD);

    await page.waitForURL(/operator/);
    expect(said).toEqual([]);
  });

  test.each([
    ['with script', true],
    ['without script', false],
  ])('the first password is chosen by the link of a mail, %s', async (how, script) => {
    const { identity } = api.context;
    const username = how.replace(' ', '-');
    await api.call('post', '/v1/auth/clients/create').send({ username, password: 'not known to them' }).expect(201);
    const link = await passwordLink(identity, username, 'invitation');
    const page = await freshPage(script);

    await page.goto(`/password#token=${link?.token}`);
    if (!script) await page.getByLabel('Code of your link').fill(page.url());
    await page.getByLabel('Password', { exact: true }).fill('short');
    await page.getByRole('button').click();
    await page.getByText('must have at least 8 characters').waitFor();
    expect(await page.getByLabel('Code of your link').isVisible()).toBe(!script);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button').click();
    await page.getByText('The password is set.').waitFor();
    await fillIn(page, username, PASSWORD);

    await page.waitForURL(/my\/sign-in/);
    expect(await page.locator('.who').innerText()).toContain(username);
  });

  test('a form that htmx sends is shown again in the same way, and can be sent again', async () => {
    const page = await freshPage();
    const said = complaints(page);
    await page.goto('/password?x=1');
    await page.evaluate(`
      const form = document.querySelector('main form');
      form.setAttribute('hx-post', form.getAttribute('action'));
      form.setAttribute('hx-target', 'h1');
      htmx.process(form);`);
    for (const token of ['old', 'older']) {
      await page.getByLabel('Code of your link').fill(token);
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await page.getByRole('button').click();
      await page.getByRole('alert').waitFor();
    }

    expect(await page.locator('main').count()).toBe(1);
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Choose a password');
    expect(new URL(page.url()).search).toBe('?x=1');
    expect(said).toEqual([]);
  });

  test('a form that was refused has the address of its page again, so that it can be loaded anew', async () => {
    const page = await freshPage();
    await page.goto('/password');
    await page.getByLabel('Code of your link').fill('old');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button').click();
    await page.getByRole('alert').waitFor();
    const focused = page.locator('[role=alert]:focus');
    await focused.waitFor();

    await page.reload();

    expect(await page.getByRole('alert').count()).toBe(0);
  });
});

describeWith([CHROMIUM, 'slapd', 'ldapmodify'], 'people of a directory', () => {
  let slapd: Slapd;
  beforeAll(async () => {
    slapd = await startSlapd();
    const { url, bindDn, bindPassword, userBase: base } = slapd.config;
    await slapd.apply(
      `dn: uid=lea,${String(base)}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: lea\ncn: Lea\nsn: Lea\nuserPassword: ${PASSWORD}\n`,
    );
    const config = { url, plaintext: true, bindDn, bindPassword, base };
    api = await createTestApi({ auth: { order: ['staff', 'local'], providers: { staff: { kind: 'ldap', config } } } });
    browser = await startBrowser(await api.listen());
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await api?.close();
    await slapd?.stop();
  });

  test.each([true, false])(
    'sign in with their password of the directory, and with no other (script: %s)',
    async (script) => {
      const page = await freshPage(script);
      await page.goto('/sign-in');

      await fillIn(page, 'lea', 'not that one');
      await page.getByText('Username or password is not right.').waitFor();
      expect(await page.getByLabel('Username').inputValue()).toBe('lea');
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Sign in' }).click();

      await page.getByRole('heading', { name: 'My sign-in' }).waitFor();
      expect(await page.locator('dl.facts').innerText()).toContain('staff');
    },
  );
});
