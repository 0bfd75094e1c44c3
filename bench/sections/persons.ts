import { setTimeout as delay } from 'node:timers/promises';
import type { RateLimit } from '../../domain/pacing';
import type { Fake, FakeCall } from '../../test/fakes/throttling-service/fake';
import { startFarSide, THROTTLED } from '../far-side';
import { startMuster } from '../muster';
import type { BenchMuster } from '../muster';
import { idsOf, insertPeople } from '../people';
import { addService, atRest, expanded, grant, pauseService, resumeService } from '../scene';
import { atLeast, atMost, paragraphs, percentile, short } from '../section';
import type { BenchOptions, SectionReport } from '../section';

interface Load {
  readonly name: string;
  readonly limit: RateLimit;
  /** Operations of persons begun in a second, however long the ones before take. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Accounts of bulk that are due while they work; 0 = none, for comparison. */
  readonly bulk: number;
  /** Of the state of its persons: every state has one of its own. */
  readonly priority: number;
}

interface Measured {
  readonly load: Load;
  readonly tookMs: readonly number[];
  readonly unfinished: number;
  readonly refused: number;
  /** Calls in a second while both worked. */
  readonly bulkPerSecond: number;
  readonly personsPerSecond: number;
  /** Bulk's part of all calls, once what persons had reserved before it asked is used up. */
  readonly bulkPart: number;
}

const LATENCY_MS = 20;
const WORKERS = 4;
const DEFAULT_SECONDS = 30;
const PREFER_S = 30;
/** What persons have reserved when bulk's share begins to count comes first. */
const SHARE_AFTER_MS = 5_000;
/** People with an account, who alter something; every second operation is somebody new instead. */
const SETTLED_PEOPLE = 60;

/** Point 2: persons while a bulk run uses the whole budget, and bulk while persons want more than there is. */
export async function benchPersons(options: BenchOptions): Promise<SectionReport> {
  const seconds = options.seconds ?? DEFAULT_SECONDS;
  const muster = await startMuster({ log: options.log, workers: options.workers ?? WORKERS });
  const measured: Measured[] = [];
  try {
    for (const load of loadsOf(seconds).filter(({ name }) => name.includes(options.only ?? ''))) {
      const figures = await measure(muster, load);
      measured.push(figures);
      options.log(inWords(figures));
    }
  } finally {
    await muster.stop();
  }
  return reportOf(measured, seconds);
}

function loadsOf(seconds: number): readonly Load[] {
  const window = (limit: number): RateLimit => ({ kind: 'window', limit, windowMs: 1_000 });
  const busy = (limit: number) => limit * (seconds + 10);
  return [
    { name: 'nobody-else', limit: window(300), perSecond: 2, bulk: 0 },
    { name: 'bulk-300', limit: window(300), perSecond: 2, bulk: busy(300) },
    { name: 'bulk-50', limit: window(50), perSecond: 2, bulk: busy(50) },
    { name: 'too-many-persons', limit: window(5), perSecond: 8, bulk: busy(5) },
  ].map((load, index) => ({ ...load, seconds, priority: 1_000 + index }));
}

async function measure(muster: BenchMuster, load: Load): Promise<Measured> {
  const fake = await startFarSide({ limits: [load.limit], latencyMs: LATENCY_MS });
  const name = `p-${load.name}`;
  const state = `Person of ${load.name}`;
  try {
    await muster.client.call({ method: 'POST', path: '/v1/states', body: { name: state, priority: load.priority } });
    await insertPeople(muster.db, { prefix: `${load.name}-settled`, count: SETTLED_PEOPLE, state });
    await insertPeople(muster.db, { prefix: `${load.name}-bulk`, count: load.bulk, group: load.name });
    const budget = { limits: [load.limit] };
    await addService(muster, { name, connector: THROTTLED, config: { url: fake.url }, budget, maxConcurrency: 16 });
    await grant(muster, name, { state });
    await atRest(muster.db, 120, name);
    await pauseService(muster, name);
    if (load.bulk > 0) await grant(muster, name, { group: load.name });
    await expanded(muster.db, 120);
    await resumeService(muster, name);
    const settled = await idsOf(muster.db, `${load.name}-settled`, SETTLED_PEOPLE);
    if (load.bulk > 0) await delay(3_000);
    return await workAsPersons(muster, { load, fake, settled, state });
  } finally {
    await fake.stop();
    await pauseService(muster, name);
  }
}

interface Persons {
  readonly load: Load;
  readonly fake: Fake;
  readonly settled: readonly string[];
  readonly state: string;
}

async function workAsPersons(muster: BenchMuster, persons: Persons): Promise<Measured> {
  const { load, fake } = persons;
  const tookMs: number[] = [];
  const asked: Promise<void>[] = [];
  const ids = new Set(persons.settled);
  let unfinished = 0;
  const fromMs = Date.now();
  for (let nth = 0; nth < load.perSecond * load.seconds; nth += 1) {
    await delay(Math.max(0, fromMs + (nth * 1_000) / load.perSecond - Date.now()));
    asked.push(
      ask(muster, persons, nth).then(({ userId, ended, ms }) => {
        ids.add(userId);
        if (ended) tookMs.push(ms);
        else unfinished += 1;
      }),
    );
  }
  const toMs = Date.now();
  await Promise.all(asked);
  const calls = (await fake.journal()).filter((call) => call.atMs >= fromMs && call.atMs < toMs);
  const ofPersons = (call: FakeCall): boolean => call.key !== undefined && ids.has(call.key);
  const accepted = calls.filter((call) => call.status !== 429);
  const spanS = (toMs - fromMs) / 1_000;
  return {
    load,
    tookMs,
    unfinished,
    refused: calls.length - accepted.length,
    personsPerSecond: accepted.filter(ofPersons).length / spanS,
    bulkPerSecond: accepted.filter((call) => !ofPersons(call)).length / spanS,
    bulkPart: partOf(
      accepted.filter((call) => call.atMs >= fromMs + SHARE_AFTER_MS),
      (call) => !ofPersons(call),
    ),
  };
}

function partOf(calls: readonly FakeCall[], counts: (call: FakeCall) => boolean): number {
  return calls.length === 0 ? 0 : calls.filter(counts).length / calls.length;
}

interface Asked {
  readonly userId: string;
  readonly ended: boolean;
  readonly ms: number;
}

/** One operation as a person's browser sees it: from the request to its answer, which comes when the account is as asked. */
async function ask(muster: BenchMuster, { load, settled, state }: Persons, nth: number): Promise<Asked> {
  const known = nth % 2 === 0 ? settled[(nth / 2) % settled.length] : undefined;
  const begun = performance.now();
  const call =
    known === undefined
      ? ({ method: 'POST', path: '/v1/users', body: { username: `${load.name}-new-${nth}`, state } } as const)
      : ({ method: 'PATCH', path: `/v1/users/${known}`, body: { displayName: `Renamed ${nth}` } } as const);
  const { operation, user } = await muster.client.call<{ operation: { status: string }; user: { id: string } }>({
    ...call,
    headers: { prefer: `wait=${PREFER_S}` },
  });
  return { userId: user.id, ended: operation.status === 'succeeded', ms: performance.now() - begun };
}

function inWords({ load, tookMs, unfinished, personsPerSecond, bulkPerSecond }: Measured): string {
  const ms = [0.5, 0.95, 1].map((part) => percentile(tookMs, part).toFixed(0)).join('/');
  return `${load.name}: p50/p95/max ${ms} ms of ${tookMs.length}, ${unfinished} unfinished; calls a second: persons ${short(personsPerSecond)}, bulk ${short(bulkPerSecond)}`;
}

function reportOf(measured: readonly Measured[], seconds: number): SectionReport {
  return {
    method: paragraphs(
      `Four worker processes, a fixed window as limit, ${LATENCY_MS} ms latency. While a bulk run has more due than the time allows, single operations begin at`,
      `a fixed rate for ${seconds} s, however long the ones before take: every other one alters a person who has an account, the others add a person.`,
      'Measured from the HTTP request to its answer with `Prefer: wait`, which comes when the account is as it should be. `nobody-else` is the same without',
      'bulk. In `too-many-persons` persons alone ask for more than the whole limit, to see what bulk keeps.',
    ),
    tables: [
      {
        columns: [
          'load',
          'limit',
          'operations',
          'p50',
          'p95',
          'longest',
          'persons, calls/s',
          'bulk, calls/s',
          'used',
          '429',
        ],
        rows: measured.map((figures) => [
          figures.load.name,
          `${figures.load.limit.limit}/s`,
          `${figures.tookMs.length} (${figures.unfinished} not in ${PREFER_S} s)`,
          ...[0.5, 0.95, 1].map((part) => `${percentile(figures.tookMs, part).toFixed(0)} ms`),
          short(figures.personsPerSecond),
          short(figures.bulkPerSecond),
          `${short(usedPercent(figures))} %`,
          String(figures.refused),
        ]),
      },
    ],
    bars: measured.flatMap(barsOf),
  };
}

function usedPercent({ load, personsPerSecond, bulkPerSecond }: Measured): number {
  return (100 * (personsPerSecond + bulkPerSecond)) / load.limit.limit;
}

/** The part of all calls that bulk must keep however many persons come: its lane has one permit in five. */
const BULK_KEEPS_PERCENT = 19;
const USED_PERCENT = 98;

function barsOf(figures: Measured) {
  const { load, tookMs, unfinished, bulkPart } = figures;
  if (load.bulk === 0) return [];
  if (load.perSecond > load.limit.limit) {
    return [
      atLeast(`${load.name}: bulk keeps of all calls`, 100 * bulkPart, { value: BULK_KEEPS_PERCENT, unit: ' %' }),
    ];
  }
  return [
    atMost(`${load.name}: p95 of persons`, percentile(tookMs, 0.95), { value: 1_000, unit: ' ms' }),
    atMost(`${load.name}: operations of persons that did not end`, unfinished, { value: 0 }),
    atLeast(`${load.name}: persons and bulk together use of the limit`, usedPercent(figures), {
      value: USED_PERCENT,
      unit: ' %',
    }),
  ];
}
