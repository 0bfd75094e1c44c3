import { createTestApi } from '../environment/api';
import { describeWith } from '../connectors/programs';
import { accessibilityFaults, CHROMIUM, complaints, startBrowser } from '../environment/browser';
import type { TestApi } from '../environment/api';
import type { TestBrowser } from '../environment/browser';

let api: TestApi;
let browser: TestBrowser;

describeWith([CHROMIUM], 'the way in', () => {
  beforeAll(async () => {
    api = await createTestApi();
    browser = await startBrowser(await api.listen());
  });
  afterAll(async () => {
    await browser.close();
    await api.close();
  });

  test('the first administrator is made with the admin token, and signs in', async () => {
    const page = await (await browser.context()).newPage();
    const said = complaints(page);

    await page.goto('/');
    await page.getByRole('link', { name: /first administrator/ }).click();
    const faults = [...(await accessibilityFaults(page))];
    await page.getByLabel('Admin token').fill(api.token);
    await page.getByLabel('Username').fill('ada');
    await page.getByLabel(/Password/).fill('correct horse battery');
    await page.getByRole('button').click();
    faults.push(...(await accessibilityFaults(page)));
    await page.getByLabel('Username').fill('ada');
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    faults.push(...(await accessibilityFaults(page)));
    await page.getByLabel('Password').fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();

    await page.waitForURL(/operator/);
    expect(faults).toEqual([]);
    expect(said).toEqual([]);
  });
});
