import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { RateLimit } from '../domain/pacing';
import { startEmbeddedPostgres } from '../runtime/embedded-postgres';
import { openDatabase } from '../store/database';
import { migrate } from '../store/migrate';
import type { SpendFigures, SpendOrder } from './budget-process';

/**
 * `node dist/bench/budget-spike.js [seconds] [processes,...] [limits,...] [kinds,...] [--kill]`: several processes spend from
 * one row against the throttling fake (20 ms latency); the fake's journal says what came of it. With `--kill` one of
 * several processes is killed on the way. The processes say how late this machine was: on a busy one look there first.
 */
const options = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const [seconds = '10', processes = '1,4', limits = '50,300', kinds = 'window,bucket,log'] = options;
const LATENCY_MS = 20;

interface Fake {
  readonly url: string;
  summary(): Promise<{ accepted: number; rejected: number; firstMs: number; lastMs: number; mostInWindow: number }>;
  stop(): void;
}

async function startFake(limit: RateLimit): Promise<Fake> {
  const file = join(__dirname, '../../test/fakes/throttling-service/main.mjs');
  const child = spawn(process.execPath, [file, JSON.stringify({ limits: [limit], latencyMs: LATENCY_MS })]);
  child.stderr.pipe(process.stderr);
  const line = await new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve));
  const { url, control } = JSON.parse(line) as { url: string; control: string };
  return {
    url,
    summary: async () => (await fetch(`${control}/summary?windowMs=${limit.windowMs}`)).json() as never,
    stop: () => void child.stdin.end(),
  };
}

interface Spender {
  readonly child: ChildProcess;
  /** undefined = it was killed. */
  readonly figures: Promise<SpendFigures | undefined>;
}

function spend(order: SpendOrder): Spender {
  const child = spawn(process.execPath, [join(__dirname, 'budget-process.js'), JSON.stringify(order)]);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.pipe(process.stderr);
  const figures = new Promise<SpendFigures | undefined>((resolve) => {
    child.once('exit', () => resolve(output === '' ? undefined : (JSON.parse(output) as SpendFigures)));
  });
  return { child, figures };
}

async function measure(databaseUrl: string, count: number, limit: RateLimit): Promise<string> {
  const db = openDatabase({ url: databaseUrl });
  const serviceId = randomUUID();
  await db.query(`insert into services (id, name, connector) values ($1, $2, 'fake')`, [serviceId, `s-${serviceId}`]);
  const fake = await startFake(limit);
  const durationMs = Number(seconds) * 1000;
  // All begin and end together: a process that is still loading uses nothing.
  const order = {
    databaseUrl,
    serviceId,
    url: fake.url,
    limit,
    inFlight: 16,
    beginsAt: Date.now() + 1_500,
    durationMs,
  };
  const spenders = Array.from({ length: count }, () => spend(order));
  if (process.argv.includes('--kill') && count > 1) {
    await delay(1_500 + durationMs * 0.4);
    spenders[0]?.child.kill('SIGKILL');
  }
  const figures = (await Promise.all(spenders.map((spender) => spender.figures))).flatMap((figure) => figure ?? []);
  const { accepted, rejected, firstMs, lastMs, mostInWindow } = await fake.summary();
  fake.stop();
  await db.close();
  const used = (100 * accepted) / ((limit.limit * (lastMs - firstMs)) / limit.windowMs);
  const leases = figures.reduce((sum, figure) => sum + figure.leases, 0) / (durationMs / 1_000);
  const stalls = figures.map((figure) => figure.stallsMs.join('/')).join(' ');
  const which = `${limit.kind} ${limit.limit}/${limit.windowMs} ms, ${count} process(es)`;
  return `${which}: ${used.toFixed(2)} %, ${rejected} rejected of ${accepted + rejected}, most in a window ${mostInWindow}, ${leases.toFixed(0)} leases/s, event loop late p50/p99/max ms: ${stalls}`;
}

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'muster-budget-'));
  const server = await startEmbeddedPostgres({ dataDir: join(home, 'postgres'), port: 0 });
  await migrate(server.url);
  for (const kind of kinds.split(',') as RateLimit['kind'][]) {
    for (const limit of limits.split(',').map(Number)) {
      for (const count of processes.split(',').map(Number)) {
        const burst = kind === 'bucket' ? { burst: limit / 10 } : {};
        const line = await measure(server.url, count, { kind, limit, windowMs: 1_000, ...burst });
        process.stdout.write(`${line}\n`);
      }
    }
  }
  await server.stop();
  rmSync(home, { recursive: true, force: true });
}

void main().then(() => process.exit(0));
