import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

import { main, PlainError, root, run, showProgress } from './run.mjs';

const dist = join(root, 'dist');
/** What is run, without the tests: a mistake in a test must not keep Muster from starting. */
const CONFIG = 'tsconfig.build.json';
/** What the compiler does not carry over but the program reads. */
const ASSETS = new Set(['.html', '.css', '.svg', '.sql', '.json', '.yaml', '.yml', '.csv']);
/** Scripts that browsers load; nothing compiles them. */
const BROWSER_SCRIPTS = join('console', 'assets');
/** What ends up in the workflow bundle. */
const WORKFLOW_SOURCES = ['workflows', 'domain'];

/** Compiles to dist/, copies what is not TypeScript, bundles the workflows; does only what has changed. */
export async function build() {
  const sources = sourceFolders().flatMap((folder) => filesOf(join(root, folder)));
  const print = fingerprint([
    ...sources,
    join(root, 'tsconfig.json'),
    join(root, CONFIG),
    join(root, 'package-lock.json'),
  ]);
  const printFile = join(dist, '.sources');
  if (readOr(printFile, '') === print && existsSync(join(dist, 'cli', 'main.js'))) return;
  await compile();
  copyAssets(sources);
  await bundleWorkflows();
  writeFileSync(printFile, print);
}

function sourceFolders() {
  const { include } = JSON.parse(readFileSync(join(root, CONFIG), 'utf8'));
  return include.filter((folder) => existsSync(join(root, folder)));
}

function filesOf(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name === 'node_modules') return [];
    if (/\.(test|slow)\.ts$/.test(entry.name)) return [];
    return entry.isDirectory() ? filesOf(path) : [path];
  });
}

/** Times and sizes are enough here and cost nothing; the compiler itself looks at the contents. */
function fingerprint(files) {
  const hash = createHash('sha256');
  for (const file of files.toSorted((a, b) => a.localeCompare(b))) {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${relative(root, file)} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

async function compile() {
  const stop = showProgress('Compiling');
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, output } = await run(process.execPath, [compiler, '--project', CONFIG, '--pretty', 'false'], {
    quiet: true,
  });
  stop();
  if (code === 0) return;
  console.error(output.trim());
  throw new PlainError('Muster could not be compiled: the lines above say where.');
}

function copyAssets(sources) {
  for (const file of sources) {
    const path = relative(root, file);
    // A package.json in dist would change how Node resolves what lies beside it.
    const isAsset = ASSETS.has(extname(file)) || dirname(path) === BROWSER_SCRIPTS;
    if (!isAsset || path.endsWith('package.json')) continue;
    mkdirSync(dirname(join(dist, path)), { recursive: true });
    copyFileSync(file, join(dist, path));
  }
}

/** The bundle is built here, once, so that no worker pays for it at its start. */
async function bundleWorkflows() {
  if (!existsSync(join(root, 'workflows', 'index.ts'))) return;
  const hash = createHash('sha256').update(readOr(join(root, 'node_modules/@temporalio/worker/package.json'), ''));
  const sources = WORKFLOW_SOURCES.flatMap((folder) => filesOf(join(root, folder)));
  for (const file of sources.toSorted((a, b) => a.localeCompare(b)))
    hash.update(relative(root, file)).update(readFileSync(file));
  const wanted = hash.digest('hex');
  const bundle = join(dist, 'workflow-bundle.js');
  if (existsSync(bundle) && readOr(`${bundle}.sources`, '') === wanted) return;
  const { code, output } = await run(process.execPath, [join(root, 'scripts', 'bundle-workflows.mjs'), bundle], {
    quiet: true,
  });
  if (code !== 0) {
    console.error(output.trim());
    throw new PlainError('The workflows could not be bundled: the lines above say why.');
  }
  writeFileSync(`${bundle}.sources`, wanted);
}

function readOr(file, otherwise) {
  return existsSync(file) ? readFileSync(file, 'utf8') : otherwise;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { install } = await import('./install.mjs');
  await main(async () => {
    await install();
    await build();
  });
}
