import { setTimeout as delay } from 'node:timers/promises';
import type { RateLimit } from '../../domain/pacing';
import type { Fake } from '../../test/fakes/throttling-service/fake';
import { startFarSide, THROTTLED } from '../far-side';
import { startMuster } from '../muster';
import type { BenchMuster } from '../muster';
import { insertPeople } from '../people';
import { usageInWords, usageOf } from '../rate';
import type { Usage } from '../rate';
import { atRest, pauseService, prepareService, resumeService, unrest, until } from '../scene';
import { atLeast, atMost, paragraphs, short } from '../section';
import type { Bar, BenchOptions, SectionReport } from '../section';
import { viewTemporal } from '../temporal';
import type { TemporalView } from '../temporal';

interface Scene {
  readonly name: string;
  readonly limit: RateLimit;
  /** How the service speaks of its limit. */
  readonly dialect: string;
  /** Muster is not told the limit: it learns it from the headers. */
  readonly learned: boolean;
  readonly wantedPercent: number | undefined;
  /** 429s in so many calls that are allowed; 0 = none at all. */
  readonly refusedIn: number;
}

interface Outcome {
  readonly scene: Scene;
  readonly accounts: number;
  readonly usage: Usage;
  /** 429s after the first window. */
  readonly refusedLater: number;
}

const WINDOW_MS = 1_000;
const LATENCY_MS = 20;
const DEFAULT_SECONDS = 120;
const WORKERS = 4;
/** Of one account: create, set groups. */
const CALLS = 2;
/** Where the limit is learned a shorter run says enough. */
const LEARNING_SHARE = 0.25;
/** When the worker is killed: at this part of the time that the run should take. */
const KILL_AT = 0.4;

const SCENES: readonly Scene[] = [
  ...[50, 300].flatMap((limit) => [
    sceneOf({ kind: 'window', limit, windowMs: WINDOW_MS }, { wantedPercent: 99, refusedIn: 0 }),
    sceneOf({ kind: 'bucket', limit, windowMs: WINDOW_MS, burst: limit / 10 }, { wantedPercent: 99, refusedIn: 0 }),
    sceneOf({ kind: 'log', limit, windowMs: WINDOW_MS }, { wantedPercent: 98, refusedIn: 2_000 }),
  ]),
  ...['structured', 'github'].map((dialect) => ({
    name: `learned-${dialect}-50`,
    limit: { kind: 'window', limit: 50, windowMs: WINDOW_MS } as const,
    dialect,
    learned: true,
    wantedPercent: undefined,
    refusedIn: 0,
  })),
];

function sceneOf(limit: RateLimit, wanted: Pick<Scene, 'wantedPercent' | 'refusedIn'>): Scene {
  return { name: `${limit.kind}-${limit.limit}`, limit, dialect: 'retry-after', learned: false, ...wanted };
}

/** Point 1: at the limit and never over it, with four workers of which one is killed. */
export async function benchBudget(options: BenchOptions): Promise<SectionReport> {
  const seconds = options.seconds ?? DEFAULT_SECONDS;
  const workers = options.workers ?? WORKERS;
  const muster = await startMuster({ log: options.log, workers });
  const temporal = await viewTemporal(muster);
  const outcomes: Outcome[] = [];
  try {
    for (const scene of SCENES.filter(({ name }) => name.includes(options.only ?? ''))) {
      await muster.revive();
      const wanted = scene.learned ? Math.ceil(seconds * LEARNING_SHARE) : seconds;
      const outcome = await play({ muster, temporal, workers }, scene, wanted);
      outcomes.push(outcome);
      options.log(inWords(outcome));
    }
  } finally {
    await temporal.close();
    await muster.stop();
  }
  return reportOf(outcomes, workers);
}

interface Stage {
  readonly muster: BenchMuster;
  readonly temporal: TemporalView;
  readonly workers: number;
}

async function play(stage: Stage, scene: Scene, seconds: number): Promise<Outcome> {
  const { muster } = stage;
  const { limit, dialect, learned } = scene;
  const accounts = Math.ceil((limit.limit * seconds * 1_000) / limit.windowMs / CALLS);
  const fake = await startFarSide({ limits: [limit], latencyMs: LATENCY_MS, dialect });
  const name = `s-${scene.name}`;
  try {
    await insertPeople(muster.db, { prefix: scene.name, count: accounts, group: scene.name });
    const budget = learned ? {} : { limits: [limit] };
    const service = { name, connector: THROTTLED, config: { url: fake.url }, budget, maxConcurrency: 16 };
    await prepareService(muster, service, scene.name);
    await fake.clear('journal');
    await until('all workers ask for work', 60, async () => (await stage.temporal.pollers(name)) >= stage.workers);
    await resumeService(muster, name);
    const begun = performance.now();
    const killing = delay(seconds * KILL_AT * 1_000).then(() => muster.kill('worker 1'));
    await atRest(muster.db, seconds * 3 + 120, name);
    await killing;
    if ((performance.now() - begun) / 1_000 < seconds * KILL_AT) throw new Error('nobody was killed on the way');
    return await judge(fake, scene, accounts);
  } catch (error) {
    throw new Error(`${scene.name}: ${(await unrest(muster.db, name)) ?? 'at rest'}`, { cause: error });
  } finally {
    await fake.stop();
    await pauseService(muster, name);
  }
}

async function judge(fake: Fake, scene: Scene, accounts: number): Promise<Outcome> {
  const usage = await usageOf(fake, scene.limit);
  const { windowMs } = scene.limit;
  const firstWindowEndMs = (Math.floor(usage.firstMs / windowMs) + 1) * windowMs;
  const refusals = (await fake.journal()).filter((call) => call.status === 429);
  const { accounts: made } = await fake.accounts();
  if (made !== accounts) throw new Error(`${made} of ${accounts} accounts were made`);
  return {
    scene,
    accounts,
    usage,
    refusedLater: refusals.filter((call) => call.atMs >= firstWindowEndMs).length,
  };
}

function inWords({ scene, usage }: Outcome): string {
  return `${scene.name}: ${usageInWords(usage)}, at most ${usage.mostWrites} write(s) of one account`;
}

function reportOf(outcomes: readonly Outcome[], workers: number): SectionReport {
  return {
    method: paragraphs(
      `${workers} worker processes, of which one is killed (SIGKILL, not started again) at ${KILL_AT * 100} % of the time; one API process, PostgreSQL and the Temporal`,
      `development server, all on this machine. The service is the throttling fake in a process of its own, ${LATENCY_MS} ms latency; what it counted is what`,
      'counts. Each account is two calls (create, set groups). Utilisation is accepted calls / (limit x time between the first and the last call). A bucket',
      'holds a tenth of its limit. "Learned": Muster is told nothing and reads the limit from headers (`RateLimit` of the IETF draft; `X-RateLimit-*`).',
    ),
    tables: [
      {
        columns: [
          'limit',
          'accounts',
          'time',
          'utilisation',
          '429',
          'most in any window',
          'most writes of one account',
        ],
        rows: outcomes.map(({ scene, accounts, usage }) => [
          scene.name,
          String(accounts),
          `${short(usage.seconds)} s`,
          `${short(usage.percent)} %`,
          `${usage.refused} of ${usage.accepted + usage.refused}`,
          String(usage.mostInWindow),
          String(usage.mostWrites),
        ]),
      },
    ],
    bars: outcomes.flatMap(barsOf),
  };
}

function barsOf({ scene, usage, refusedLater }: Outcome): readonly Bar[] {
  const { percent, refused, accepted, mostWrites } = usage;
  const allowed = scene.refusedIn === 0 ? 0 : Math.ceil(accepted / scene.refusedIn);
  const refusals = scene.learned
    ? atMost(`${scene.name}: 429 after the first window`, refusedLater, { value: 0 })
    : atMost(`${scene.name}: 429`, refused, { value: allowed });
  return [
    ...(scene.wantedPercent === undefined
      ? []
      : [atLeast(`${scene.name}: utilisation`, percent, { value: scene.wantedPercent, unit: ' %' })]),
    refusals,
    atMost(`${scene.name}: writes of one account`, mostWrites, { value: 1 }),
  ];
}
