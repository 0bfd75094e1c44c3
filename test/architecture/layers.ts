import { posix } from 'node:path';
import { importsOf, isTest } from './sources';

/** What the files of one folder may import. `folder` allows all of it, `folder/file` one file, `type folder` only types. */
export interface Layer {
  readonly from: readonly string[];
  /** Packages; `node:` modules unless `pure` is said. */
  readonly packages: readonly string[];
  /** No I/O: not even Node's own modules. */
  readonly pure?: true;
  /** Why it is so, for whoever breaks it. */
  readonly because: string;
}

/** DESIGN's arrows: each folder may use its own files and what is listed here, and nothing else. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  domain: {
    from: [],
    packages: [],
    pure: true,
    because: 'domain/ is pure: decisions in, decisions out. Pass what it needs as an argument.',
  },
  sdk: {
    from: ['domain'],
    packages: ['zod', 'undici'],
    because: 'connector authors get sdk/ and nothing of Muster behind it. Hand Muster in through a port.',
  },
  connectors: {
    from: [],
    packages: ['@muster/sdk', 'zod', 'pg', 'ldapts', 'ice'],
    because:
      "a connector imports '@muster/sdk', its own folder and its system's client, so that it could be a package of its own.",
  },
  roster: { from: ['domain'], packages: ['yaml'], because: 'roster/ only reads files; store/ applies what they say.' },
  config: {
    from: ['domain'],
    packages: ['zod', 'yaml', 'pino'],
    because: 'everybody uses config/, so it uses nobody.',
  },
  store: {
    from: ['domain', 'type config', 'type sdk'],
    packages: ['pg', 'kysely', 'uuidv7'],
    because: 'store/ is SQL and nothing else. Do the rest where it is called.',
  },
  hooks: {
    from: ['domain', 'sdk', 'config', 'store', 'workflows/contracts'],
    packages: ['@temporalio/client', '@temporalio/common', 'pino', 'uuidv7', 'zod'],
    because: 'hooks/ runs in API and workers: it knows workflows by their contracts only.',
  },
  workflows: {
    from: ['domain', 'type activities'],
    packages: ['@temporalio/workflow'],
    pure: true,
    because: 'workflow code is replayed: take values from domain/, types from activities/, and do I/O in an activity.',
  },
  activities: {
    from: ['domain', 'sdk', 'config', 'hooks', 'store', 'auth', 'workflows/contracts'],
    packages: ['@temporalio/activity', '@temporalio/common', 'pino', 'uuidv7'],
    because: 'an activity finds the manager, calls it, records. It knows nobody above it.',
  },
  workers: {
    from: ['domain', 'config', 'hooks', 'store', 'auth', 'activities', 'workflows/contracts', 'workflows'],
    packages: ['@temporalio/worker', '@temporalio/client', '@temporalio/common', 'pino', 'prom-client'],
    because: 'workers/ only wires: what is worth testing belongs below it.',
  },
  auth: {
    from: ['domain', 'sdk', 'config', 'store'],
    packages: ['nodemailer', 'openid-client', 'pino', 'zod', '@node-rs/argon2', 'ldapts', 'rate-limiter-flexible'],
    because: 'auth/ says who somebody is, and what they have elsewhere; api/ and activities/ ask it.',
  },
  api: {
    from: ['domain', 'sdk', 'config', 'roster', 'hooks', 'store', 'auth', 'workflows/contracts'],
    packages: [
      'express',
      'helmet',
      'pino',
      'pino-http',
      'prom-client',
      'zod',
      'zod-openapi',
      '@temporalio/client',
      'swagger-ui-dist',
    ],
    because: 'a route parses, starts and answers. It calls no manager and no workflow code.',
  },
  runtime: {
    from: ['config', 'store', 'auth', 'cli/client', 'cli/failure'],
    packages: ['pg', 'yaml', '@temporalio/client'],
    because: 'runtime/ starts servers and processes; it knows nothing of what runs in them.',
  },
  cli: {
    from: ['config', 'runtime', 'auth'],
    packages: ['commander'],
    because: 'the command line talks HTTP only, as any other client would.',
  },
  sample: { from: [], packages: [], because: 'the sample is data.' },
  console: {
    from: ['domain', 'sdk', 'config', 'hooks', 'store', 'auth', 'api'],
    packages: ['express', 'htmx.org', 'pino', 'zod'],
    because: 'a page asks the API in process, as whoever is signed in, and shows what it answers.',
  },
};

/** Files that only put parts together, in place of their folder's layer. */
const WIRING: Readonly<Record<string, Layer>> = {
  'api/main.ts': {
    from: ['config', 'api', 'console'],
    packages: [],
    because: 'the process of the API is where its pages are put to it.',
  },
};

/** Folders outside the layers: they may use everything. */
const FREE = new Set(['test', 'bench', 'scripts', 'docs', 'docker']);

/** The sentences that say what a file imports against its layer; empty = none. */
export function violations(file: string, text: string): readonly string[] {
  const folder = file.split('/')[0] ?? '';
  if (isTest(file) || FREE.has(folder) || !file.includes('/')) return [];
  const layer = WIRING[file] ?? LAYERS[folder];
  if (layer === undefined)
    return [`${file}: the folder ${folder}/ is in no layer. Add it to LAYERS in test/architecture/layers.ts.`];
  return importsOf(text)
    .filter(
      (imported) => !isAllowed(layer, ownFolder(file), { ...imported, target: targetOf(file, imported.specifier) }),
    )
    .map(({ specifier }) => `${file} imports '${specifier}': ${layer.because}`);
}

/** A connector's is its own, so that each could be a package. */
function ownFolder(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'connectors' ? `${first}/${second}` : first;
}

interface Target {
  readonly specifier: string;
  readonly isType: boolean;
  /** Path from the root for our own files, else undefined. */
  readonly target: string | undefined;
}

function targetOf(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined;
}

function isAllowed(layer: Layer, folder: string, { specifier, isType, target }: Target): boolean {
  if (specifier === '@muster/sdk')
    return layer.packages.includes(specifier) || allowsFolder(layer, isType, 'sdk/index');
  if (target !== undefined) return ownFolder(target) === folder || allowsFolder(layer, isType, target);
  if (specifier.startsWith('node:')) return layer.pure === undefined;
  return layer.packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
}

function allowsFolder(layer: Layer, isType: boolean, target: string): boolean {
  return layer.from.some((entry) => {
    const path = entry.replace(/^type /, '');
    if (entry.startsWith('type ') && !isType) return false;
    if (path === 'workflows' && target !== 'workflows' && target !== 'workflows/index') return false;
    return target === path || target.startsWith(`${path}/`);
  });
}
