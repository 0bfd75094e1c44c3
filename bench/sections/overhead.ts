import type { AccountProfile, CallContext, GroupRef, Manager } from '@muster/sdk';
import type { Database } from '../../store/database';
import { connector } from '../../test/fakes/throttled-connector';
import type { Fake } from '../../test/fakes/throttling-service/fake';
import { costTable, cpuSince, markCpu } from '../cost';
import type { AccountCost } from '../cost';
import { startFarSide, THROTTLED } from '../far-side';
import { startMuster } from '../muster';
import type { BenchMuster } from '../muster';
import { insertPeople } from '../people';
import { paceWithPostgres } from '../postgres-pace';
import {
  addService,
  atRest,
  expanded,
  pauseService,
  prepareService,
  requestSync,
  resumeService,
  syncEnd,
  until,
} from '../scene';
import { atLeast, atMost, paragraphs, short } from '../section';
import type { Bar, BenchOptions, SectionReport } from '../section';
import { viewTemporal } from '../temporal';

interface Run {
  readonly name: string;
  readonly latencyMs: number;
  readonly accounts: number;
  readonly wantedPercent: number | null;
}

interface Pace {
  readonly run: Pick<Run, 'name' | 'accounts'>;
  /** null = shown without a bar. */
  readonly wantedPercent: number | null;
  readonly loopPerSecond: number;
  readonly musterPerSecond: number;
  /** From asking for the work to its end, staging and all. */
  readonly musterSeconds: number;
  readonly cost: AccountCost;
}

const IN_FLIGHT = 16;
const IDLE_ACCOUNTS = 1_000_000;
const WARM = 1_000;
/** Of one account: create, set groups. */
const CALLS = 2;

const RUNS: readonly Run[] = [
  { name: '20 ms', latencyMs: 20, accounts: 12_000, wantedPercent: 80 },
  // How far the engine goes when a call is next to nothing: shown, while the bar is for a service that does something.
  { name: 'bare HTTP', latencyMs: 0, accounts: 20_000, wantedPercent: null },
];
const POSTGRES = { name: '0 ms, PostgreSQL', accounts: 6_000, wantedPercent: 60 } as const;

/** Point 3: what the engine adds to the calls, and what it costs to find that nothing is due. */
export async function benchOverhead(options: BenchOptions): Promise<SectionReport> {
  const muster = await startMuster({ log: options.log });
  const paces: Pace[] = [];
  try {
    for (const run of RUNS.filter(({ name }) => name.includes(options.only ?? ''))) {
      const pace = await compare(muster, { ...run, accounts: options.people ?? run.accounts });
      paces.push(pace);
      options.log(inWords(pace));
    }
    if (POSTGRES.name.includes(options.only ?? '')) {
      const accounts = options.people ?? POSTGRES.accounts;
      const pace = await paceWithPostgres(muster, { accounts, inFlight: IN_FLIGHT });
      const outcome = { run: { ...POSTGRES, accounts }, wantedPercent: POSTGRES.wantedPercent, ...pace };
      paces.push(outcome);
      options.log(inWords(outcome));
    }
    const idle = await checkIdle(muster, options.people ?? IDLE_ACCOUNTS);
    options.log(`nothing due: ${idle.accounts} accounts checked in ${short(idle.seconds)} s`);
    return reportOf(paces, idle);
  } finally {
    await muster.stop();
  }
}

async function compare(muster: BenchMuster, run: Run): Promise<Pace> {
  const fake = await startFarSide({ limits: [], latencyMs: run.latencyMs });
  try {
    // Both have the machine warm: code that runs for the first time is slow for either.
    await plainLoop(fake, WARM);
    await fake.clear('accounts', 'journal');
    const first = await plainLoop(fake, run.accounts);
    await fake.clear('accounts', 'journal');
    const { seconds, callsPerSecond, cost } = await provision(muster, run, fake);
    await fake.clear('accounts', 'journal');
    const second = await plainLoop(fake, run.accounts);
    return {
      run,
      wantedPercent: run.wantedPercent,
      loopPerSecond: (first + second) / 2,
      musterPerSecond: callsPerSecond,
      musterSeconds: seconds,
      cost,
    };
  } finally {
    await fake.stop();
  }
}

/** The same calls of the same manager without Muster; answers accounts a second. */
async function plainLoop(fake: Fake, accounts: number): Promise<number> {
  const { manager: ManagerClass } = connector;
  if (ManagerClass === undefined) throw new Error('the connector has no manager');
  const manager = new ManagerClass({ url: fake.url });
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < accounts) {
      next += 1;
      await create(manager, next);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return rateOf(fake, accounts);
}

async function create(manager: Manager, nth: number): Promise<void> {
  const name = `loop-${nth}`;
  const profile: AccountProfile = { name, nickname: name, displayName: name, email: null, attributes: {} };
  const key = { userId: name, owner: 'loop' };
  await manager.createAccount?.({ key, profile }, callContext());
  await manager.setGroups?.({ remoteId: name, name, key }, { wanted: [GROUP], managed: [GROUP] }, callContext());
}

const GROUP: GroupRef = { remoteId: 'crew', name: 'crew', key: 'crew' };

function callContext(): CallContext {
  return { signal: AbortSignal.timeout(15_000), timeoutMs: 15_000 };
}

async function rateOf(fake: Fake, accounts: number): Promise<number> {
  const { firstMs, lastMs } = await fake.summary();
  return (accounts * 1_000) / (lastMs - firstMs);
}

interface Provisioned {
  readonly seconds: number;
  readonly callsPerSecond: number;
  readonly cost: AccountCost;
}

async function provision(muster: BenchMuster, { name, accounts }: Run, fake: Fake): Promise<Provisioned> {
  const service = `o-${name.toLowerCase().replaceAll(' ', '')}`;
  await insertPeople(muster.db, { prefix: service, count: accounts, group: service });
  const settings = { name: service, connector: THROTTLED, config: { url: fake.url }, maxConcurrency: IN_FLIGHT };
  await prepareService(muster, settings, service);
  await fake.clear('journal');
  const temporal = await viewTemporal(muster);
  await until('the worker asks for work', 60, async () => (await temporal.pollers(service)) > 0);
  await temporal.close();
  const before = markCpu(muster);
  const begun = performance.now();
  await resumeService(muster, service);
  await atRest(muster.db, 600, service);
  const seconds = (performance.now() - begun) / 1_000;
  const cost = { used: cpuSince(muster, before), accounts };
  await pauseService(muster, service);
  const { mostWritesOfOne, accepted } = await fake.summary();
  if (mostWritesOfOne !== 1 || accepted !== CALLS * accounts)
    throw new Error(`${accepted} calls for ${accounts} accounts`);
  return { seconds, callsPerSecond: await rateOf(fake, accounts), cost };
}

interface Idle {
  readonly accounts: number;
  readonly seconds: number;
}

/** A sync over accounts of which none is due, from the request to its end. */
async function checkIdle(muster: BenchMuster, accounts: number): Promise<Idle> {
  const service = 'o-idle';
  const fake = await startFarSide({});
  try {
    await insertPeople(muster.db, { prefix: service, count: accounts, state: 'Guest' });
    await addService(muster, { name: service, connector: THROTTLED, config: { url: fake.url } });
    await expanded(muster.db, 600);
    await insertSettledAccounts(muster.db, service);
    const begun = performance.now();
    const { id } = await requestSync(muster, service, { kind: 'due' });
    const { total } = await syncEnd(muster, service, { id, timeoutS: 300 });
    if (total !== 0) throw new Error(`${total} accounts were due`);
    return { accounts, seconds: (performance.now() - begun) / 1_000 };
  } finally {
    await fake.stop();
  }
}

/** Accounts as a run over everybody leaves them. */
async function insertSettledAccounts(db: Database, service: string): Promise<void> {
  await db.query(
    `insert into accounts (service_id, user_id, username, status, remote_id, remote_name, wanted_version, applied_version)
     select s.id, u.id, u.username, 'active', u.id::text, u.username, 1, 1
     from services s, users u where s.name = $1 and u.username like $1 || '-%'`,
    [service],
  );
  await db.query('analyze accounts');
}

function inWords({ run, loopPerSecond, musterPerSecond, musterSeconds }: Pace): string {
  return `${run.name}: loop ${loopPerSecond.toFixed(0)}/s, Muster ${musterPerSecond.toFixed(0)}/s between first and last call, ${short(musterSeconds)} s in all`;
}

function reportOf(paces: readonly Pace[], idle: Idle): SectionReport {
  return {
    method: paragraphs(
      `One worker process, no limit, ${IN_FLIGHT} calls in flight, two calls an account (create, set groups). The service is the fake in a process of its own. The plain loop makes the same`,
      'calls of the same manager, before and after Muster in the same run (the mean counts), while Muster idles. Rates are accounts between the first and the',
      'last call as the service saw them; "in all" is from resuming the service, whose accounts are due already, to the end, with staging and recording.',
      'The bar without latency is held by a real service, PostgreSQL on this machine with its own connector, both timed in all; `bare HTTP` is the fake without any',
      'latency, whose calls take a fifth of a millisecond of the machine: it shows what the engine can do at most.',
      'Nothing due: a sync of the kind `due` over accounts of which none is due, from the request to its end.',
    ),
    tables: [
      {
        columns: ['latency', 'accounts', 'plain loop', 'Muster', 'Muster / loop', 'in all'],
        rows: paces.map((pace) => [
          pace.run.name,
          String(pace.run.accounts),
          `${pace.loopPerSecond.toFixed(0)}/s`,
          `${pace.musterPerSecond.toFixed(0)}/s`,
          `${short(percentOf(pace))} %`,
          `${short(pace.musterSeconds)} s`,
        ]),
      },
      costTable(paces.map(({ run, cost }) => ({ what: run.name, cost }))),
    ],
    bars: [
      ...paces.flatMap((pace): readonly Bar[] =>
        pace.wantedPercent === null
          ? []
          : [atLeast(`${pace.run.name}: Muster / loop`, percentOf(pace), { value: pace.wantedPercent, unit: ' %' })],
      ),
      atMost(`${idle.accounts} accounts, none due: checked in`, idle.seconds, { value: 5, unit: ' s' }),
    ],
  };
}

function percentOf({ loopPerSecond, musterPerSecond }: Pace): number {
  return (100 * musterPerSecond) / loopPerSecond;
}
