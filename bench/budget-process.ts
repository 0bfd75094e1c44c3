import { Agent, request } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseClock, processClock } from '../activities/database-clock';
import { Pacer } from '../activities/pacer';
import { Slots } from '../activities/slots';
import { paceOf } from '../domain/pacing';
import type { RateLimit } from '../domain/pacing';
import { databaseNow, leasePermits } from '../store/budgets';
import { openDatabase } from '../store/database';
import type { Database } from '../store/database';

/** What a spending process is told, as JSON in its only argument. */
export interface SpendOrder {
  readonly databaseUrl: string;
  readonly serviceId: string;
  readonly url: string;
  readonly limit: RateLimit;
  readonly inFlight: number;
  /** By the wall clock. */
  readonly beginsAt: number;
  readonly durationMs: number;
}

/** What it answers on its standard output. */
export interface SpendFigures {
  readonly leases: number;
  /** How late this process's timers were: median, 99 %, longest. */
  readonly stallsMs: readonly number[];
  readonly cpuMs: number;
}

const RESOLUTION_MS = 5;

interface Spending {
  readonly pacer: Pacer;
  readonly leases: () => number;
}

function spending(db: Database, { serviceId, limit, inFlight }: SpendOrder): Spending {
  const pace = paceOf([limit]);
  if (pace === undefined) throw new Error('no limit');
  const slots = new Slots(inFlight);
  let leases = 0;
  const pacer = new Pacer(
    {
      lease: (wanted) => {
        leases += 1;
        return leasePermits(db, { serviceId, bucket: '' }, wanted);
      },
      slots: { enter: () => slots.tryEnter(), free: () => slots.free },
      clock: processClock,
      databaseClock: new DatabaseClock(processClock, () => databaseNow(db)),
      random: Math.random,
    },
    pace,
  );
  return { pacer, leases: () => leases };
}

/** One process that spends from the shared row as fast as it may. */
async function main(order: SpendOrder): Promise<void> {
  const db = openDatabase({ url: order.databaseUrl, max: 2, name: 'budget spike' });
  await databaseNow(db);
  const { pacer, leases } = spending(db, order);
  const agent = new Agent({ keepAlive: true, maxSockets: order.inFlight });
  const { signal } = new AbortController();
  await delay(order.beginsAt - Date.now());
  const lateness = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  lateness.enable();
  const until = performance.now() + order.durationMs;
  const loop = async (): Promise<void> => {
    while (performance.now() < until) {
      const permit = await pacer.acquire('bulk', signal);
      permit.sent();
      await call(order.url, agent, () => permit.answered());
      permit.leave();
      pacer.slotFreed();
    }
  };
  await Promise.all(Array.from({ length: order.inFlight * 2 }, loop));
  await db.close();
  const late = [lateness.percentile(50), lateness.percentile(99), lateness.max];
  const stallsMs = late.map((ns) => Math.max(0, Math.round(ns / 1e6) - RESOLUTION_MS));
  const cpuMs = (process.cpuUsage().user + process.cpuUsage().system) / 1_000;
  const figures: SpendFigures = { leases: leases(), stallsMs, cpuMs };
  process.stdout.write(JSON.stringify(figures), () => process.exit(0));
}

function call(url: string, agent: Agent, answered: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/call`, { method: 'PATCH', agent }, (response) => {
      answered();
      response.resume().once('end', resolve);
    });
    sent.once('error', reject).end();
  });
}

void main(JSON.parse(process.argv[2] ?? '{}') as SpendOrder);
