import { insertNotification } from '../../store/notifications';
import { describeWith } from '../connectors/programs';
import { eventually } from '../engine/organisation';
import { CHROMIUM, complaints, pageFaults } from '../environment/browser';
import { shows, signIn, startConsole } from './scene';
import { PERSON, walk } from './walk';
import type { Page } from 'playwright-core';
import type { ConsoleScene } from './scene';

let scene: ConsoleScene;

async function freshPage(script = true): Promise<Page> {
  return (await scene.browser.context({ script })).newPage();
}

/** As the far side itself says. */
async function hasRole(username: string): Promise<boolean> {
  const { rowCount } = await scene.target.admin.query('select from pg_roles where rolname = $1 and rolcanlogin', [
    `${scene.target.tag}_${username}`,
  ]);
  return rowCount === 1;
}

/** What the button has put where it can be pasted from. */
async function copied(page: Page): Promise<string> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  return page.evaluate<string>('navigator.clipboard.readText()');
}

async function opens(username: string, password: string): Promise<boolean> {
  return logsIn(username, password).then(
    () => true,
    () => false,
  );
}

async function logsIn(username: string, password: string): Promise<void> {
  const client = await scene.target.login(`${scene.target.tag}_${username}`, password);
  await client.end();
}

describeWith([CHROMIUM], 'a person in a browser', () => {
  beforeAll(async () => {
    scene = await startConsole();
  }, 60_000);
  afterAll(() => scene.close());

  describe.each([
    ['with script', true, 'ada'],
    ['without script', false, 'bob'],
  ])('a person %s', (_how, script, username) => {
    test('activates an account, gets a password that opens it, and gives it up', async () => {
      await scene.person(username);
      const page = await freshPage(script);
      const said = complaints(page);
      await signIn(page, username);

      await page.locator('tr', { hasText: 'postgres' }).getByRole('button', { name: 'Activate' }).click();
      await shows(page, 'Active', script);
      expect(await hasRole(username)).toBe(true);

      await page.locator('summary', { hasText: 'Reset password' }).click();
      await page.locator('details[open]').getByRole('button', { name: 'Reset password' }).click();
      await shows(page, 'Show the password', script);
      await page.getByRole('button', { name: 'Show the password' }).click();
      const shown = await page.locator('#secret').innerText();
      await logsIn(username, shown);
      expect(await page.getByRole('button', { name: 'Copy' }).isVisible()).toBe(script);
      if (script) expect(await copied(page)).toBe(shown);

      await page.getByRole('link', { name: /Back to/ }).click();
      await page.getByRole('button', { name: 'Set password' }).click();
      await page.getByLabel('New password').fill('a password of my own');
      await page.getByRole('button', { name: 'Set password' }).click();
      await eventually('the password opens the account', () => opens(username, 'a password of my own'));

      await page.locator('summary', { hasText: 'Deactivate' }).click();
      await page.locator('details[open]').getByRole('button', { name: 'Deactivate' }).click();
      await shows(page, 'Removed', script);
      expect(await hasRole(username)).toBe(false);
      expect(said).toEqual([]);
    });

    test('is told of a second step that a service wants, and goes on when it is done', async () => {
      const id = await scene.person(`cleo-${username}`);
      let isDone = false;
      scene.club.script = ({ method, userId }) => {
        if (method !== 'createAccount' || userId !== id || isDone) return undefined;
        return Promise.resolve({
          outcome: 'action required',
          instruction: 'Take your key at https://club.test/key first.',
        });
      };
      const page = await freshPage(script);
      await signIn(page, `cleo-${username}`);

      await page.locator('tr', { hasText: 'club' }).getByRole('button', { name: 'Activate' }).click();
      await shows(page, 'https://club.test/key', script);
      // Nothing is there yet that could have a password.
      expect(await page.getByRole('button', { name: /password/ }).count()).toBe(0);
      if (script) expect(await pageFaults(page)).toEqual([]);
      isDone = true;
      await page.getByRole('button', { name: 'I have done that' }).click();

      await shows(page, /^Active$/, script);
      expect(scene.club.accounts.has(id)).toBe(true);
    });

    test("finds a module's row, button and pages in the console", async () => {
      await scene.person(`dina-${username}`);
      const page = await freshPage(script);
      await signIn(page, `dina-${username}`);

      await page.locator('tr', { hasText: 'club' }).getByRole('button', { name: 'House rules' }).click();
      await page.getByRole('heading', { name: 'House rules' }).waitFor();
      expect(
        await page.getByRole('navigation', { name: 'Main menu' }).getByRole('link', { name: 'House rules' }).count(),
      ).toBe(1);
      await page.getByRole('button', { name: 'Knock' }).click();

      await page.getByText(`Who is there? dina-${username}`).waitFor();
    });

    test('signs in at another server as the same person, and out again', async () => {
      await scene.person(`elif-${username}`);
      const page = await freshPage(script);
      await page.goto('/services');

      await page.getByRole('link', { name: /campus/ }).click();
      await page.locator('input[name=login]').fill(`elif-${username}`);
      await page.locator('input[name=password]').fill('any');
      await page.locator('[type=submit]').click();
      await page.locator('[type=submit]').click();
      await page.waitForURL(/\/services$/);
      expect(await page.locator('.who').innerText()).toContain(`elif-${username}`);
      await page.getByRole('button', { name: 'Sign out' }).click();

      await page.getByText('You are signed out.').waitFor();
      await page.getByRole('link', { name: 'Sign out at campus as well' }).click();
      await page.waitForURL(/\/session\/end/);
      // The other server keeps its own on this host.
      const ours = (await page.context().cookies(scene.url)).filter(({ name }) => name === 'muster');
      expect(ours).toMatchObject([{ httpOnly: true, sameSite: 'Lax' }]);
    });

    test('links an account elsewhere, sees it, and unlinks it', async () => {
      await scene.person(`finn-${username}`);
      const page = await freshPage(script);
      await signIn(page, `finn-${username}`);
      await page.getByRole('link', { name: 'Linked accounts' }).click();

      await page.getByRole('button', { name: 'Link Campus' }).click();
      await page.getByRole('link', { name: 'Go on to Campus' }).click();
      await page.locator('input[name=login]').fill(`finn-${username}-there`);
      await page.locator('input[name=password]').fill('any');
      await page.locator('[type=submit]').click();
      await page.locator('[type=submit]').click();
      await page.getByText('The account is linked.').waitFor();
      await page.locator('summary', { hasText: 'Unlink' }).click();
      await page.locator('details[open]').getByRole('button', { name: 'Unlink Campus' }).click();

      await page.locator('tr', { hasText: 'Campus' }).getByText('not linked', { exact: true }).waitFor();
      const { body } = await scene.api.call('get', `/v1/users/username:finn-${username}/external`).expect(200);
      expect(body.items).toContainEqual(expect.objectContaining({ type: 'campus', linked: false }));
    });
  });

  const HOSTILE = `<script>document.title='taken'</script>مدير "'><b>${'x'.repeat(150)}`;

  test('every page of a person is free of faults for readers of the screen, in light and dark, on a telephone', async () => {
    const id = await scene.person('gil', HOSTILE);
    const { db } = scene.engine;
    await insertNotification(db, { userId: id, level: 'warning', title: HOSTILE, text: HOSTILE });
    await scene.api.call('post', '/v1/groups').send({ name: HOSTILE }).expect(202);
    await scene.api.call('put', `/v1/groups/name:${encodeURIComponent(HOSTILE)}/members/${id}`).expect(202);
    for (const service of ['postgres', 'club'])
      await scene.api.call('put', `/v1/services/${service}/accounts/${id}`).set('Prefer', 'wait=20').expect(200);
    const page = await freshPage();
    const said = complaints(page);
    await signIn(page, 'gil');

    expect(await walk(page, PERSON)).toEqual([]);
    expect(said).toEqual([]);
  }, 120_000);

  test('keys are enough, and times are those of the reader', async () => {
    const id = await scene.person('ivo');
    const { db } = scene.engine;
    await scene.api.call('put', `/v1/services/club/accounts/${id}`).set('Prefer', 'wait=20').expect(200);
    await insertNotification(db, { userId: id, level: 'info', title: 'Hello', text: 'Hello' });
    await db.query(`update notifications set created_at = '2026-07-01T22:30:00Z' where user_id = $1`, [id]);
    const page = await freshPage();
    await signIn(page, 'ivo');

    await page.goto('/my/notifications');
    // In Berlin it is the next day.
    expect(await page.locator('li time').innerText()).toBe('2 Jul 2026, 00:30');
    await page.keyboard.press('Tab');
    await page.getByRole('link', { name: 'Skip to the content' }).and(page.locator(':focus-visible')).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('main:focus').waitFor();

    await page.goto('/services/club');
    await page.locator('summary', { hasText: 'Deactivate' }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.locator('details[open] button:focus-visible', { hasText: 'Deactivate' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('details:not([open]) > summary:focus', { hasText: 'Deactivate' }).waitFor();
    expect(await page.locator('details[open]').count()).toBe(0);
  });

  test('signing out everywhere ends this browser and every other, and an open page says that it stands still', async () => {
    const id = await scene.person('hana');
    const [here, there] = [await freshPage(), await freshPage()];
    await signIn(here, 'hana');
    await signIn(there, 'hana');
    await there.goto('/services');
    await there.locator('[data-live][data-followed]').waitFor();

    await here.goto('/my/sign-in');
    await here.locator('summary', { hasText: 'Sign out everywhere' }).click();
    await here.locator('details[open]').getByRole('button', { name: 'Sign out everywhere' }).click();
    await here.getByText('You are signed out everywhere.').waitFor();
    await scene.api.call('put', `/v1/services/club/accounts/${id}`).set('Prefer', 'wait=20').expect(200);
    await there.getByRole('status').getByText('This page does not renew itself any more.').waitFor();
    expect(await there.locator('[data-live]').innerText()).not.toContain('Active');
    await there.goto('/services');

    expect(new URL(there.url()).pathname).toBe('/sign-in');
  });
});
