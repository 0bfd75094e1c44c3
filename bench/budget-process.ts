import { request } from 'node:http';
import { Agent } from 'node:http';
import { Pacer } from '../activities/pacer';
import { processClock } from '../activities/database-clock';
import { Slots } from '../activities/slots';
import { paceOf } from '../domain/pacing';
import type { RateLimit } from '../domain/pacing';
import { leasePermits } from '../store/budgets';
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
  const pacer = new Pacer(
    {
      lease: (wanted) => {
        leases += 1;
        return leasePermits(db, key, wanted);
      },
      slots,
      clock: processClock,
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
  process.stdout.write(`${JSON.stringify({ leases, late: late.length, cpuMs: process.cpuUsage().user / 1000 })}\n`);
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
