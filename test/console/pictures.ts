import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startEmbeddedPostgres } from '../../runtime/embedded-postgres';
import { ensureProvisioner, PROVISIONER } from '../../runtime/provisioner-role';
import { resolveUser } from '../../store/users';
import { apiOf } from '../acceptance/engine-api';
import { startTestEngine } from '../engine/engine';
import { eventually } from '../engine/organisation';
import { signInAs, startBrowser } from '../environment/browser';
import type { AddressInfo } from 'node:net';
import type { RequestListener } from 'node:http';
import type { EmbeddedPostgres } from '../../runtime/embedded-postgres';
import type { EngineApi } from '../acceptance/engine-api';
import type { TestEngine } from '../engine/engine';

/** Takes the pictures of README and docs from the sample organisation: `npm run screenshots`. No test: nothing runs it otherwise. */

const SAMPLE = join(__dirname, '..', '..', 'sample');
const PICTURES = join(__dirname, '..', '..', 'docs', 'pictures');
const SIZE = { width: 1180, height: 720 } as const;

interface Picture {
  readonly name: string;
  /** `{ada}` is her id. */
  readonly path: string;
  readonly dark?: boolean;
}

const SHOWN: readonly Picture[] = [
  { name: 'services', path: '/services' },
  { name: 'account', path: '/services/postgres' },
  { name: 'groups', path: '/my/groups' },
  { name: 'overview', path: '/operator' },
  { name: 'overview-dark', path: '/operator', dark: true },
  { name: 'service', path: '/operator/services/postgres' },
  { name: 'person', path: '/operator/people/{ada}' },
  { name: 'explain', path: '/operator/people/{ada}/accounts/postgres' },
];

const folder = mkdtempSync(join(tmpdir(), 'muster-pictures-'));
let engine: TestEngine;
let target: EmbeddedPostgres;
let api: EngineApi;
let url = '';
let app: RequestListener = (_request, response) => response.end();
const server = createServer((request, response) => app(request, response));

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  target = await startEmbeddedPostgres({ dataDir: join(folder, 'target'), port: 0 });
  engine = await startTestEngine({ publicUrl: url });
  api = apiOf(engine);
  app = api.app;
  await provision();
}, 180_000);
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await engine.close();
  await target.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface SampleService {
  readonly service: Readonly<Record<string, unknown>> & { readonly name: string };
  readonly grants: readonly Readonly<Record<string, string>>[];
}

/** As `npm start` does it the first time. */
async function provision(): Promise<void> {
  const { service, grants } = parse(readFileSync(join(SAMPLE, 'services.yaml'), 'utf8')) as SampleService;
  const roster = readFileSync(join(SAMPLE, 'organisation.yaml'), 'utf8');
  await api.call('post', '/v1/imports').set({ 'Content-Type': 'application/yaml', Prefer: 'wait=20' }).send(roster);
  const password = await ensureProvisioner(target.url, join(folder, 'password'));
  const config = { host: '127.0.0.1', port: target.port, database: 'postgres', user: PROVISIONER, password };
  await api
    .call('post', '/v1/services')
    .send({ ...service, config })
    .expect(202);
  for (const grant of grants) await api.call('post', '/v1/grants').send({ service: service.name, ...grant });
  await eventually('everybody has an account', async () => {
    const { body } = await api.call('get', `/v1/services/${service.name}/status`);
    const { due, running, accounts } = body as { due: number; running: number; accounts: Record<string, number> };
    return (accounts['active'] ?? 0) > 100 && due + running === 0;
  });
}

test('pictures are taken', async () => {
  const ada = await resolveUser(engine.db, 'username:ada');
  const browser = await startBrowser(url);
  mkdirSync(PICTURES, { recursive: true });
  for (const { name, path, dark = false } of SHOWN) {
    const context = await browser.context({ dark });
    await signInAs(api, context, { roles: ['operator'], userId: ada, lifeS: 600 });
    const page = await context.newPage();
    await page.setViewportSize(SIZE);
    await page.goto(path.replace('{ada}', ada));
    await page.locator('h1').waitFor();
    await page.screenshot({ path: join(PICTURES, `${name}.png`) });
    await context.close();
  }
  const door = await (await browser.context()).newPage();
  await door.setViewportSize({ width: 720, height: 480 });
  await door.goto('/sign-in');
  await door.screenshot({ path: join(PICTURES, 'sign-in.png') });
  await browser.close();
}, 120_000);
