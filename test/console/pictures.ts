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
  /** `{ada}` is her id; `{sync}` and `{plan}` are those of a sync and of a plan. */
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
  { name: 'accounts', path: '/operator/services/postgres/accounts' },
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

const PLAN: Picture = { name: 'plan', path: '/operator/services/postgres/syncs/{plan}/plan' };
const SYNC: Picture = { name: 'sync', path: '/operator/services/postgres/syncs/{sync}' };

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

interface Shown {
  readonly finishedAt: string | null;
  readonly progress: { readonly done: number; readonly endsAt: string | null };
}

/** A sync that has come so far. */
async function synced(body: Readonly<Record<string, unknown>>, isThere: (sync: Shown) => boolean): Promise<string> {
  const path = '/v1/services/postgres/syncs';
  const { sync } = (await api.call('post', path).send(body).expect(202)).body as { sync: { id: string } };
  await eventually('the sync is there', async () =>
    isThere((await api.call('get', `${path}/${sync.id}`)).body as Shown),
  );
  return sync.id;
}

/** What would be done, while the service does nothing. */
async function planned(): Promise<string> {
  await api.call('post', '/v1/services/postgres/pause').send({ reason: 'to look at it first' });
  const member = (group: string, user: string): string => `/v1/groups/name:${group}/members/username:${user}`;
  await api.call('delete', member('Engine%20Room', 'ada')).expect(202);
  await api.call('put', member('Navigation', 'ada')).expect(202);
  await api.call('put', member('Kitchen', 'wei.zhang')).expect(202);
  await api.call('patch', '/v1/users/username:sirin.qureshi').send({ displayName: 'Sirin Qureshi-Berg' }).expect(202);
  await api.call('patch', '/v1/users/username:omer.zhang').send({ active: false }).expect(202);
  return synced({ kind: 'due', dryRun: true, reason: 'before the move' }, ({ finishedAt }) => finishedAt !== null);
}

/** Everybody has another display name; the service lets them come in slowly. */
async function halfway(): Promise<string> {
  const path = '/v1/services/postgres';
  const limits = [{ kind: 'window', limit: 10, windowMs: 1_000 }];
  await api.call('patch', path).send({ nicknameFormat: '{displayName} ({username})', budget: { limits } });
  const reason = 'display names with usernames';
  const sync = synced({ kind: 'due', reason }, ({ progress }) => progress.done > 60 && progress.endsAt !== null);
  await api.call('post', `${path}/resume`).expect(200);
  return sync;
}

test('pictures are taken', async () => {
  const ada = await resolveUser(engine.db, 'username:ada');
  const ids = new Map([['ada', ada]]);
  const browser = await startBrowser(url);
  const take = async ({ name, path, dark = false }: Picture): Promise<void> => {
    const context = await browser.context({ dark });
    await signInAs(api, context, { roles: ['operator'], userId: ada, lifeS: 600 });
    const page = await context.newPage();
    await page.setViewportSize(SIZE);
    await page.goto(path.replace(/\{(\w+)\}/, (_all, key: string) => ids.get(key) ?? ''));
    await page.locator('h1').waitFor();
    await page.screenshot({ path: join(PICTURES, `${name}.png`) });
    await context.close();
  };
  mkdirSync(PICTURES, { recursive: true });
  for (const picture of SHOWN) await take(picture);
  ids.set('plan', await planned());
  await take(PLAN);
  ids.set('sync', await halfway());
  await take(SYNC);
  const door = await (await browser.context()).newPage();
  await door.setViewportSize({ width: 720, height: 480 });
  await door.goto('/sign-in');
  await door.screenshot({ path: join(PICTURES, 'sign-in.png') });
  await browser.close();
}, 120_000);
