import { chromium } from 'playwright-core';
import { AxeBuilder } from '@axe-core/playwright';
import { beginSession } from '../../console/session';
import { findProgram } from '../connectors/programs';
import { testToken } from './identity';
import type { ApiContext } from '../../api/context';
import type { TestClient } from './identity';
import type { Browser, BrowserContext, Page } from 'playwright-core';

/** The program that tests with a browser need, for `describeWith`. */
export const CHROMIUM = 'chromium';

/** Chromium for one test file. Pages of one person share a context; a test that needs nobody's makes a new one. */
export interface TestBrowser {
  /** A browser that knows nobody; `script: false` turns script off. */
  context(options?: { readonly script?: boolean; readonly dark?: boolean }): Promise<BrowserContext>;
  close(): Promise<void>;
}

/** Starts it: a second or two, so once in a file. */
export async function startBrowser(url: string): Promise<TestBrowser> {
  const browser: Browser = await chromium.launch({
    executablePath: findProgram(CHROMIUM) ?? CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    context: async ({ script = true, dark = false } = {}) => {
      const context = await browser.newContext({
        baseURL: url,
        javaScriptEnabled: script,
        colorScheme: dark ? 'dark' : 'light',
        timezoneId: 'Europe/Berlin',
        locale: 'en-GB',
      });
      context.setDefaultTimeout(30_000);
      return context;
    },
    close: () => browser.close(),
  };
}

/** What axe finds wrong on a page, in a line each; empty is right. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  return linesOf(await new AxeBuilder({ page }).analyze());
}

/** A narrow telephone. */
const NARROW = { width: 360, height: 740 } as const;

/** What axe finds wrong on a page of a telephone in light and in dark colours, and whether it must be pushed from side to side. */
export async function pageFaults(page: Page): Promise<readonly string[]> {
  const before = page.viewportSize();
  await page.setViewportSize(NARROW);
  await page.emulateMedia({ colorScheme: 'light' });
  // Without frames in it a page needs no second one for the result.
  const found = [...linesOf(await new AxeBuilder({ page }).setLegacyMode().analyze())];
  const tooWide = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  );
  if (tooWide > 0) found.push(`it is ${tooWide} pixels wider than the window`);
  await page.emulateMedia({ colorScheme: 'dark' });
  // It is on the page already; only colours can differ now.
  const dark = await page.evaluate<Found>("axe.run({ runOnly: { type: 'rule', values: ['color-contrast'] } })");
  if (before !== null) await page.setViewportSize(before);
  return [...found, ...linesOf(dark).map((fault) => `dark: ${fault}`)];
}

type Found = Pick<Awaited<ReturnType<AxeBuilder['analyze']>>, 'violations'>;

function linesOf({ violations }: Found): readonly string[] {
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.html.slice(0, 160)}`),
  );
}

/** What the browser itself complains of: errors of scripts, and what the content policy has refused. */
export function complaints(page: Page): readonly string[] {
  const said: string[] = [];
  page.on('pageerror', (error) => said.push(error.message));
  page.on('console', (message) => {
    // A refusal that a page shows is no complaint.
    if (message.text().startsWith('Failed to load resource')) return;
    if (message.type() === 'error' || message.text().includes('Content Security Policy')) said.push(message.text());
  });
  return said;
}

/** Signs somebody in without the form: a client as `testToken` makes it, and a session of this browser. */
export async function signInAs(
  api: { readonly context: Pick<ApiContext, 'identity' | 'db'> },
  context: BrowserContext,
  client: TestClient,
): Promise<void> {
  const { tokenId } = await testToken(api.context.identity, client);
  const key = await beginSession(api.context.db, { tokenId, browser: 'test' });
  await context.addCookies([{ name: 'muster', value: key, domain: '127.0.0.1', path: '/' }]);
}
