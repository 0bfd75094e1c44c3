import { pageFaults } from '../environment/browser';
import type { Page } from 'playwright-core';

/** A page as people come to it. */
export interface Stop {
  /** As in the table of pages: `GET /services/{name}`; undefined: it is in no table. */
  readonly page?: string;
  readonly what: string;
  readonly go: (page: Page) => Promise<unknown>;
}

/** Pages that show nothing of their own: they lead on, or fill a part of another. */
export const LEAD_ON: readonly string[] = [
  'GET /',
  'GET /my/live/services',
  'GET /my/live/services/{name}',
  'GET /sign-in/with/{provider}',
  'POST /my/linked/{type}/unlink',
  'POST /my/notifications/mails',
  'POST /my/notifications/read',
  'POST /my/notifications/{id}/read',
  'POST /my/services/{name}/activate',
  'POST /my/services/{name}/deactivate',
  'POST /my/services/{name}/reset-password',
  'POST /my/sign-in/end-all',
  'POST /my/sign-in/tokens/{token}/end',
  'POST /sign-out',
];

/** Goes to an address. */
export function at(path: string): Stop['go'] {
  return (page) => page.goto(path);
}

/** What is wrong with these pages, in a line each: for readers of the screen, in dark colours, on a telephone. */
export async function walk(page: Page, stops: readonly Stop[]): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const { what, go } of stops) {
    await go(page);
    await page.locator('h1').waitFor();
    if ((await page.title()) === 'taken') faults.push(`${what}: a name became a script`);
    faults.push(...(await pageFaults(page)).map((fault) => `${what}: ${fault}`));
  }
  return faults;
}

/** The way in, for somebody who is not signed in, in an installation without administrator. */
export const DOOR: readonly Stop[] = [
  { page: 'GET /sign-in', what: 'sign-in', go: at('/sign-in?failed=declined') },
  {
    page: 'POST /sign-in',
    what: 'a wrong password',
    go: async (page) => {
      await page.getByLabel('Username').fill('nobody');
      await page.getByLabel('Password').fill('wrong');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('Username or password is not right.').waitFor();
    },
  },
  { page: 'GET /sign-in/return/{provider}', what: 'back in vain', go: at('/sign-in/return/campus?loginError=failed') },
  { page: 'GET /start', what: 'the first administrator', go: at('/start') },
  {
    page: 'POST /start',
    what: 'the first administrator, refused',
    go: async (page) => {
      await page.getByLabel('Admin token').fill('not that');
      await page.getByLabel('Username').fill('ada');
      await page.getByLabel(/Password/).fill('long enough');
      await page.getByRole('button').click();
      await page.getByRole('alert').waitFor();
    },
  },
  { page: 'GET /sign-in/forgotten', what: 'forgotten', go: at('/sign-in/forgotten') },
  {
    page: 'POST /sign-in/forgotten',
    what: 'forgotten, heard',
    go: async (page) => {
      await page.getByRole('textbox').fill('nobody');
      await page.getByRole('button').click();
      await page.getByText('a mail with a link is on its way').waitFor();
    },
  },
  { page: 'GET /password', what: 'a link of a mail, not whole', go: at('/password') },
  {
    page: 'POST /password',
    what: 'an old link',
    go: async (page) => {
      await page.getByLabel('Code of your link').fill('muster_none');
      await page.getByLabel('Password', { exact: true }).fill('long enough');
      await page.getByRole('button').click();
      await page.getByText('not valid any more').waitFor();
    },
  },
  { what: 'no such page', go: at('/nowhere') },
  { what: 'an old answer of another side', go: at('/v1/external/campus/callback?state=old') },
];

/** What somebody sees who has nothing yet. */
export const NOTHING_YET: readonly Stop[] = [
  '/services',
  '/my/groups',
  '/my/linked',
  '/my/notifications',
  '/operator',
].map((path) => ({ what: `${path} of somebody who has nothing`, go: at(path) }));

/** All that a person sees of services and accounts. They have an account at postgres, and one at club. */
export const PERSON: readonly Stop[] = [
  { page: 'GET /services', what: 'services', go: at('/services') },
  { what: 'a page of a module', go: at('/services/club/rules') },
  { what: 'what a module does not take', go: at('/services/club/knock') },
  { page: 'GET /services/{name}', what: 'an account', go: at('/services/club') },
  {
    page: 'GET /my/services/{name}/set-password',
    what: 'set password',
    go: async (page) => {
      await page.goto('/services');
      await page.getByRole('button', { name: 'Set password', exact: true }).first().click();
      await page.waitForURL(/set-password$/);
    },
  },
  {
    page: 'POST /my/services/{name}/set-password',
    what: 'set password, refused',
    go: async (page) => {
      await page.getByLabel('New password').fill('short');
      await page.getByRole('button', { name: 'Set password' }).click();
      await page.getByText('must have at least 8 characters').waitFor();
    },
  },
  {
    page: 'POST /my/operations/{operation}/secret',
    what: 'a password that is shown once',
    go: async (page) => {
      await page.goto('/services/postgres');
      await page.locator('summary', { hasText: 'Reset password' }).click();
      await page.locator('details[open]').getByRole('button', { name: 'Reset password' }).click();
      await page.getByRole('button', { name: 'Show the password' }).click();
      await page.locator('#secret').waitFor();
    },
  },
  {
    page: 'GET /my/services/{name}/reset-password',
    what: 'whether a new password is meant',
    go: async (page) => {
      await page.goto('/services');
      await page.getByRole('button', { name: 'Reset password' }).first().click();
      await page.getByText('is replaced by a new one').waitFor();
    },
  },
  {
    page: 'GET /my/services/{name}/deactivate',
    what: 'whether to give an account up',
    go: async (page) => {
      await page.goto('/services');
      await page.getByRole('button', { name: 'Deactivate' }).first().click();
      await page.getByText('Your account there is deleted').waitFor();
    },
  },
  { page: 'GET /my/groups', what: 'groups', go: at('/my/groups') },
  { page: 'GET /my/linked', what: 'linked accounts', go: at('/my/linked') },
  {
    page: 'POST /my/linked/{type}',
    what: 'link with a code',
    go: async (page) => {
      await page.getByRole('button', { name: 'Link Shop' }).click();
      await page.getByText('WDJB-MJHT').waitFor();
    },
  },
  { page: 'GET /my/notifications', what: 'notifications', go: at('/my/notifications') },
  { page: 'GET /my/sign-in', what: 'my sign-in', go: at('/my/sign-in') },
  {
    page: 'POST /my/sign-in/password',
    what: 'a wrong present password',
    go: async (page) => {
      await page.getByLabel('Present password').fill('not that one');
      await page.getByLabel(/New password/).fill('long enough');
      await page.getByRole('button', { name: 'Change password' }).click();
      await page.getByRole('alert').waitFor();
    },
  },
];
