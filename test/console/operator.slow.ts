import { accessibilityFaults, complaints, signInAs } from '../environment/browser';
import { tellMoreWork, tellSteering } from './operator-steering';
import { HOSTILE, startOperating, tellStories } from './operator-stories';
import { operatorAddresses, sidewaysPixels } from './operator-walk';
import type { ConsoleScene } from './scene';

let scene: ConsoleScene;
beforeAll(async () => {
  scene = await startOperating();
  const id = await scene.person('hostile', HOSTILE);
  await scene.api.call('post', '/v1/groups').send({ name: HOSTILE }).expect(202);
  await scene.api.call('put', `/v1/groups/name:${encodeURIComponent(HOSTILE)}/members/${id}`).expect(202);
}, 60_000);
afterAll(() => scene.close());

describe('an operator without script', () => {
  tellStories({ script: false, name: 'wiki', sceneOf: () => scene });
  tellSteering({ script: false, name: 'wiki', sceneOf: () => scene });
  tellMoreWork({ script: false, name: 'plain', sceneOf: () => scene });
});

describe('an operator', () => {
  tellMoreWork({ script: true, name: 'live', sceneOf: () => scene });
});

const LOOKS = [
  { dark: false, width: 1280 },
  { dark: true, width: 1280 },
  { dark: false, width: 360 },
  { dark: true, width: 360 },
] as const;

test.each(LOOKS)(
  'every page is free of accessibility faults: dark $dark, $width pixels wide',
  async ({ dark, width }) => {
    const context = await scene.browser.context({ dark });
    await signInAs(scene.api, context, { roles: ['admin'] });
    const page = await context.newPage();
    await page.setViewportSize({ width, height: 800 });
    const said = complaints(page);
    const addresses = [...(await operatorAddresses(scene)), ...(await moreAddresses())];

    const faults: string[] = [];
    for (const address of addresses) {
      await page.goto(address);
      faults.push(...(await accessibilityFaults(page)).map((fault) => `${address}: ${fault}`));
      if ((await page.title()) === 'taken') faults.push(`${address}: a name became a script`);
      const wide = await sidewaysPixels(page);
      if (wide > 0) faults.push(`${address} is ${wide} pixels too wide`);
    }

    expect(faults).toEqual([]);
    expect(said).toEqual([]);
    await context.close();
  },
);

/** The same pages with hostile names on them, with nothing on them, and such as are not there. */
async function moreAddresses(): Promise<readonly string[]> {
  const { body: people } = await scene.api.call('get', '/v1/users?q=hostile').expect(200);
  const { body: groups } = await scene.api.call('get', `/v1/groups?q=${encodeURIComponent('<script>')}`).expect(200);
  const person = `/operator/people/${people.items[0].id}`;
  return [
    '/operator/people?q=hostile',
    person,
    `${person}/profile`,
    `${person}/accounts/club`,
    `/operator/groups/${groups.items[0].id}`,
    '/operator/services/wiki/accounts?q=nobody-is-called-so',
    '/operator/services/club/guard?show=all',
    '/operator/services/wiki/syncs/0190aaaa-0000-7000-8000-000000000000',
    '/operator/people/0190aaaa-0000-7000-8000-000000000000',
    '/operator/operations?status=failed',
  ];
}
