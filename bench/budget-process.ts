import { request } from 'node:http';
import { Agent } from 'node:http';
import { Pacer } from '../activities/pacer';
import { DatabaseClock, processClock } from '../activities/database-clock';
import { Slots } from '../activities/slots';
import { paceOf } from '../domain/pacing';
import type { RateLimit } from '../domain/pacing';
import { databaseNow, leasePermits } from '../store/budgets';
import { openDatabase } from '../store/database';

/** What a spending process is told, as JSON in its only argument. */
export interface SpendOrder {
  readonly databaseUrl: string;
  readonly serviceId: string;
  readonly url: string;
  readonly limit: RateLimit;
  readonly inFlight: number;
  readonly durationMs: number;
}

/** One process that spends from the shared row as fast as it may: a step of the budget's measurement. */
async function main(order: SpendOrder): Promise<void> {
  const db = openDatabase({ url: order.databaseUrl, max: 2, name: 'budget spike' });
  const pace = paceOf([order.limit]);
  if (pace === undefined) throw new Error('no limit');
  const slots = new Slots(order.inFlight);
  const key = { serviceId: order.serviceId, bucket: '' };
  let leases = 0;
  let unused = 0;
  const moments = new Map<number, number>();
  const pacer = new Pacer(
    {
      lease: async (wanted) => {
        leases += 1;
        for (const { seq, atMs } of wanted.reports) {
          if (atMs === 0) unused += 1;
          else late.push(atMs - (moments.get(seq) ?? atMs));
          moments.delete(seq);
        }
        const given = await leasePermits(db, key, wanted);
        for (const [place, atMs] of given.atMs.entries()) moments.set(given.firstSeq + place, atMs);
        return given;
      },
      slots: { tryEnter: () => slots.tryEnter(), free: () => slots.free },
      clock: processClock,
      databaseClock: new DatabaseClock(processClock, () => databaseNow(db)),
      random: Math.random,
    },
    pace,
  );
  const agent = new Agent({ keepAlive: true, maxSockets: order.inFlight });
  const signal = new AbortController().signal;
  const until = performance.now() + order.durationMs;
  const late: number[] = [];
  const loop = async (): Promise<void> => {
    while (performance.now() < until) {
      const permit = await pacer.acquire('bulk', signal);
      permit.sent();
      await call(order.url, agent, () => permit.answered());
      permit.answered();
      slots.leave();
      pacer.slotFreed();
    }
  };
  await Promise.all(Array.from({ length: order.inFlight * 2 }, loop));
  await db.close();
  const cpuMs = (process.cpuUsage().user + process.cpuUsage().system) / 1000;
  late.sort((one, other) => one - other);
  const lateMs = [0.1, 0.5, 0.9, 0.99].map((part) => late[Math.floor(late.length * part)] ?? 0);
  process.stdout.write(`${JSON.stringify({ leases, unused, lateMs, cpuMs })}\n`);
  process.exit(0);
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
