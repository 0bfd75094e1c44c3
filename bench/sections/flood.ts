import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { peakMemoryMib } from '../cpu';
import { watchMemory, workerPeakMib } from '../cost';
import { countsFolder, INSTANT, INSTANT_BY_GROUP, readCounts } from '../instant-counts';
import { startMuster } from '../muster';
import type { BenchMuster } from '../muster';
import { addService, atRest, grant } from '../scene';
import { atMost, holds, paragraphs, percentile, short } from '../section';
import type { BenchOptions, SectionReport } from '../section';
import { viewTemporal } from '../temporal';

interface Flood {
  readonly people: number;
  readonly groups: number;
  readonly memberships: number;
  readonly importS: number;
  readonly seconds: number;
  readonly runs: Readonly<Record<string, number>>;
  readonly calls: Readonly<Record<Target, ReturnType<typeof readCounts>>>;
  readonly workerMib: number;
  readonly apiMib: number;
  readonly memoryGrowth: number;
  readonly requestsMs: readonly number[];
  readonly heldUpMs: readonly number[];
}

const KINDS = { 'by-account': INSTANT, 'by-group': INSTANT_BY_GROUP } as const;
type Target = keyof typeof KINDS;
const TARGETS: readonly Target[] = ['by-account', 'by-group'];

const PEOPLE = 900;
const GROUPS = 900;
/** Groups of each person: 147,000 memberships in all. */
const EACH = 147_000 / PEOPLE;
const BYSTANDERS = 20;
const HELD_UP_MS = 200;
const ASK_EVERY_MS = 1_000;
const REST_S = 900;
const MEMORY_GROWTH = 1.5;

/** Point 8: a whole organisation with very many memberships in one import. */
export async function benchFlood(options: BenchOptions): Promise<SectionReport> {
  const people = options.people ?? PEOPLE;
  const muster = await startMuster({
    log: options.log,
    // Every wait for a lock that is longer stands in the log of the server.
    postgres: { log_lock_waits: 'on', deadlock_timeout: `${HELD_UP_MS}ms`, log_line_prefix: '[%a] ' },
  });
  try {
    const flood = await pour(muster, people, options);
    return reportOf(flood);
  } finally {
    await muster.stop();
  }
}

async function pour(muster: BenchMuster, people: number, options: BenchOptions): Promise<Flood> {
  const temporal = await viewTemporal(muster);
  for (const target of TARGETS) {
    const config = { counts: countsFolder(muster.home, target) };
    await addService(muster, { name: target, connector: KINDS[target], config, mapping: {} });
    await grant(muster, target, { state: 'Member' });
  }
  await importRoster(muster, rosterOf('bystander', { people: BYSTANDERS, each: 2 }));
  await atRest(muster.db, REST_S, ...TARGETS);
  const before = await temporal.runsByType();
  const bystanders = new Bystanders(muster);
  const memory = watchMemory(muster);
  const roster = rosterOf('flood', { people, each: Math.round(EACH) });
  const begun = performance.now();
  const asking = bystanders.ask();
  await importRoster(muster, roster);
  const importS = (performance.now() - begun) / 1_000;
  options.log(`imported in ${short(importS)} s`);
  await atRest(muster.db, REST_S, ...TARGETS);
  const seconds = (performance.now() - begun) / 1_000;
  memory.stop();
  bystanders.stop();
  await asking;
  const after = await temporal.runsByType();
  await temporal.close();
  options.log(`all there after ${short(seconds)} s`);
  return {
    people,
    groups: new Set(roster.flatMap(({ groups }) => groups)).size,
    memberships: roster.reduce((sum, { groups }) => sum + groups.length, 0),
    importS,
    seconds,
    runs: differenceOf(before, after),
    calls: { 'by-account': counted(muster, 'by-account'), 'by-group': counted(muster, 'by-group') },
    workerMib: workerPeakMib(muster),
    apiMib: peakMemoryMib(muster.parts().get('API') ?? 0) ?? 0,
    memoryGrowth: memory.meanMib(0.75, 1) / memory.meanMib(0.25, 0.5),
    requestsMs: bystanders.tookMs,
    heldUpMs: heldUp(muster.home),
  };
}

function counted(muster: BenchMuster, target: Target): ReturnType<typeof readCounts> {
  return readCounts(countsFolder(muster.home, target));
}

interface RosterPerson {
  readonly externalId: string;
  readonly username: string;
  readonly state: string;
  readonly groups: readonly string[];
}

function rosterOf(prefix: string, size: { readonly people: number; readonly each: number }): readonly RosterPerson[] {
  return Array.from({ length: size.people }, (_none, index) => ({
    externalId: `${prefix}-${index}`,
    username: `${prefix}-${index}`,
    state: 'Member',
    // A step without a common divisor with the number of groups: nobody is twice in one.
    groups: Array.from({ length: size.each }, (_nothing, nth) => `${prefix}-${(index * 11 + nth * 7) % GROUPS}`),
  }));
}

async function importRoster(muster: BenchMuster, users: readonly RosterPerson[]): Promise<void> {
  const content = Readable.from([JSON.stringify({ users })]);
  const stream = { content, contentType: 'application/json' };
  await muster.client.call({ method: 'POST', path: '/v1/imports', query: { mode: 'merge' }, stream });
}

/** People who are at work meanwhile: each request alters one of them, and waits for its answer only. */
class Bystanders {
  readonly tookMs: number[] = [];
  #stopped = false;

  constructor(private readonly muster: BenchMuster) {}

  async ask(): Promise<void> {
    for (let nth = 0; !this.#stopped; nth += 1) {
      const begun = performance.now();
      const path = `/v1/users/external:bystander-${nth % BYSTANDERS}`;
      await this.muster.client.call({ method: 'PATCH', path, body: { displayName: `At work ${nth}` } });
      this.tookMs.push(performance.now() - begun);
      await delay(ASK_EVERY_MS);
    }
  }

  stop(): void {
    this.#stopped = true;
  }
}

function differenceOf(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const names = Object.keys(after).filter((name) => (after[name] ?? 0) > (before[name] ?? 0));
  return Object.fromEntries(names.sort().map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]));
}

/** Waits of the API for locks of others that were longer than a person may be held up, in milliseconds. */
function heldUp(home: string): readonly number[] {
  const log = readFileSync(join(home, 'postgres', 'server.log'), 'utf8');
  return [...log.matchAll(/^\[muster api\].* acquired .* after ([\d.]+) ms/gm)].map(([, ms]) => Number(ms));
}

function reportOf(flood: Flood): SectionReport {
  const { people, groups, memberships, runs, calls } = flood;
  const total = Object.values(runs).reduce((sum, count) => sum + count, 0);
  const byGroup = calls['by-group'];
  return {
    method: paragraphs(
      `${people} people in ${groups} groups with ${memberships} memberships, none of them known before, in one import. Two services of an in-process target: one keeps memberships with`,
      'the account, one with the group; everybody has a right to both, every group is a group on both. One worker process. Meanwhile somebody else is altered every',
      `${ASK_EVERY_MS} ms by the API. PostgreSQL logs every wait for a lock over ${HELD_UP_MS} ms; those of the API's sessions count.`,
    ),
    tables: [
      {
        columns: [
          'service',
          'accounts made',
          'groups made',
          'sets of groups written',
          'changes of members',
          'members added',
        ],
        rows: TARGETS.map((target) => {
          const { created, groupsMade, groupsSet, memberChanges, membersAdded } = calls[target];
          return [target, ...[created, groupsMade, groupsSet, memberChanges, membersAdded].map(String)];
        }),
      },
      {
        columns: ['workflow', 'runs'],
        rows: [...Object.entries(runs).map(([name, count]) => [name, String(count)]), ['all', String(total)]],
      },
      {
        columns: ['what', 'figure'],
        rows: [
          ['answer of the import', `${short(flood.importS)} s`],
          ['everything at rest', `${short(flood.seconds)} s`],
          ['memory of worker and API, peak', `${flood.workerMib} and ${flood.apiMib} MiB`],
          ['requests of others, p50 / p95 / longest', times(flood.requestsMs)],
        ],
      },
    ],
    bars: [
      holds(
        'every membership is there',
        byGroup.membersAdded >= memberships && calls['by-account'].groupsSet >= people,
        `${byGroup.membersAdded} added by group`,
      ),
      atMost('changes of members for each group', byGroup.memberChanges / groups, { value: 1.1 }),
      atMost('workflow runs for each person and group', total / (people + 2 * groups), { value: 1 }),
      atMost('memory of the worker, late / early', flood.memoryGrowth, { value: MEMORY_GROWTH }),
      atMost('longest that a person was held up by a lock', Math.max(0, ...flood.heldUpMs), {
        value: HELD_UP_MS,
        unit: ' ms',
      }),
    ],
  };
}

function times(values: readonly number[]): string {
  return `${[0.5, 0.95, 1].map((part) => percentile(values, part).toFixed(0)).join(' / ')} ms`;
}
