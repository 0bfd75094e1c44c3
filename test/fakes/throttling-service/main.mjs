/**
 * A service that throttles, fails and keeps a journal. Node's own modules only; a process of its own:
 *   node main.mjs '{"limits": [{"kind": "window", "limit": 50, "windowMs": 1000}], "latencyMs": 20, "dialect": "github"}'
 * It says `{"url": ..., "control": ...}` on a line of its own and ends with its stdin. Control (never throttled):
 *   GET /summary?windowMs=1000, /journal, /accounts;  POST /settings, /faults, /use {"count": 5}, /clear
 */
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

import { createAccounts, routeOf } from './accounts.mjs';
import { DIALECTS } from './dialects.mjs';
import { createJournal } from './journal.mjs';
import { createLimiter } from './limiters.mjs';

const nowMs = () => performance.timeOrigin + performance.now();

/**
 * Settings: `limits` (see limiters.mjs), `latencyMs`, `dialect`, `atOnce` (calls at the same time), `journal` (a file).
 * Faults: {kind: 'reset' | 'hang' | 'status' | 'lost' | 'slow', route?, key?, count?, status?, ms?}: for the next
 * `count` calls that fit (default: until cleared). `reset` cuts before, `lost` after the work.
 */
let settings = { limits: [], latencyMs: 0, dialect: 'none', ...JSON.parse(process.argv[2] ?? '{}') };
let limiters = limitersOf(settings);
let faults = [];
let running = 0;
const accounts = createAccounts();
const journal = createJournal(settings.journal);

function limitersOf({ limits }) {
  return limits.map((limit) => ({ limit, limiter: createLimiter(limit) }));
}

function judge(route, atMs) {
  const concerned = limiters.filter(({ limit }) => limit.route === undefined || limit.route === route);
  const full = concerned.find(({ limiter }) => !limiter.has(atMs));
  if (full === undefined) for (const { limiter } of concerned) limiter.take(atMs);
  const [shown] = full === undefined ? concerned : [full];
  const facts =
    shown === undefined ? undefined : { ...shown.limiter.tell(atMs), global: shown.limit.route === undefined };
  return { accepted: full === undefined, facts };
}

function takeFault(route, key) {
  const fits = (fault) => [undefined, route].includes(fault.route) && [undefined, key].includes(fault.key);
  const fault = faults.find(fits);
  if (fault?.count !== undefined) fault.count -= 1;
  faults = faults.filter((known) => known.count === undefined || known.count > 0);
  return fault;
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : JSON.parse(text);
}

function answer(response, { status, body, headers = {} }) {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, String(value));
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

async function serve(request, response) {
  const atMs = nowMs();
  const url = new URL(request.url, 'http://fake');
  const { route, id } = routeOf(request.method, url.pathname);
  const { accepted, facts } = judge(route, atMs);
  const dialect = DIALECTS[settings.dialect];
  const headers = facts === undefined ? {} : dialect.always(facts);
  const tooMany = settings.atOnce !== undefined && running > settings.atOnce;
  const body = await readBody(request);
  const key = id ?? body.key;
  if (!accepted || tooMany) {
    journal.note({ atMs, route, key, status: 429, running });
    const refused = accepted ? {} : dialect.refused(facts);
    return answer(response, { status: 429, body: refused.body, headers: { ...headers, ...refused.headers } });
  }
  const fault = takeFault(route, key);
  const [status, result] = fault?.kind === 'status' ? [fault.status ?? 500] : work(fault, { route, id, url, body });
  journal.note({ atMs, route, key, status, running, ...(fault === undefined ? {} : { fault: fault.kind }) });
  if (fault?.kind === 'hang') return undefined;
  if (settings.latencyMs > 0) await delay(settings.latencyMs);
  if (fault?.kind === 'reset' || fault?.kind === 'lost') return response.destroy();
  if (fault?.kind === 'slow') return dribble(response, { status, body: result, headers, ms: fault.ms ?? 5_000 });
  return answer(response, { status, body: result, headers });
}

function work(fault, { route, id, url, body }) {
  if (fault?.kind === 'reset' || fault?.kind === 'hang') return [0];
  const known = accounts.routes[route];
  return known === undefined ? [200, { ok: true }] : known({ id, query: url.searchParams, body });
}

async function dribble(response, { status, body, headers, ms }) {
  const text = JSON.stringify(body ?? {});
  response.writeHead(status, { ...headers, 'content-type': 'application/json' });
  for (const letter of text) {
    response.write(letter);
    await delay(ms / text.length);
  }
  response.end();
}

const control = {
  'GET /summary': (url) => journal.summary(Number(url.searchParams.get('windowMs') ?? 1000)),
  'GET /journal': () => journal.lines(),
  'GET /accounts': () => ({ ...accounts.count(), items: accounts.all() }),
  'POST /settings': (_url, body) => {
    settings = { ...settings, ...body };
    if (body.limits !== undefined) limiters = limitersOf(settings);
    return settings;
  },
  'POST /faults': (_url, body) => (faults = body),
  // Somebody else uses the same budget.
  'POST /use': (_url, { count }) => {
    for (const { limiter } of limiters) limiter.take(nowMs(), count);
    return {};
  },
  'POST /clear': (_url, { what = ['journal'] }) => {
    if (what.includes('journal')) journal.clear();
    if (what.includes('accounts')) accounts.clear();
    return {};
  },
};

async function steer(request, response) {
  const url = new URL(request.url, 'http://fake');
  const action = control[`${request.method} ${url.pathname}`];
  if (action === undefined) return answer(response, { status: 404, body: { error: 'no such control' } });
  return answer(response, { status: 200, body: action(url, await readBody(request)) });
}

function listen(handle) {
  const server = createServer((request, response) => {
    running += handle === serve ? 1 : 0;
    response.once('close', () => (running -= handle === serve ? 1 : 0));
    handle(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

process.stdin.on('end', () => process.exit(0)).resume();
const [url, controlUrl] = await Promise.all([listen(serve), listen(steer)]);
process.stdout.write(`${JSON.stringify({ url, control: controlUrl })}\n`);
