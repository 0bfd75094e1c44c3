import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConnectors } from './registry';
import type { ConnectorRegistry } from './registry';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-modules-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a module folder; `code` is its index.js. */
function module(name: string, code: string): void {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'index.js'), code);
}

const connector = (kind: string, more = ''): string => `
  const { defineConnector, ServiceHook, registerHook } = require('@muster/sdk');
  const config = { safeParse: (data) => ({ success: true, data }) };
  exports.connector = defineConnector({ kind: '${kind}', title: '${kind}', sdk: 1, config });
  ${more}`;

const load = (): Promise<ConnectorRegistry> => loadConnectors({ folders: [folder] });
const kinds = (registry: ConnectorRegistry): readonly string[] =>
  registry
    .list()
    .map((one) => one.kind)
    .sort();

describe('loading modules', () => {
  test('every folder is a module; what it exports is what it is', async () => {
    module('first', connector('first'));
    module('second', connector('second'));

    const registry = await load();

    expect(kinds(registry)).toEqual(['first', 'second']);
    expect(registry.get('first')).toMatchObject({ kind: 'first', title: 'first' });
    expect(registry.get('third')).toBeUndefined();
    expect(registry.skipped).toEqual([]);
  });

  const broken: readonly (readonly [string, string, string])[] = [
    ['does not parse', 'this is { no code', 'Unexpected'],
    ['throws', "throw new Error('no licence found')", 'no licence found'],
    ['exports nothing', 'exports.x = 1;', 'no connector'],
    ['needs what is not installed', "require('no-such-package')", 'no-such-package'],
    ['was made for another SDK', connector('other').replace('sdk: 1', 'sdk: 99'), 'version 99'],
    ['has a kind that is no name', connector('Not A Kind'), 'is no kind'],
  ];
  test.each(broken)('one that %s is reported and stops nobody else', async (_how, code, reason) => {
    module('broken', code);
    module('sound', connector('sound'));

    const registry = await load();

    expect(kinds(registry)).toEqual(['sound']);
    expect(registry.skipped).toEqual([{ module: 'broken', reason: expect.stringContaining(reason) as string }]);
  });

  test('a kind belongs to the module that came first', async () => {
    module('a', connector('same'));
    module('b', connector('same'));

    const registry = await load();

    expect(kinds(registry)).toEqual(['same']);
    expect(registry.skipped).toMatchObject([{ module: 'b', reason: expect.stringContaining('already') as string }]);
  });

  test('a package that is not installed is reported', async () => {
    const registry = await loadConnectors({ folders: [], packages: ['muster-connector-nowhere'], from: folder });

    expect(registry.skipped).toMatchObject([
      { module: 'muster-connector-nowhere', reason: expect.stringContaining('not installed') as string },
    ]);
  });

  test('a folder that is not there has no modules', async () => {
    expect(kinds(await loadConnectors({ folders: [join(folder, 'nowhere')] }))).toEqual([]);
  });
});

describe('registered hooks', () => {
  test('belong to the connector of their module', async () => {
    module(
      'own',
      connector(
        'own',
        `
      class OwnHook extends ServiceHook { get title() { return 'Own title'; } }
      registerHook('service', (context) => new OwnHook(context));`,
      ),
    );
    module('plain', connector('plain'));

    const registry = await load();

    expect(registry.get('own')?.hook).toBeDefined();
    expect(registry.get('plain')?.hook).toBeUndefined();
  });

  test('alone make a kind of service without a manager', async () => {
    module(
      'listener',
      `
      const { ServiceHook, registerHook } = require('@muster/sdk');
      registerHook('service', (context) => new ServiceHook(context));`,
    );

    const registry = await load();

    expect(registry.get('listener')?.manager).toBeUndefined();
    expect(registry.get('listener')?.hook).toBeDefined();
  });

  test('of a module that fails are not given to the next', async () => {
    module(
      'a-failing',
      `
      const { ServiceHook, registerHook } = require('@muster/sdk');
      registerHook('service', (context) => new ServiceHook(context));
      throw new Error('too late');`,
    );
    module('b-next', connector('next'));

    expect((await load()).get('next')?.hook).toBeUndefined();
  });

  test('menu items come in their order, pages as they are', async () => {
    const item = (label: string, order: string): string => `
      const { registerHook } = require('@muster/sdk');
      registerHook('menuItem', () => ({ label: '${label}', url: '/${label}' ${order} }));
      registerHook('urls', () => [{ path: '/${label}', handler: async () => ({ status: 200 }) }]);`;
    module('a', item('late', ''));
    module('b', item('early', ', order: 5'));

    const registry = await load();

    expect(registry.menuItems().map((one) => one.label)).toEqual(['early', 'late']);
    expect(registry.urlHooks().map((one) => one.path)).toEqual(['/late', '/early']);
  });
});
