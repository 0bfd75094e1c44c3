import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { PlainError, root, run, showProgress } from './run.mjs';

const OLDEST_NODE = [20, 19];

/** Makes sure that Node is new enough and that the installed dependencies are those of the lockfile. */
export async function install() {
  requireNode(process.versions.node);
  const missing = firstDifference();
  if (missing === undefined) return;
  requireWritable(root);
  console.log(`Installing the dependencies (${missing}): about a minute, once ...`);
  const stop = showProgress('Still installing the dependencies');
  const { code } = await runNpm(['ci', '--include=dev', '--no-audit', '--no-fund']);
  stop();
  if (code === 0) return;
  throw new PlainError(
    'The dependencies could not be installed: npm says why above. ' +
      'Check the network and the right to write to this folder, then start again.',
  );
}

/** Without the right npm would say so too, in twenty lines. */
function requireWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new PlainError(
      `The dependencies cannot be installed: this user may not write to ${folder}. Start it in a copy of your own.`,
    );
  }
}

function requireNode(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new PlainError(`Muster needs Node ${OLDEST_NODE.join('.')} or newer, this is Node ${version}.`);
}

/**
 * What distinguishes node_modules from the lockfile, in a few words; undefined when nothing does. Contents are
 * compared, not times: changing a branch touches the lockfile without changing it.
 */
function firstDifference() {
  const wanted = readPackages('package-lock.json');
  const installed = readPackages('node_modules/.package-lock.json');
  if (wanted === undefined)
    throw new PlainError('package-lock.json is missing or broken: restore it from the repository.');
  if (installed === undefined) return 'none are there yet';
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/') || entry.link || entry.optional || entry.devOptional) continue;
    if (installed[path]?.version !== entry.version) return `${path.slice('node_modules/'.length)} differs`;
  }
  return undefined;
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Started by npm, its own program is known; a shell's alias or a wrapper is then not in the way. */
function runNpm(args) {
  const npm = process.env.npm_execpath;
  // npx and yarn set the variable too, to programs of their own.
  if (npm?.endsWith('npm-cli.js')) return run(process.execPath, [npm, ...args]);
  return run('npm', args).catch((error) => {
    throw new PlainError(`npm could not be started (${error.message}): install npm, then start again.`);
  });
}
