import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { startFake as startExampleFake } from '../../connectors/example/fake';
import { startTestEngine } from '../engine/engine';
import { addMember } from '../engine/organisation';
import { apiOf } from './engine-api';
import { createPackagesFolder } from './packages-folder';

const ROOT = join(__dirname, '..', '..');
const KIND = 'team-wiki';
const PACKAGE = 'muster-connector-team-wiki';

let copy: string;
beforeAll(() => {
  copy = copyOfCheckout();
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** All of the checkout but what was made in it; the installed packages are linked, the SDK is the copy's own. */
function copyOfCheckout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'muster-checkout-'));
  const left = new Set(['.git', '.muster', 'dist', 'node_modules']);
  cpSync(ROOT, folder, { recursive: true, filter: (file) => !left.has(basename(file)) || file === ROOT });
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@muster'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '@muster') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  symlinkSync(join('..', '..', 'sdk'), join(modules, '@muster', 'sdk'));
  return folder;
}

/** Runs one of the copy's own scripts; throws with all that it said. */
async function run(...args: readonly string[]): Promise<string> {
  try {
    const env = { ...process.env, MUSTER_TEST_LANE: 'ordinary' };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: copy, env });
    return stdout + stderr;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`node ${args.join(' ')}:\n${stdout}${stderr}`, { cause: error });
  }
}

test('a new connector passes every check and the conformance kit as it is', async () => {
  await run('scripts/new-connector.mjs', KIND);

  const files = ['README.md', 'fake.ts', 'index.ts', 'manager.ts', 'schema.ts', `${KIND}.test.ts`];
  expect(files.filter((file) => !existsSync(join(copy, 'connectors', KIND, file)))).toEqual([]);
  // What else is wrong in the checkout is the matter of `npm run check`.
  const checked = await run('scripts/check.mjs').catch(({ message }: Error) => message);
  expect(checked.match(/(format|lint|types|unused|architecture) \(/g)).toHaveLength(5);
  expect(checked).not.toContain(`connectors/${KIND}`);
  expect(await run('node_modules/jest/bin/jest.js', `connectors/${KIND}`)).toMatch(/Tests: +\d+ passed, \d+ total/);
  await expect(run('scripts/new-connector.mjs', KIND)).rejects.toThrow('There is a connector of the kind');
});

test('packed as a package of its own, it is configured and used by a Muster that does not know it', async () => {
  await run('scripts/build.mjs');
  const compiled = join(copy, 'dist', 'connectors', KIND);
  writeFileSync(join(compiled, 'package.json'), JSON.stringify({ name: PACKAGE, version: '1.0.0', main: 'index.js' }));
  const folder = createPackagesFolder();
  await folder.install(compiled);
  const { startFake } = require(join(compiled, 'fake.js')) as { readonly startFake: typeof startExampleFake };
  const fake = await startFake();
  const engine = await startTestEngine({ packages: { packages: [PACKAGE], from: folder.path } });
  try {
    const api = apiOf(engine);
    const config = { url: fake.url, token: fake.token };
    const body = { name: 'wiki', connector: KIND, firstRun: 'write', config };
    await api.call('post', '/v1/services').send(body).expect(202);
    await api.call('post', '/v1/grants').send({ service: 'wiki', state: 'name:Member' }).expect(202);
    const form = await api.call('get', `/v1/connectors/${KIND}`).expect(200);
    expect(JSON.stringify(form.body)).toContain('A token with the rights');
    expect((await api.call('post', '/v1/services/wiki/test').expect(200)).body).toMatchObject({ ok: true });

    await addMember(engine, 'ada');

    expect([...fake.state.users.values()]).toMatchObject([{ name: 'ada', active: true }]);
  } finally {
    await engine.close();
    await fake.stop();
    folder.remove();
  }
});
