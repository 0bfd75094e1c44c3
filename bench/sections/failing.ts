import type { RateLimit } from '../../domain/pacing';
import { startFarSide, THROTTLED } from '../far-side';
import { startMuster } from '../muster';
import type { BenchMuster } from '../muster';
import { idsOf, insertPeople } from '../people';
import { usageInWords, usageOf } from '../rate';
import type { Usage } from '../rate';
import { prepareService, requestSync, resumeService, syncEnd } from '../scene';
import type { ShownSync } from '../scene';
import { atLeast, holds, paragraphs, short } from '../section';
import type { BenchOptions, SectionReport } from '../section';

const LIMIT: RateLimit = { kind: 'window', limit: 100, windowMs: 1_000 };
const LATENCY_MS = 20;
const ACCOUNTS = 2_000;
const NAME = 'failing';
const EVERY = 10;
const END_S = 600;

interface Failing {
  readonly accounts: number;
  readonly failing: number;
  readonly usage: Usage;
  readonly sync: ShownSync;
  readonly reasons: ReadonlyMap<string, number>;
  readonly retried: ShownSync;
  readonly there: number;
}

/** Point 9: one account in ten is refused by the service. */
export async function benchFailing(options: BenchOptions): Promise<SectionReport> {
  const accounts = options.people ?? ACCOUNTS;
  const muster = await startMuster({ log: options.log, workers: options.workers ?? 2 });
  const fake = await startFarSide({ limits: [LIMIT], latencyMs: LATENCY_MS });
  try {
    await insertPeople(muster.db, { prefix: NAME, count: accounts, group: NAME });
    const refused = (await idsOf(muster.db, NAME, accounts)).filter((_id, index) => index % EVERY === 0);
    const budget = { limits: [LIMIT] };
    await prepareService(muster, { name: NAME, connector: THROTTLED, config: { url: fake.url }, budget }, NAME);
    await fake.fail(...refused.map((key) => ({ kind: 'status', status: 422, route: 'POST /accounts', key }) as const));
    await fake.clear('journal');
    await resumeService(muster, NAME);
    const requested = await requestSync(muster, NAME, { kind: 'due' });
    const sync = await syncEnd(muster, NAME, { id: requested.id, timeoutS: END_S });
    const usage = await usageOf(fake, LIMIT);
    await fake.fail();
    const retried = await retry(muster, sync.id);
    const figures = {
      accounts,
      failing: refused.length,
      usage,
      sync,
      reasons: await reasonsOf(muster, sync.id),
      retried,
      there: (await fake.accounts()).accounts,
    };
    options.log(
      `${sync.succeeded} done, ${sync.failed} failed, ${retried.succeeded} after the retry; ${usageInWords(usage)}`,
    );
    return reportOf(figures);
  } finally {
    await fake.stop();
    await muster.stop();
  }
}

async function retry(muster: BenchMuster, syncId: string): Promise<ShownSync> {
  const path = `/v1/services/${NAME}/syncs/${syncId}/retry`;
  const { sync } = await muster.client.call<{ sync: ShownSync }>({ method: 'POST', path });
  return syncEnd(muster, NAME, { id: sync.id, timeoutS: END_S });
}

/** How many failed for which reason, as the API lists them. */
async function reasonsOf(muster: BenchMuster, syncId: string): Promise<ReadonlyMap<string, number>> {
  const items = await muster.client.list<{ reason: string | null }>(
    { path: `/v1/services/${NAME}/syncs/${syncId}/items`, query: { outcome: 'failed' } },
    ACCOUNTS,
  );
  const reasons = new Map<string, number>();
  for (const { reason } of items) reasons.set(reason ?? 'none', (reasons.get(reason ?? 'none') ?? 0) + 1);
  return reasons;
}

function reportOf(figures: Failing): SectionReport {
  const { accounts, failing, usage, sync, reasons, retried, there } = figures;
  const words = [...reasons].map(([reason, count]) => `${count} x "${reason}"`).join(', ');
  return {
    method: paragraphs(
      `${accounts} accounts, a limit of ${LIMIT.limit} calls/s, ${LATENCY_MS} ms latency, two worker processes. The service answers 422 to the creation of every tenth account. Then the`,
      'cause is taken away and the sync is retried. A refused creation is a call like any other in the utilisation.',
    ),
    tables: [
      {
        columns: ['sync', 'accounts', 'succeeded', 'failed', 'of the limit'],
        rows: [
          ['first', String(sync.total), String(sync.succeeded), String(sync.failed), `${short(usage.percent)} %`],
          ['retry of the failed', String(retried.total), String(retried.succeeded), String(retried.failed), ''],
        ],
      },
    ],
    bars: [
      holds('the rest is done', sync.succeeded === accounts - failing, `${sync.succeeded} of ${accounts - failing}`),
      atLeast('of the limit', usage.percent, { value: 99, unit: ' %' }),
      holds('every failure is listed with its reason', listed(reasons) === failing, words),
      holds('the retry has them all', retried.succeeded === failing && there === accounts, `${there} of ${accounts}`),
    ],
  };
}

function listed(reasons: ReadonlyMap<string, number>): number {
  return [...reasons].reduce((sum, [reason, count]) => sum + (reason === 'none' ? 0 : count), 0);
}
