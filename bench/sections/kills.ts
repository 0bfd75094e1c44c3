import { setTimeout as delay } from 'node:timers/promises';
import type { RateLimit } from '../../domain/pacing';
import type { FakeCall } from '../../test/fakes/throttling-service/fake';
import { startFarSide, THROTTLED } from '../far-side';
import { startMuster } from '../muster';
import type { BenchMuster, Part } from '../muster';
import { insertPeople } from '../people';
import { usageInWords, usageOf } from '../rate';
import type { Usage } from '../rate';
import { accountsOf, prepareService, requestSync, resumeService, unrest } from '../scene';
import type { ShownSync } from '../scene';
import { atMost, holds, paragraphs, short } from '../section';
import type { Bar, BenchOptions, SectionReport } from '../section';

interface Scene {
  readonly name: string;
  readonly victims: readonly Part[];
  readonly everyS: number;
}

interface Kill {
  readonly part: Part;
  readonly atMs: number;
}

interface Outcome {
  readonly scene: Scene;
  readonly kills: readonly Kill[];
  readonly accounts: number;
  readonly active: number;
  readonly seconds: number;
  readonly usage: Usage;
  /** Accounts that were written more than once, and writes that no kill explains. */
  readonly rewritten: number;
  readonly unexplained: number;
  readonly syncs: readonly ShownSync[];
}

const LIMIT: RateLimit = { kind: 'window', limit: 120, windowMs: 1_000 };
const LATENCY_MS = 20;
const ACCOUNTS = 5_000;
const WORKERS = 3;
/** Of one account: create, set groups. */
const CALLS = 2;
const REST_S = 300;
/** A call that was on its way when its worker died may arrive so much later. */
const ON_ITS_WAY_MS = 500;

const SCENES: readonly Scene[] = [
  { name: 'workers', victims: ['worker 1', 'worker 2', 'worker 3'], everyS: 10 },
  { name: 'servers', victims: ['Temporal', 'PostgreSQL'], everyS: 20 },
];

/** Point 5: `kill -9` again and again through one run. */
export async function benchKills(options: BenchOptions): Promise<SectionReport> {
  const outcomes: Outcome[] = [];
  for (const scene of SCENES.filter(({ name }) => name.includes(options.only ?? ''))) {
    const outcome = await play(scene, options);
    outcomes.push(outcome);
    options.log(inWords(outcome));
  }
  return reportOf(outcomes);
}

async function play(scene: Scene, options: BenchOptions): Promise<Outcome> {
  const accounts = options.people ?? ACCOUNTS;
  const muster = await startMuster({ log: () => undefined, workers: WORKERS, restarts: true });
  const fake = await startFarSide({ limits: [LIMIT], latencyMs: LATENCY_MS });
  const name = `k-${scene.name}`;
  try {
    await insertPeople(muster.db, { prefix: scene.name, count: accounts, group: scene.name });
    const budget = { limits: [LIMIT] };
    await prepareService(muster, { name, connector: THROTTLED, config: { url: fake.url }, budget }, scene.name);
    await fake.clear('journal');
    const begun = performance.now();
    await resumeService(muster, name);
    await requestSync(muster, name, { kind: 'due' });
    const kills = await killUntilRest(muster, scene, name);
    const seconds = (performance.now() - begun) / 1_000;
    const writes = writesByTarget(await fake.journal());
    const { accounts: made } = await fake.accounts();
    return {
      scene,
      kills,
      accounts,
      active: Math.min(made, (await accountsOf(muster.db, name))['active'] ?? 0),
      seconds,
      usage: await usageOf(fake, LIMIT),
      rewritten: writes.filter((times) => times.length > 1).length,
      unexplained: writes.reduce((sum, times) => sum + unexplained(times, kills), 0),
      syncs: await allSyncs(muster, name),
    };
  } finally {
    await fake.stop();
    await muster.stop();
  }
}

/** Kills one victim after the other until nothing is due any more. A server that is away at the moment counts as "not yet". */
async function killUntilRest(muster: BenchMuster, scene: Scene, service: string): Promise<readonly Kill[]> {
  const kills: Kill[] = [];
  const deadline = performance.now() + REST_S * 1_000;
  let nextKill = performance.now() + scene.everyS * 1_000;
  for (;;) {
    const left = await unrest(muster.db, service).catch(() => 'the database does not answer');
    if (left === undefined) return kills;
    if (performance.now() > deadline) throw new Error(`${scene.name}: ${left}`);
    if (performance.now() >= nextKill) {
      const part = scene.victims[kills.length % scene.victims.length] ?? '';
      kills.push({ part, atMs: Date.now() });
      muster.kill(part);
      nextKill += scene.everyS * 1_000;
    }
    await delay(100);
  }
}

/** When each account was written, for each kind of write. */
function writesByTarget(journal: readonly FakeCall[]): readonly (readonly number[])[] {
  const writes = new Map<string, number[]>();
  for (const { route, key, status, atMs } of journal) {
    if (status === 429 || key === undefined || route.startsWith('GET') || route.includes('/groups/')) continue;
    const target = `${route} ${key}`;
    writes.set(target, [...(writes.get(target) ?? []), atMs]);
  }
  return [...writes.values()];
}

/** Writes of one account that came again without a kill in between. */
function unexplained(times: readonly number[], kills: readonly Kill[]): number {
  return times.filter((atMs, index) => {
    const before = times[index - 1];
    if (before === undefined) return false;
    return !kills.some((kill) => kill.atMs >= before - ON_ITS_WAY_MS && kill.atMs <= atMs);
  }).length;
}

async function allSyncs(muster: BenchMuster, service: string): Promise<readonly ShownSync[]> {
  return muster.client.list<ShownSync>({ path: `/v1/services/${service}/syncs` }, 500);
}

function addsUp({ total, succeeded, unchanged, skipped, failed }: ShownSync): boolean {
  return total === succeeded + unchanged + skipped + failed;
}

function inWords(outcome: Outcome): string {
  const { scene, kills, active, accounts, seconds, rewritten, unexplained: again, usage } = outcome;
  return `${scene.name}: ${kills.length} kills, ${active} of ${accounts} done in ${short(seconds)} s, ${rewritten} accounts written again, ${again} of these without a kill; ${usageInWords(usage)}`;
}

function reportOf(outcomes: readonly Outcome[]): SectionReport {
  return {
    method: paragraphs(
      `${WORKERS} worker processes under the supervisor that \`npm start\` uses, a limit of ${LIMIT.limit} calls/s, ${LATENCY_MS} ms latency, ${CALLS} calls an account. In the first scene a worker is`,
      'killed (SIGKILL) every 10 s, in turn; in the second Temporal and PostgreSQL, in turn, every 20 s. What the fake has in its journal is what counts: a',
      'write of an account that came again is explained when a kill lies between the two.',
    ),
    tables: [
      {
        columns: ['killed', 'kills', 'accounts', 'time', 'of the limit', '429', 'written again', 'without a kill'],
        rows: outcomes.map((outcome) => [
          outcome.scene.victims.join(', '),
          String(outcome.kills.length),
          `${outcome.active} of ${outcome.accounts}`,
          `${short(outcome.seconds)} s`,
          `${short(outcome.usage.percent)} %`,
          String(outcome.usage.refused),
          String(outcome.rewritten),
          String(outcome.unexplained),
        ]),
      },
    ],
    bars: outcomes.flatMap(barsOf),
    remarks: [
      'The places of a kill within the work on one account and the stages of create, alter, remove and bulk are in `npm run test:slow` (test/faults/worker-cuts.slow.ts, kill-matrix.slow.ts).',
    ],
  };
}

function barsOf({ scene, active, accounts, unexplained: again, syncs }: Outcome): readonly Bar[] {
  return [
    holds(`${scene.name}: every account is there`, active === accounts, `${active} of ${accounts}`),
    atMost(`${scene.name}: writes beyond one for each kill`, again, { value: 0 }),
    holds(`${scene.name}: the totals of every sync add up`, syncs.every(addsUp)),
  ];
}
