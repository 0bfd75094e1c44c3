import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { build } from './build.mjs';
import { install } from './install.mjs';
import { main, PlainError, root, showProgress } from './run.mjs';

const folder = join(root, '.muster', 'services');
const stateFile = join(folder, 'state.json');
const logFile = join(root, '.muster', 'services.log');
const START_MS = 300_000;
const STOP_MS = 60_000;

/** `npm run services:up [-- --slow]`, `npm run services:down`: the real systems of the connectors' tests, to try things by hand. */
await main(async () => {
  const [verb, ...flags] = process.argv.slice(2);
  if (verb === 'up') return up(flags.includes('--slow'));
  if (verb === 'down') return down();
  throw new PlainError('Say up or down: npm run services:up, npm run services:down');
});

async function up(slow) {
  const known = readState();
  if (known !== undefined && isTheirs(known)) {
    console.log('They run already.\n');
    return show(known);
  }
  await install();
  await build();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(root, '.muster'), { recursive: true });
  const log = openSync(logFile, 'w', 0o600);
  const entry = join(root, 'dist', 'test', 'services', 'main.js');
  const child = spawn(process.execPath, [entry, folder, ...(slow ? ['--slow'] : [])], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  const stop = showProgress('Starting the servers');
  const deadline = Date.now() + START_MS;
  while (!existsSync(stateFile)) {
    if (ended || Date.now() > deadline)
      throw new PlainError(`They did not start:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
    await delay(100);
  }
  stop();
  child.unref();
  show(readState());
}

async function down() {
  const state = readState();
  if (state === undefined || !isTheirs(state)) {
    rmSync(folder, { recursive: true, force: true });
    return console.log('None runs.');
  }
  process.kill(state.pid, 'SIGTERM');
  const deadline = Date.now() + STOP_MS;
  while (isTheirs(state)) {
    if (Date.now() > deadline) throw new PlainError(`They do not end (process ${state.pid}); see ${logFile}.`);
    await delay(100);
  }
  console.log('All have ended, and their data is gone.');
}

function readState() {
  try {
    return JSON.parse(readFileSync(stateFile, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The process that the state tells of still runs, and is no other that has its number now. */
function isTheirs({ pid }) {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join('test', 'services', 'main.js'));
  } catch {
    return false;
  }
}

function show({ services }) {
  const width = Math.max(...services.map(({ name }) => name.length)) + 2;
  for (const { name, state, file, detail } of services)
    console.log(
      `${name.padEnd(width)}${state.padEnd(9)}${state === 'missing' ? `install: ${detail}` : (file ?? detail)}`,
    );
  console.log(`
Each file is what Muster is given to use the system:
  curl -X POST "$MUSTER_URL/v1/services" -H "Authorization: Bearer $MUSTER_TOKEN" -H 'Content-Type: application/json' -d @FILE
They run until "npm run services:down". The tests start their own and do not need these.`);
}
