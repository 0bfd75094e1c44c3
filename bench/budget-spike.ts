import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { randomUUID } from 'node:crypto';
import type { RateLimit } from '../domain/pacing';
import { startEmbeddedPostgres } from '../runtime/embedded-postgres';
import { openDatabase } from '../store/database';
import { migrate } from '../store/migrate';
import type { SpendOrder } from './budget-process';

/**
 * `node dist/bench/budget-spike.js [seconds] [processes,...] [limits,...] [kinds,...]`: several processes spend from one
 * row against the throttling fake; the fake's journal says what came of it.
 */
const [seconds = '10', processes = '1,4', limits = '50,300', kinds = 'window,bucket,log'] = process.argv.slice(2);
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

function spend(order: SpendOrder): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(__dirname, 'budget-process.js'), JSON.stringify(order)]);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.pipe(process.stderr);
    child.once('exit', () => resolve(output));
  });
}

async function measure(databaseUrl: string, count: number, limit: RateLimit): Promise<string> {
  const db = openDatabase({ url: databaseUrl });
  const serviceId = randomUUID();
  await db.query(`insert into services (id, name, connector) values ($1, $2, 'fake')`, [serviceId, `s-${serviceId}`]);
  const fake = await startFake(limit);
  const order = { databaseUrl, serviceId, url: fake.url, limit, inFlight: 16, durationMs: Number(seconds) * 1000 };
  const outputs = await Promise.all(Array.from({ length: count }, () => spend(order)));
  const { accepted, rejected, firstMs, lastMs, mostInWindow } = await fake.summary();
  fake.stop();
  await db.close();
  const leases = outputs.reduce((sum, text) => sum + (JSON.parse(text) as { leases: number }).leases, 0);
  if (process.argv.includes('--more')) process.stdout.write(outputs.join(''));
  const used = (100 * accepted) / ((limit.limit * (lastMs - firstMs)) / limit.windowMs);
  const rate = (leases / ((lastMs - firstMs) / 1000)).toFixed(0);
  return `${limit.kind} ${limit.limit}/${limit.windowMs} ms, ${count} process(es): ${used.toFixed(2)} %, ${rejected} rejected of ${accepted + rejected}, most in a window ${mostInWindow}, ${rate} leases/s`;
}

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'muster-budget-'));
  const server = await startEmbeddedPostgres({ dataDir: join(home, 'postgres'), port: 0 });
  await migrate(server.url);
  for (const kind of kinds.split(',') as RateLimit['kind'][]) {
    for (const limit of limits.split(',').map(Number)) {
      for (const count of processes.split(',').map(Number)) {
        const line = await measure(server.url, count, {
          kind,
          limit,
          windowMs: 1000,
          ...(kind === 'bucket' ? { burst: limit / 10 } : {}),
        });
        process.stdout.write(`${line}\n`);
      }
    }
  }
  await server.stop();
  rmSync(home, { recursive: true, force: true });
}

void main().then(() => process.exit(0));
