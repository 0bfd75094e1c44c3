import { Rejected } from '../../sdk/index';
import { eventually } from '../engine/organisation';
import { complaints } from '../environment/browser';
import { confirm, operatorPage, roles } from './operator-stories';
import { PASSWORD, shows, signIn } from './scene';
import type { Page } from 'playwright-core';
import type { Stories } from './operator-stories';
import type { ConsoleScene } from './scene';

const CREW = ['amy', 'bea', 'cid', 'dan', 'eli'] as const;

interface Crew {
  /** The service whose accounts they have; its far side is `scene.club`. */
  readonly service: string;
  readonly nameOf: (member: string) => string;
}

/** What an operator does to work that goes on, and to who may do what: the same with script and without. */
export function tellSteering({ script, name, sceneOf }: Stories): void {
  const crew: Crew = { service: `team-${name}`, nameOf: (member) => `${member}-${name}` };

  test('uploads a roster, and the far side has the accounts that follow from it', async () => {
    const scene = sceneOf();
    const { engine, api, club } = scene;
    await engine.addService({ name: crew.service, connector: 'club', config: {} });
    await api.call('post', '/v1/groups').send({ name: crew.service }).expect(202);
    await api
      .call('post', '/v1/grants')
      .send({ service: crew.service, group: `name:${crew.service}` })
      .expect(202);
    const users = CREW.map((member) => ({ username: crew.nameOf(member), state: 'Member', groups: [crew.service] }));
    const page = await operatorPage(scene, script);

    await page.goto('/operator/imports');
    const buffer = Buffer.from(JSON.stringify({ groups: [{ name: crew.service }], users }));
    await page.getByLabel('Roster').setInputFiles({ name: 'crew.json', mimeType: 'application/json', buffer });
    await page.getByLabel('What it says').selectOption('merge');
    await page.getByRole('button', { name: 'Show the difference' }).click();
    await page.getByRole('row', { name: new RegExp(`new people.*${crew.nameOf('amy')}`) }).waitFor();
    expect(club.byName(crew.nameOf('amy'))).toBeUndefined();
    await confirm(page, 'Apply it');

    await shows(page, 'succeeded', script);
    await eventually('all of them are at the far side', async () =>
      CREW.every((member) => club.byName(crew.nameOf(member)) !== undefined),
    );
  });

  test('cancels a sync, pauses one and lets it go on, and tries again what failed', async () => {
    const scene = sceneOf();
    const page = await operatorPage(scene, script);
    const said = complaints(page);

    await renamed(scene, crew, 'First');
    const first = held(scene);
    await startSync(page, crew);
    await first.reached;
    await shows(page, 'Cancel', script);
    await confirm(page, 'Cancel');
    first.open();
    await shows(page, 'cancelled', script);

    await renamed(scene, crew, 'Second');
    const second = held(scene);
    await startSync(page, crew);
    await second.reached;
    await shows(page, 'Pause', script);
    await page.getByRole('button', { name: 'Pause' }).click();
    await shows(page, 'paused', script);
    second.open();
    await page.getByRole('button', { name: 'Resume' }).click();
    await shows(page, 'succeeded', script);
    expect(CREW.map((member) => shownName(scene, crew, member))).toEqual(CREW.map(() => 'Second'));

    await renamed(scene, crew, 'Third');
    const amy = scene.club.byName(crew.nameOf('amy'))?.key.userId;
    scene.club.script = ({ method, userId }) => {
      if (method === 'updateAccount' && userId === amy) throw new Rejected('The club does not like this name.');
      return undefined;
    };
    await startSync(page, crew);
    await shows(page, 'Show what failed', script);
    await page.getByRole('link', { name: 'Show what failed' }).click();
    await page.getByText('The club does not like this name.').waitFor();
    scene.club.script = () => undefined;
    await shows(page, 'Try the failed ones again', script);
    await page.getByRole('button', { name: 'Try the failed ones again' }).click();
    await shows(page, 'Tries again', script);
    await shows(page, '1 changed', script);

    expect(shownName(scene, crew, 'amy')).toBe('Third');
    expect(said).toEqual([]);
  });

  test("edits a person's profile, and the far side follows", async () => {
    const scene = sceneOf();
    const page = await operatorPage(scene, script);
    await page.goto(`/operator/people?q=${crew.nameOf('bea')}`);
    await page
      .getByRole('link', { name: crew.nameOf('bea') })
      .first()
      .click();

    await page.getByRole('link', { name: 'Edit' }).click();
    await page.getByLabel('Display name').fill('Beatrix');
    await page.getByLabel('Attributes').fill('{ team: none }');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('This is not JSON.').waitFor();
    expect(await page.getByLabel('Display name').inputValue()).toBe('Beatrix');
    await page.getByLabel('Attributes').fill('{ "team": "deck" }');
    await page.getByRole('button', { name: 'Save' }).click();

    await page.getByText('team: deck').waitFor();
    await eventually('the far side has the new name', async () => shownName(scene, crew, 'bea') === 'Beatrix');
  });

  test('gives somebody one service to run, ends their tokens, and takes it away again', async () => {
    const scene = sceneOf();
    const page = await operatorPage(scene, script);
    const keeper = `keeper-${name}`;
    await page.goto('/operator/roles');
    await page.getByLabel('Name', { exact: true }).fill(keeper);
    await page.getByLabel('Access list').fill('provisioning.services.club.#');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('rowheader', { name: keeper, exact: true }).waitFor();
    await page.goto('/operator/clients');
    await page.getByLabel('Username').fill(keeper);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByLabel('Roles', { exact: true }).fill(keeper);
    await page.getByRole('button', { name: 'Add a client' }).click();
    await page.getByRole('heading', { name: keeper, level: 1 }).waitFor();

    const theirs = await (await scene.browser.context({ script })).newPage();
    await signIn(theirs, keeper);
    await theirs.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    expect(await theirs.locator('main table tbody tr').count()).toBe(1);
    await theirs.getByRole('navigation', { name: 'Main menu' }).getByRole('link', { name: 'Overview' }).waitFor();
    await theirs.getByRole('link', { name: 'club' }).first().click();
    await theirs.getByRole('heading', { name: 'club', level: 1 }).waitFor();

    await page.reload();
    await confirm(page, 'End all tokens of this client');
    await page.getByText('It was ended.').waitFor();
    await theirs.goto('/operator');
    await theirs.getByRole('button', { name: 'Sign in', exact: true }).waitFor();
    await page.getByRole('button', { name: `Take away ${keeper}` }).click();
    await page.getByText('Saved.').waitFor();
    await signIn(theirs, keeper);
    expect(new URL(theirs.url()).pathname).toBe('/my/sign-in');
    expect((await theirs.goto('/operator'))?.status()).toBe(403);
    await page.goto('/operator/roles');
    await page.getByRole('row', { name: keeper }).locator('summary').click();
    await page.locator('details[open]').getByRole('button').click();
    await page.getByText('It was deleted.').waitFor();
    expect(await page.getByRole('rowheader', { name: keeper, exact: true }).count()).toBe(0);
  });
}

/** Comparisons, and an act on several accounts, from the button to the far side's own answer. */
export function tellMoreWork({ script, name, sceneOf }: Stories): void {
  test('compares a service with what is there, and puts right what somebody took away', async () => {
    const scene = sceneOf();
    const { api, target } = scene;
    const who = `cora-${name}`;
    const id = await scene.person(who);
    await api.call('put', `/v1/services/postgres/accounts/${id}`).set('Prefer', 'wait=20').expect(200);
    await target.admin.query(`drop role "${target.tag}_${who}"`);
    const page = await operatorPage(scene, script);

    await page.goto('/operator/services/postgres/comparisons');
    await page.getByRole('button', { name: 'Compare now' }).click();
    await shows(page, 'succeeded', script);
    await page.getByRole('link', { name: who }).waitFor();
    expect((await roles(scene)).some((role) => role.endsWith(who))).toBe(false);
    await page.goto('/operator/services/postgres/comparisons');
    await confirm(page, 'Compare and put right');
    await shows(page, 'succeeded', script);

    await eventually('the role is back', async () => (await roles(scene)).some((role) => role.endsWith(who)));
  });

  test('does something with those who are selected, and with nobody else', async () => {
    const scene = sceneOf();
    const names = ['sel-a', 'sel-b', 'sel-c'].map((one) => `${one}-${name}`);
    for (const one of names) {
      const id = await scene.person(one);
      await scene.api.call('put', `/v1/services/postgres/accounts/${id}`).set('Prefer', 'wait=20').expect(200);
    }
    const page = await operatorPage(scene, script);
    await page.goto('/operator/services/postgres/accounts?q=sel-');
    const offered = await page.getByLabel('Action', { exact: true }).locator('option').allInnerTexts();
    const { body } = await scene.api.call('get', '/v1/services/postgres').expect(200);
    expect(offered).toHaveLength(body.actions.filter((action: string) => action !== 'setPassword').length);

    expect(await page.getByLabel('Select all on this page').isVisible()).toBe(script);
    for (const one of names.slice(0, 2)) await page.getByLabel(`Select ${one}`).check();
    await page.getByLabel('Action', { exact: true }).selectOption('deleteAccount');
    await page.getByLabel('Reason').fill('no longer needed');
    await page.getByRole('button', { name: 'Do it' }).click();
    await page.waitForURL((url) => !url.search.includes('q=sel-'));

    const left = async (): Promise<readonly string[]> =>
      (await roles(scene)).filter((role) => names.some((one) => role.endsWith(one)));
    await eventually('only the third is left', async () => (await left()).length === 1);
    expect((await left())[0]).toContain('sel-c');
    await page.goto(`/operator/services/postgres/accounts?q=sel-c-${name}`);
    await page.getByRole('link', { name: 'A sync of all that are like this' }).click();
    await page.getByText(`Only accounts like this: q: sel-c-${name}`).waitFor();
    await page.getByLabel('Kind').selectOption('groups');
    await page.getByRole('button', { name: 'Start' }).click();
    await shows(page, '1 / 1', script);
  });
}

async function startSync(page: Page, { service }: Crew): Promise<void> {
  await page.goto(`/operator/services/${service}/syncs`);
  await page.getByLabel('Kind').selectOption('groups');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByRole('heading', { name: 'Sync: groups', level: 1 }).waitFor();
}

/** Gives all of the crew another display name, of which nobody is told: something to do for each of them. */
async function renamed({ engine }: ConsoleScene, { nameOf }: Crew, displayName: string): Promise<void> {
  await engine.db.query(`update users set display_name = $1 where username = any($2)`, [
    displayName,
    CREW.map((member) => nameOf(member)),
  ]);
}

function shownName({ club }: ConsoleScene, { nameOf }: Crew, member: string): string | undefined {
  return club.byName(nameOf(member))?.profile.displayName;
}

/** Lets calls wait until `open`; `reached` resolves with the first of them. */
function held({ club }: ConsoleScene): { readonly reached: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  let arrive: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (arrive = resolve));
  club.script = ({ method }) => {
    if (method !== 'updateAccount') return undefined;
    arrive();
    return opened;
  };
  return {
    reached,
    open: () => {
      club.script = () => undefined;
      open();
    },
  };
}
