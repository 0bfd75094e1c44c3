import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { authAbilities, isAuthProviderModule, SDK_VERSION } from '../sdk/index';
import type { AuthAbility, AuthProvider, AuthProviderModule } from '../sdk/index';

/** One section of the configuration: `auth.providers.<name>`. */
export interface ProviderSection {
  readonly name: string;
  /** Which module; default: the section's name. */
  readonly kind: string;
  readonly enabled: boolean;
  /** What the class is built from. */
  readonly config: unknown;
}

export interface LoadedProvider {
  readonly name: string;
  readonly kind: string;
  readonly title: string;
  readonly provider: AuthProvider;
  readonly offers: readonly AuthAbility[];
}

/** A provider or module that is not served, and why. */
export interface SkippedProvider {
  readonly name: string;
  readonly reason: string;
}

/** The providers of this process, in the order in which they are asked. */
export interface ProviderRegistry {
  readonly providers: readonly LoadedProvider[];
  readonly skipped: readonly SkippedProvider[];
  get(name: string): LoadedProvider | undefined;
  /** Can it serve now? Trouble with the question counts as no. */
  isReady(provider: LoadedProvider): Promise<boolean>;
  close(): Promise<void>;
}

export interface LoadProvidersOptions {
  readonly builtIn: readonly AuthProviderModule[];
  readonly sections: readonly ProviderSection[];
  /** Names in the order of asking; who is not named comes after, in the order of the sections. */
  readonly order?: readonly string[];
  /** Folders of which every sub-folder is a module. */
  readonly folders?: readonly string[];
  /** npm packages, resolved from `from`. */
  readonly packages?: readonly string[];
  /** Default: the current directory. */
  readonly from?: string;
  readonly log: Logger;
}

/** Loads the modules and builds every provider that is switched on. One that fails is reported, and stops nobody else. */
export function loadProviders(options: LoadProvidersOptions): ProviderRegistry {
  const skipped: SkippedProvider[] = [];
  const modules = new Map(options.builtIn.map((module) => [module.kind, module]));
  for (const { name, path } of moduleFiles(options)) addModule(modules, skipped, { name, path });
  const sections = inOrder(
    options.sections.filter((section) => section.enabled),
    options.order ?? [],
  );
  const providers = sections.flatMap((section) => build(section, { modules, skipped, log: options.log }));
  for (const one of skipped) options.log.error({ event: 'auth.provider-skipped', ...one });
  return {
    providers,
    skipped,
    get: (name) => providers.find((provider) => provider.name === name),
    isReady: (provider) => isReady(provider, options.log),
    close: async () => {
      await Promise.allSettled(providers.map(async ({ provider }) => provider.close?.()));
    },
  };
}

function inOrder(sections: readonly ProviderSection[], order: readonly string[]): readonly ProviderSection[] {
  const rank = ({ name }: ProviderSection): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return sections.toSorted((left, right) => rank(left) - rank(right));
}

interface ModuleFile {
  readonly name: string;
  /** undefined = it is not installed. */
  readonly path: string | undefined;
}

function moduleFiles({
  folders = [],
  packages = [],
  from = process.cwd(),
}: LoadProvidersOptions): readonly ModuleFile[] {
  const inFolders = folders.flatMap((folder): readonly ModuleFile[] => {
    if (!existsSync(folder)) return [{ name: folder, path: undefined }];
    const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return entries.flatMap(({ name }) => {
      const path = ['index.js', 'index.ts'].map((file) => resolve(folder, name, file)).find(existsSync);
      return path === undefined ? [] : [{ name, path }];
    });
  });
  return [...inFolders, ...packages.map((name) => ({ name, path: resolved(name, from) }))];
}

function resolved(name: string, from: string): string | undefined {
  try {
    return require.resolve(name, { paths: [join(from, 'node_modules'), from] });
  } catch {
    // Named in `skipped` as not installed.
    return undefined;
  }
}

function addModule(modules: Map<string, AuthProviderModule>, skipped: SkippedProvider[], file: ModuleFile): void {
  try {
    if (file.path === undefined) throw new Error('it is not installed');
    const exports = require(file.path) as Readonly<Record<string, unknown>>;
    const found = Object.values(exports).filter(isAuthProviderModule);
    if (found.length === 0) throw new Error('it exports no authentication provider');
    for (const module of found) {
      if (module.sdk !== SDK_VERSION) throw new Error(`it was made for version ${module.sdk} of @muster/sdk`);
      if (modules.has(module.kind)) throw new Error(`there is already a provider of the kind ${module.kind}`);
      modules.set(module.kind, module);
    }
  } catch (error) {
    skipped.push({ name: file.name, reason: reasonOf(error) });
  }
}

interface Building {
  readonly modules: ReadonlyMap<string, AuthProviderModule>;
  readonly skipped: SkippedProvider[];
  readonly log: Logger;
}

function build(
  { name, kind, config }: ProviderSection,
  { modules, skipped, log }: Building,
): readonly LoadedProvider[] {
  try {
    const module = modules.get(kind);
    if (module === undefined) throw new Error(`there is no provider of the kind ${kind}`);
    const parsed = module.config.safeParse(config ?? {});
    // What zod found names keys, never values: a section holds credentials.
    if (!parsed.success) {
      const places = parsed.error.issues.map(
        (issue) => `${issue.path.map(String).join('.') || 'section'} ${issue.message}`,
      );
      throw new Error(`its section is not valid: ${places.join('; ')}`);
    }
    const provider = new module.provider(parsed.data, {
      name,
      log: (level, event, facts = {}) => log[level]({ event: `auth.${event}`, provider: name, ...facts }),
    });
    return [{ name, kind, title: module.title, provider, offers: authAbilities(provider) }];
  } catch (error) {
    skipped.push({ name, reason: reasonOf(error) });
    return [];
  }
}

async function isReady({ name, provider }: LoadedProvider, log: Logger): Promise<boolean> {
  try {
    return await provider.initialized;
  } catch (error) {
    log.warn({ event: 'auth.provider-not-ready', provider: name, reason: reasonOf(error) });
    return false;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
