import type { RateLimit } from '../../domain/pacing';
import type { Fake, FakeFault } from '../../test/fakes/throttling-service/fake';
import { startFarSide, THROTTLED } from '../far-side';
import { startMuster } from '../muster';
import type { BenchMuster } from '../muster';
import { insertPeople } from '../people';
import { usageInWords, usageOf } from '../rate';
import type { Usage } from '../rate';
import { atRest, prepareService, resumeService, until } from '../scene';
import { atLeast, holds, paragraphs, short } from '../section';
import type { BenchOptions, SectionReport } from '../section';

interface Subject {
  readonly name: string;
  readonly fault: FakeFault | undefined;
}

interface Running extends Subject {
  readonly fake: Fake;
}

interface Healthy {
  readonly name: string;
  readonly usage: Usage;
}

interface Broken {
  readonly name: string;
  /** Why Muster had paused it, before the repair. */
  readonly pausedFor: string;
  /** How often it was called in the last half of the time. */
  readonly callsMeanwhile: number;
  readonly healedS: number;
}

const LIMIT: RateLimit = { kind: 'window', limit: 60, windowMs: 1_000 };
const LATENCY_MS = 20;
const DEFAULT_SECONDS = 60;
/** Of one account: create, set groups. */
const CALLS = 2;
const FEW = 200;
const HEAL_S = 240;
const BREAKER = { longestProbeSeconds: 30 };

const SUBJECTS: readonly Subject[] = [
  { name: 'well-1', fault: undefined },
  { name: 'well-2', fault: undefined },
  { name: 'hangs', fault: { kind: 'hang' } },
  { name: 'fails', fault: { kind: 'status', status: 500 } },
  { name: 'denies', fault: { kind: 'status', status: 401 } },
];

/** Point 6: three services are broken, two are well. */
export async function benchIsolation(options: BenchOptions): Promise<SectionReport> {
  const seconds = options.seconds ?? DEFAULT_SECONDS;
  const muster = await startMuster({ log: options.log, workers: options.workers ?? 2 });
  const running: Running[] = [];
  try {
    for (const subject of SUBJECTS) running.push(await prepare(muster, subject, seconds));
    for (const { fault, fake } of running) if (fault !== undefined) await fake.fail(fault);
    for (const { name } of running) await resumeService(muster, name);
    const well = running.filter(({ fault }) => fault === undefined);
    for (const { name } of well) await atRest(muster.db, seconds * 3, name);
    const healthy = await Promise.all(well.map(judgeHealthy));
    for (const one of healthy) options.log(`${one.name}: ${usageInWords(one.usage)}`);
    const broken = await repair(
      muster,
      running.filter(({ fault }) => fault !== undefined),
      seconds,
    );
    for (const one of broken)
      options.log(`${one.name}: paused for ${one.pausedFor}, well again after ${short(one.healedS)} s`);
    return reportOf(healthy, broken, seconds);
  } finally {
    await Promise.all(running.map(({ fake }) => fake.stop()));
    await muster.stop();
  }
}

async function prepare(muster: BenchMuster, subject: Subject, seconds: number): Promise<Running> {
  const { name, fault } = subject;
  const fake = await startFarSide({ limits: [LIMIT], latencyMs: LATENCY_MS });
  const count = fault === undefined ? Math.ceil((LIMIT.limit * seconds) / CALLS) : FEW;
  await insertPeople(muster.db, { prefix: name, count, group: name });
  const budget = { limits: [LIMIT] };
  const service = { name, connector: THROTTLED, config: { url: fake.url }, budget, breaker: BREAKER };
  await prepareService(muster, service, name);
  await fake.clear('journal');
  return { ...subject, fake };
}

async function judgeHealthy({ name, fake }: Running): Promise<Healthy> {
  return { name, usage: await usageOf(fake, LIMIT) };
}

/** Takes the faults away and waits; nobody touches Muster. */
async function repair(muster: BenchMuster, broken: readonly Running[], seconds: number): Promise<readonly Broken[]> {
  const pauses = new Map<string, string>();
  const meanwhile = new Map<string, number>();
  for (const { name, fake } of broken) {
    const { paused } = await muster.client.call<{ paused: { reason: string } | null }>({
      path: `/v1/services/${name}/status`,
    });
    pauses.set(name, paused?.reason ?? 'nothing');
    const since = Date.now() - (seconds * 1_000) / 2;
    meanwhile.set(name, (await fake.journal()).filter((call) => call.atMs >= since).length);
  }
  const begun = performance.now();
  await Promise.all(broken.map(({ fake }) => fake.fail()));
  return Promise.all(
    broken.map(async ({ name, fake }) => {
      await until(`${name} is well again`, HEAL_S, async () => (await fake.accounts()).accounts === FEW);
      await atRest(muster.db, HEAL_S, name);
      const healedS = (performance.now() - begun) / 1_000;
      return { name, pausedFor: pauses.get(name) ?? '', callsMeanwhile: meanwhile.get(name) ?? 0, healedS };
    }),
  );
}

const FULL_RATE_PERCENT = 99;

function reportOf(healthy: readonly Healthy[], broken: readonly Broken[], seconds: number): SectionReport {
  return {
    method: paragraphs(
      `Five services of ${LIMIT.limit} calls/s each begin at the same moment, in two worker processes: two are well, one never answers, one answers 500, one`,
      `answers 401 to everything, from their first call on. After about ${seconds} s the faults are taken away and nobody touches Muster; ${FEW} accounts wait on each`,
      `broken service. The longest pause between two probes is set to ${BREAKER.longestProbeSeconds} s.`,
    ),
    tables: [
      {
        columns: ['service that is well', 'of its limit', '429'],
        rows: healthy.map(({ name, usage }) => [name, `${short(usage.percent)} %`, String(usage.refused)]),
      },
      {
        columns: [
          'service that is broken',
          'paused for',
          `calls in the last ${short(seconds / 2)} s`,
          'all done after the repair',
        ],
        rows: broken.map((one) => [one.name, one.pausedFor, String(one.callsMeanwhile), `${short(one.healedS)} s`]),
      },
    ],
    bars: [
      ...healthy.map(({ name, usage }) =>
        atLeast(`${name}: of its limit`, usage.percent, { value: FULL_RATE_PERCENT, unit: ' %' }),
      ),
      ...broken.map(({ name, healedS }) =>
        holds(`${name}: converged with no hand on it`, healedS < HEAL_S, `after ${short(healedS)} s`),
      ),
    ],
  };
}
