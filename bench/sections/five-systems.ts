import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { bareClient } from '../bare-client';
import { startMuster } from '../muster';
import type { BenchMuster } from '../muster';
import { makeOrganisation } from '../organisation';
import type { BenchPerson } from '../organisation';
import { addService, expanded, grant, unrest } from '../scene';
import { holds, paragraphs, short } from '../section';
import type { BenchOptions, SectionReport } from '../section';
import { missingPrograms, pictureOf, startSystems } from '../systems';
import type { FarSystem, Picture } from '../systems';

const PEOPLE = 2_000;
const GROUPS = 300;
const WORKERS = 2;
const FIRST_KILL_S = 3;
const KILL_EVERY_S = 10;
/** In each roster: under kills without end a lease that was lost is hardly over when the next is. */
const KILLS = 4;
const REST_S = 1_800;
const LOOK_MS = 250;
/** Of so many, one leaves, one moves to other groups, one is renamed: below what the guard lets go by itself. */
const ONE_OF = 25;
/** Differences that are shown, of each system. */
const SHOWN = 5;

/** How one of the systems fared. */
export interface SystemOutcome {
  readonly name: string;
  readonly reader: string;
  /** From the grant to the last account of the first roster. */
  readonly seconds: number;
  readonly bareSeconds: number | undefined;
  /** What the reader found that should not be, or did not find; empty = exactly what should be. */
  readonly differences: readonly string[];
  readonly accounts: number;
  readonly memberships: number;
}

interface Outcome {
  readonly people: number;
  readonly kills: number;
  readonly secondRosterS: number;
  readonly systems: readonly SystemOutcome[];
}

/** One organisation into five real systems at once, the workers killed on the way; what is there says each system's own reader. */
export async function benchFiveSystems(options: BenchOptions): Promise<SectionReport> {
  const missing = missingPrograms();
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')} (.ci/install-servers)`);
  const people = makeOrganisation(options.people ?? PEOPLE, GROUPS);
  const outcome = await provisionFive(people, options.log);
  const bare = await bareSeconds(people, options.log);
  return reportOf({
    ...outcome,
    systems: outcome.systems.map((system) => ({ ...system, bareSeconds: bare.get(system.name) })),
  });
}

/** Two rosters, one after the other, both under kills; then each system is read. */
export async function provisionFive(people: readonly BenchPerson[], log: BenchOptions['log']): Promise<Outcome> {
  const systems = await startSystems();
  const muster = await startMuster({ log: () => undefined, workers: WORKERS, restarts: true });
  try {
    await importRoster(muster, people);
    await expanded(muster.db, 120);
    const begun = performance.now();
    for (const system of systems) await connect(muster, system);
    const first = await killUntilRest(muster, systems, log);
    const next = secondRoster(people);
    const changed = performance.now();
    await importRoster(muster, next);
    const second = await killUntilRest(muster, systems, log);
    const secondRosterS = (performance.now() - changed) / 1_000;
    const wanted = pictureOf(
      next.map(({ username }) => username),
      next.flatMap(({ username, groups }) => groups.map((group) => [username, group] as const)),
    );
    const outcomes: SystemOutcome[] = [];
    for (const system of systems) {
      const seconds = ((first.restAt.get(system.name) ?? Number.NaN) - begun) / 1_000;
      const outcome = await judge(system, wanted, seconds);
      log(
        `${system.name}: ${short(people.length / seconds)} accounts a second; ${outcome.differences.join('; ') || 'exact'}`,
      );
      outcomes.push(outcome);
    }
    return { people: people.length, kills: first.kills + second.kills, secondRosterS, systems: outcomes };
  } finally {
    await muster.stop();
    await Promise.all(systems.map((system) => system.stop()));
  }
}

async function importRoster(muster: BenchMuster, people: readonly BenchPerson[]): Promise<void> {
  const content = Readable.from([JSON.stringify({ users: people })]);
  const stream = { content, contentType: 'application/json' };
  await muster.client.call({ method: 'POST', path: '/v1/imports', stream });
}

async function connect(muster: BenchMuster, { name, connector, config }: FarSystem): Promise<void> {
  await addService(muster, { name, connector: connector.kind, config, mapping: {} });
  await grant(muster, name, { state: 'Member' });
}

/** The same people, of whom some leave, some are in other groups, and some have another name. */
function secondRoster(people: readonly BenchPerson[]): readonly BenchPerson[] {
  const others = new Map(people.map(({ groups }, index) => [index, groups]));
  return people.flatMap((person, index) => {
    if (index % ONE_OF === 0) return [];
    if (index % ONE_OF === 1) return [{ ...person, groups: others.get(people.length - 1 - index) ?? person.groups }];
    if (index % ONE_OF === 2) return [{ ...person, displayName: `${person.displayName} of the Sea` }];
    return [person];
  });
}

interface Rest {
  readonly kills: number;
  /** By system. */
  readonly restAt: ReadonlyMap<string, number>;
}

/** Kills one worker after the other until nothing is due on any system. */
async function killUntilRest(
  muster: BenchMuster,
  systems: readonly FarSystem[],
  log: BenchOptions['log'],
): Promise<Rest> {
  const restAt = new Map<string, number>();
  const begun = performance.now();
  let kills = 0;
  let nextKill = begun + FIRST_KILL_S * 1_000;
  for (;;) {
    for (const { name } of systems) {
      const left = await unrest(muster.db, name);
      if (left !== undefined) restAt.delete(name);
      else if (!restAt.has(name)) restAt.set(name, performance.now());
    }
    if (restAt.size === systems.length) return { kills, restAt };
    if (performance.now() > begun + REST_S * 1_000) throw new Error(`no rest: ${(await unrest(muster.db)) ?? ''}`);
    if (kills < KILLS && performance.now() >= nextKill) {
      muster.kill(`worker ${(kills % WORKERS) + 1}`);
      kills += 1;
      nextKill += KILL_EVERY_S * 1_000;
      log(`kill ${kills}; at rest: ${[...restAt.keys()].join(', ') || 'none'}`);
    }
    await delay(LOOK_MS);
  }
}

async function judge(system: FarSystem, wanted: Picture, seconds: number): Promise<SystemOutcome> {
  const found = await system.read();
  return {
    name: system.name,
    reader: system.reader,
    seconds,
    bareSeconds: undefined,
    differences: differencesOf(wanted, found),
    accounts: found.size,
    memberships: [...found.values()].reduce((sum, groups) => sum + groups.size, 0),
  };
}

function differencesOf(wanted: Picture, found: Picture): readonly string[] {
  const missing = [...wanted.keys()].filter((name) => !found.has(name));
  const strange = [...found.keys()].filter((name) => !wanted.has(name));
  const others = [...wanted].flatMap(([name, groups]) => {
    const there = found.get(name);
    if (there === undefined || isSame(there, groups)) return [];
    return [`${name} is in ${[...there].toSorted().join(' ')} instead of ${[...groups].toSorted().join(' ')}`];
  });
  const all = [
    ...missing.map((name) => `${name} is missing`),
    ...strange.map((name) => `${name} is too much`),
    ...others,
  ];
  return all.length <= SHOWN ? all : [...all.slice(0, SHOWN), `and ${all.length - SHOWN} more`];
}

function isSame(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  return left.size === right.size && [...left].every((one) => right.has(one));
}

/** On fresh systems, with the machine for themselves. */
async function bareSeconds(
  people: readonly BenchPerson[],
  log: BenchOptions['log'],
): Promise<ReadonlyMap<string, number>> {
  const systems = await startSystems();
  try {
    const measured = await Promise.all(
      systems.map(async ({ name, connector, config }) => {
        const seconds = await bareClient({ connector, config, people });
        log(`${name} without Muster: ${short(people.length / seconds)} accounts a second`);
        return [name, seconds] as const;
      }),
    );
    return new Map(measured);
  } finally {
    await Promise.all(systems.map((system) => system.stop()));
  }
}

function reportOf({ people, kills, secondRosterS, systems }: Outcome): SectionReport {
  return {
    method: paragraphs(
      `${people} people in ${GROUPS} groups, each in five, from one roster into five real systems at once, all on this machine: slapd,`,
      'PostgreSQL, scim2-server (PyPI), ejabberd and RabbitMQ, where a group is a virtual host and a membership the permission to use it. One API',
      `process and ${WORKERS} worker processes, of which one is killed (SIGKILL, started again by the supervisor) after ${FIRST_KILL_S} s and then`,
      `every ${KILL_EVERY_S} s, ${KILLS} times with each roster: ${kills} kills in all. When nothing is due any more, a second roster comes, in which one person of ${ONE_OF} has left, one is in`,
      'other groups and one has another name, under kills again. Then each system is read by a program that shares no code with its connector, and',
      'compared with the second roster: accounts, and groups of each.',
      '',
      'The rate is that of the first roster: people by the time from adding the services to the last account and membership of that system, with the',
      'kills. The bare client makes the same calls of the same managers in a plain loop, as many at a time, into five fresh systems at once, with',
      'no Muster, no database and no kill.',
    ),
    tables: [
      {
        columns: ['system', 'read by', 'accounts', 'memberships', 'Muster', 'bare client', 'share'],
        rows: systems.map((system) => rowOf(system, people)),
      },
    ],
    bars: systems.map(({ name, differences }) =>
      holds(`${name}: exactly what should be`, differences.length === 0, differences.join('; ') || 'so'),
    ),
    remarks: [`The second roster took ${short(secondRosterS)} s from its import to the last write.`],
  };
}

function rowOf(system: SystemOutcome, people: number): readonly string[] {
  const { name, reader, accounts, memberships, seconds, bareSeconds: bare } = system;
  const rate = (time: number | undefined): string => (time === undefined ? '' : `${short(people / time)}/s`);
  const share = bare === undefined ? '' : `${short((100 * bare) / seconds)} %`;
  return [name, reader, String(accounts), String(memberships), rate(seconds), rate(bare), share];
}
