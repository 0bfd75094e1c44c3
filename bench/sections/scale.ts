import type { Database } from '../../store/database';
import { costTable, cpuSince, markCpu, sumOf, watchMemory, workerPeakMib } from '../cost';
import type { AccountCost, MemoryCurve } from '../cost';
import { countsFolder, INSTANT, readCounts } from '../instant-counts';
import { startMuster } from '../muster';
import type { BenchMuster } from '../muster';
import { insertPeople } from '../people';
import { atRest, prepareService, requestSync, resumeService, syncsOf, unrest } from '../scene';
import { atMost, paragraphs, short } from '../section';
import type { Bar, BenchOptions, SectionReport } from '../section';
import { temporalBytes, viewTemporal } from '../temporal';
import type { Histories } from '../temporal';

interface Size {
  readonly accounts: number;
  readonly seconds: number;
  readonly cost: AccountCost;
  readonly peakMib: number;
  /** Late memory / early memory, of the largest worker. */
  readonly memoryGrowth: number;
  readonly histories: Histories;
  readonly temporalKib: number;
  readonly storeKib: number;
  /** Calls that made an account. */
  readonly made: number;
  readonly totals: Totals;
}

const SIZES = [10_000, 100_000];
const FULL_SIZES = [...SIZES, 1_000_000];
const LONGEST_S = 3 * 3_600;
const SERVICE = 'scale';
/** As docs/operations.md advises for so many accounts. */
const POSTGRES = { shared_buffers: '1GB', max_wal_size: '8GB', checkpoint_timeout: '15min' };
/** Accounts of another service that come before what is measured. */
const WARM = 20_000;
const FLAT = 1.25;
const MOST_EVENTS = 5_000;
const MOST_MIB = 5;

/** Point 4: what an account costs, and whether that stays so with many of them. */
export async function benchScale(options: BenchOptions): Promise<SectionReport> {
  const sizes: Size[] = [];
  const chosen = options.full ? FULL_SIZES : SIZES;
  for (const accounts of options.people === undefined ? chosen : [options.people, options.people * 10]) {
    const size = await measure(accounts, options);
    sizes.push(size);
    options.log(inWords(size));
  }
  return reportOf(sizes);
}

async function measure(accounts: number, options: BenchOptions): Promise<Size> {
  const muster = await startMuster({ log: options.log, postgres: POSTGRES });
  const counts = countsFolder(muster.home, SERVICE);
  try {
    await warmUp(muster);
    await insertPeople(muster.db, { prefix: SERVICE, count: accounts, group: SERVICE });
    const before = { cpu: markCpu(muster), temporal: temporalBytes(muster.home), store: await storeBytes(muster.db) };
    const begun = performance.now();
    await prepareService(muster, { name: SERVICE, connector: INSTANT, config: { counts } }, SERVICE);
    options.log(`${accounts} accounts are due after ${short((performance.now() - begun) / 1_000)} s`);
    const memory = watchMemory(muster);
    await resumeService(muster, SERVICE);
    await requestSync(muster, SERVICE, { kind: 'due' });
    await patiently(muster, options);
    memory.stop();
    const after = { seconds: (performance.now() - begun) / 1_000, used: cpuSince(muster, before.cpu) };
    return {
      accounts,
      seconds: after.seconds,
      cost: { used: after.used, accounts },
      peakMib: workerPeakMib(muster),
      memoryGrowth: growthOf(memory),
      histories: await historiesOf(muster),
      temporalKib: (temporalBytes(muster.home) - before.temporal) / 1024,
      storeKib: ((await storeBytes(muster.db)) - before.store) / 1024,
      made: readCounts(counts).created,
      totals: await totalsOf(muster),
    };
  } finally {
    await muster.stop();
  }
}

/** Code that runs for the first time costs more, and would be counted for the smallest size most of all. */
async function warmUp(muster: BenchMuster): Promise<void> {
  const name = 'warm-up';
  await insertPeople(muster.db, { prefix: name, count: WARM, group: name });
  const config = { counts: countsFolder(muster.home, name) };
  await prepareService(muster, { name, connector: INSTANT, config }, name);
  await resumeService(muster, name);
  await atRest(muster.db, TELL_S, name);
}

const TELL_S = 60;

/** Waits for the end, and says now and then how far it is. */
async function patiently(muster: BenchMuster, options: BenchOptions): Promise<void> {
  const deadline = performance.now() + LONGEST_S * 1_000;
  while (performance.now() < deadline) {
    const rested = await atRest(muster.db, TELL_S, SERVICE).then(
      () => true,
      () => false,
    );
    if (rested) return;
    const [sync] = await syncsOf(muster, SERVICE);
    options.log(`${sync?.succeeded ?? 0} of ${sync?.total ?? 0}`);
  }
  throw new Error(`not at rest: ${(await unrest(muster.db, SERVICE)) ?? ''}`);
}

function growthOf(memory: MemoryCurve): number {
  return memory.meanMib(0.75, 1) / memory.meanMib(0.25, 0.5);
}

async function historiesOf(muster: BenchMuster): Promise<Histories> {
  const temporal = await viewTemporal(muster);
  try {
    return await temporal.histories();
  } finally {
    await temporal.close();
  }
}

async function storeBytes(db: Database): Promise<number> {
  const found = await db.query<{ bytes: string }>('select pg_database_size(current_database())::text as bytes');
  return Number(found.rows[0]?.bytes);
}

interface Totals {
  /** Accounts that are there, as they should be. */
  readonly right: number;
  /** Items that have no outcome, or two. */
  readonly astray: number;
}

async function totalsOf(muster: BenchMuster): Promise<Totals> {
  const right = await muster.db.query<{ count: number }>(
    `select count(*) from accounts a join services s on s.id = a.service_id
     where s.name = $1 and a.status = 'active' and a.wanted_version = a.applied_version`,
    [SERVICE],
  );
  const syncs = await syncsOf(muster, SERVICE);
  const astrayOf = ({ succeeded, unchanged, skipped, failed, total }: (typeof syncs)[number]): number =>
    Math.abs(total - succeeded - unchanged - skipped - failed);
  return {
    right: Number(right.rows[0]?.count),
    astray: syncs.reduce((sum, sync) => sum + astrayOf(sync), 0),
  };
}

function inWords({ accounts, seconds, cost, peakMib, histories, made, totals }: Size): string {
  const ms = (sumOf(cost.used) * 1_000) / accounts;
  const counts = `made ${made}, right ${totals.right}, astray ${totals.astray}`;
  return `${accounts}: ${counts}; ${short(seconds)} s, ${short(ms)} ms of CPU an account, worker peak ${peakMib} MiB, longest history ${histories.longestEvents} events`;
}

function msOf({ cost, accounts }: Size): number {
  return (sumOf(cost.used) * 1_000) / accounts;
}

function reportOf(sizes: readonly Size[]): SectionReport {
  return {
    method: paragraphs(
      'One worker process, one API process, PostgreSQL and the Temporal development server. The target is in the worker and answers at once, so all that is',
      'measured is Muster: from adding the service to the last account, with expansion, staging, two steps an account (create, set groups) and the results. A fresh',
      'Muster for each size, which has provisioned 20,000 accounts of another service before; PostgreSQL has 1 GB of shared buffers, 8 GB of write-ahead log and a checkpoint every 15 minutes. Growth of memory: mean of the last quarter of the time / mean of the second quarter.',
    ),
    tables: [
      {
        columns: [
          'accounts',
          'time',
          'accounts/s',
          'worker peak',
          'growth of memory',
          'workflow runs',
          'longest history',
          'largest history',
          'Temporal, KiB per 1,000',
          'PostgreSQL, KiB per 1,000',
        ],
        rows: sizes.map((size) => [
          String(size.accounts),
          `${short(size.seconds)} s`,
          (size.accounts / size.seconds).toFixed(0),
          `${size.peakMib} MiB`,
          short(size.memoryGrowth),
          String(size.histories.runs),
          `${size.histories.longestEvents} events`,
          `${short(size.histories.largestMib)} MiB`,
          short((size.temporalKib * 1_000) / size.accounts),
          short((size.storeKib * 1_000) / size.accounts),
        ]),
      },
      costTable(sizes.map((size) => ({ what: String(size.accounts), cost: size.cost }))),
    ],
    bars: barsOf(sizes),
    remarks: sizes.some(({ accounts }) => accounts >= 1_000_000)
      ? []
      : ['The run over 1,000,000 accounts is left out unless `--full` is given.'],
  };
}

function barsOf(sizes: readonly Size[]): readonly Bar[] {
  const costs = sizes.map(msOf);
  const peaks = sizes.map(({ peakMib }) => peakMib);
  const largest = sizes.at(-1);
  return [
    atMost('CPU of an account, dearest / cheapest size', Math.max(...costs) / Math.min(...costs), { value: FLAT }),
    atMost('memory of the worker, largest size: late / early', largest?.memoryGrowth ?? Number.NaN, { value: FLAT }),
    atMost('memory of the worker, highest / lowest peak', Math.max(...peaks) / Math.min(...peaks), { value: FLAT }),
    atMost('longest history', Math.max(...sizes.map((size) => size.histories.longestEvents)), {
      value: MOST_EVENTS,
      unit: ' events',
    }),
    atMost('largest history', Math.max(...sizes.map((size) => size.histories.largestMib)), {
      value: MOST_MIB,
      unit: ' MiB',
    }),
    atMost(
      'accounts made more than once',
      differences(sizes, ({ made, accounts }) => made - accounts),
      { value: 0 },
    ),
    atMost(
      'accounts that are not as they should be',
      differences(sizes, ({ accounts, totals }) => accounts - totals.right),
      {
        value: 0,
      },
    ),
    atMost(
      'items of syncs that the totals do not count',
      differences(sizes, ({ totals }) => totals.astray),
      { value: 0 },
    ),
  ];
}

/** Of differences: one size cannot make up for another. */
function differences(sizes: readonly Size[], of: (size: Size) => number): number {
  return sizes.reduce((all, size) => all + Math.abs(of(size)), 0);
}
