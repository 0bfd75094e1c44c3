import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defineConnector, isConnector, isExternalPlugin, SDK_VERSION, takeRegistrations } from '../sdk/index';
import type { Connector, ExternalPlugin, MenuItem, ModuleStorage, Registration, UrlHook } from '../sdk/index';
import { z } from 'zod';
import type { Database } from '../store/database';
import { migrateModule, moduleStorage } from '../store/modules';

/** The loaded connectors and hooks of this process. */
export interface ConnectorRegistry {
  get(kind: string): Connector | undefined;
  list(): readonly Connector[];
  menuItems(): readonly MenuItem[];
  urlHooks(): readonly UrlHook[];
  /** Plug-ins for linked external accounts. */
  externalPlugins?(): readonly ExternalPlugin[];
  /** The module's own tables. */
  storageOf?(kind: string): ModuleStorage;
  /** Modules that did not load, and why, in a sentence. */
  readonly skipped: readonly SkippedModule[];
}

export interface SkippedModule {
  readonly module: string;
  readonly reason: string;
}

export interface LoadOptions {
  /** Folders of which every sub-folder is a module. */
  readonly folders: readonly string[];
  /** npm packages, resolved from `from`. */
  readonly packages?: readonly string[];
  /** Where packages are looked for. Default: the current directory. */
  readonly from?: string;
  /** Where modules keep their own tables; without it their migrations are not run and they have no storage. */
  readonly db?: Database;
}

interface Loaded {
  readonly db: Database | undefined;
  readonly connectors: Map<string, Connector>;
  readonly menuItems: MenuItem[];
  readonly urlHooks: UrlHook[];
  readonly externalPlugins: ExternalPlugin[];
  readonly skipped: SkippedModule[];
}

/** Loads every module. One that does not load is reported in `skipped`, leaves nothing behind, and stops nobody else. */
export async function loadConnectors(options: LoadOptions): Promise<ConnectorRegistry> {
  const { db } = options;
  const loaded: Loaded = { db, connectors: new Map(), menuItems: [], urlHooks: [], externalPlugins: [], skipped: [] };
  for (const folder of options.folders) {
    for (const entry of moduleEntries(folder)) await loadModule(loaded, entry.name, entry.path);
  }
  for (const name of options.packages ?? []) await loadPackage(loaded, name, options.from ?? process.cwd());
  return {
    ...(db === undefined ? {} : { storageOf: (kind: string) => moduleStorage(db, kind) }),
    get: (kind) => loaded.connectors.get(kind),
    list: () => [...loaded.connectors.values()],
    menuItems: () => loaded.menuItems,
    urlHooks: () => loaded.urlHooks,
    externalPlugins: () => loaded.externalPlugins,
    skipped: loaded.skipped,
  };
}

function moduleEntries(folder: string): readonly { readonly name: string; readonly path: string }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => {
      const path = ['index.js', 'index.ts'].map((file) => resolve(folder, entry.name, file)).find(existsSync);
      return path === undefined ? [] : [{ name: entry.name, path }];
    });
}

async function loadPackage(loaded: Loaded, name: string, from: string): Promise<void> {
  try {
    const path = require.resolve(name, { paths: [join(from, 'node_modules'), from] });
    await loadModule(loaded, name, path);
  } catch (error) {
    loaded.skipped.push({ module: name, reason: `it is not installed: ${reasonOf(error)}` });
  }
}

async function loadModule(loaded: Loaded, name: string, path: string): Promise<void> {
  try {
    takeRegistrations();
    const exports = await loadExports(path);
    await addModule(loaded, name, { exports, registrations: takeRegistrations() });
  } catch (error) {
    takeRegistrations();
    loaded.skipped.push({ module: name, reason: reasonOf(error) });
  }
}

/** `require` also takes ES modules since Node 20.19, except those that await at their top level. */
async function loadExports(path: string): Promise<Record<string, unknown>> {
  try {
    return require(path) as Record<string, unknown>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return (await import(path)) as Record<string, unknown>;
  }
}

interface LoadedModule {
  readonly exports: Record<string, unknown>;
  readonly registrations: readonly Registration[];
}

async function addModule(loaded: Loaded, name: string, module: LoadedModule): Promise<void> {
  const declared = declaredConnectors(module.exports);
  const service = module.registrations.find((registration) => registration.kind === 'service');
  const connectors = service === undefined ? declared : withHook(name, declared, service.factory);
  const externalPlugins = exported(module.exports).filter(isExternalPlugin);
  if (connectors.length === 0 && module.registrations.length === 0 && externalPlugins.length === 0)
    throw new Error('it exports no connector and no plug-in, and registers no hook');
  for (const connector of connectors) check(loaded, connector);
  // All that can fail comes first: a module is there as a whole or not at all.
  const menuItems = module.registrations.flatMap((one) => (one.kind === 'menuItem' ? [one.factory()] : []));
  const urlHooks = module.registrations.flatMap((one) => (one.kind === 'urls' ? one.factory() : []));
  if (loaded.db !== undefined)
    for (const { kind, migrations } of connectors) await migrateModule(loaded.db, kind, migrations ?? []);
  for (const connector of connectors) loaded.connectors.set(connector.kind, connector);
  loaded.externalPlugins.push(...externalPlugins);
  loaded.menuItems.push(...menuItems);
  loaded.urlHooks.push(...urlHooks);
  loaded.menuItems.sort((left, right) => (left.order ?? 100) - (right.order ?? 100));
}

function declaredConnectors(exports: Record<string, unknown>): readonly Connector[] {
  return exported(exports).filter(isConnector);
}

/** Exports of a CommonJS module imported natively stand under `default` as well: each value counts once. */
function exported(exports: Record<string, unknown>): readonly unknown[] {
  const nested = exports['default'];
  const values = [
    ...Object.values(exports),
    ...(typeof nested === 'object' && nested !== null ? Object.values(nested) : []),
  ];
  return [...new Set(values)];
}

/** A registered service hook is the hook of the module's connector; alone it makes a kind of service without a manager. */
function withHook(
  name: string,
  declared: readonly Connector[],
  hook: NonNullable<Connector['hook']>,
): readonly Connector[] {
  if (declared.length === 0) {
    return [
      defineConnector({ kind: name, title: name, sdk: SDK_VERSION, config: z.record(z.string(), z.unknown()), hook }),
    ];
  }
  return declared.map((connector) => (connector.hook === undefined ? { ...connector, hook } : connector));
}

function check(loaded: Loaded, connector: Connector): void {
  if (connector.sdk !== SDK_VERSION) {
    throw new Error(
      `connector ${connector.kind} was made for version ${connector.sdk} of @muster/sdk, this is version ${SDK_VERSION}`,
    );
  }
  if (!/^[a-z][a-z0-9-]*$/.test(connector.kind))
    throw new Error(`"${connector.kind}" is no kind: lower case letters, digits and - only`);
  if (loaded.connectors.has(connector.kind))
    throw new Error(`there is already a connector of the kind ${connector.kind}`);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [first = ''] = error.message.split('\n');
  // Node tells the place of a syntax error only at the top of the stack.
  const [place = ''] = error.name === 'SyntaxError' ? (error.stack ?? '').split('\n') : [];
  return /:\d+$/.test(place) ? `${place}: ${first}` : first;
}
