import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { countsFolder, INSTANT, readCounts } from '../instant-counts';
import { startMuster } from '../muster';
import type { BenchMuster } from '../muster';
import { addService, atRest, grant, requestSync, syncEnd, until } from '../scene';
import { holds, paragraphs } from '../section';
import type { Bar, BenchOptions, SectionReport, Table } from '../section';
import { SCHEDULES } from '../../workflows/contracts';

interface Person {
  readonly externalId: string;
  readonly username: string;
  readonly displayName: string;
  readonly state: string;
  readonly groups: readonly string[];
}

interface Path {
  readonly path: string;
  /** Removals that the target saw during it, over all services. */
  readonly removed: number;
  /** What the guard allows without a person: 0 where all is known at once, else what a service may lose in 24 hours. */
  readonly allowed: number;
  readonly staged: number;
}

const PEOPLE = 500;
const MISSING = 0.3;
const REST_S = 300;
/** The target writes its counts down a moment later. */
const WRITTEN_MS = 500;
const CREW = 'crew';
/** Each loses its entitlement in a way of its own; all lose it by the imports. */
const SERVICES = ['by-state', 'by-group', 'validated', 'compared', 'scheduled', 'one-by-one'] as const;
type Service = (typeof SERVICES)[number];

/** Point 7: many lose their right at once, in every way there is. */
export async function benchGuard(options: BenchOptions): Promise<SectionReport> {
  const muster = await startMuster({ log: options.log });
  try {
    const stage = await Stage.build(muster, options.people ?? PEOPLE);
    const paths: Path[] = [];
    const note = (path: Path): void => {
      paths.push(path);
      options.log(`${path.path}: ${path.removed} removed, ${path.staged} wait`);
    };
    const bars = await importPaths(stage, note);
    await liveness(stage, note);
    return reportOf(stage, paths, [...bars, ...paths.map(barOf)]);
  } finally {
    await muster.stop();
  }
}

/** A Muster in which everybody has an account on every service, and the few things that are done to it. */
class Stage {
  readonly grants = new Map<Service, string>();
  #removedBefore = 0;

  private constructor(
    readonly muster: BenchMuster,
    readonly people: readonly Person[],
  ) {}

  static async build(muster: BenchMuster, count: number): Promise<Stage> {
    const people = Array.from({ length: count }, (_none, index) => personOf(index));
    const stage = new Stage(muster, people);
    for (const name of SERVICES) {
      await addService(muster, { name, connector: INSTANT, config: { counts: countsFolder(muster.home, name) } });
      const to = name === 'by-group' ? { group: CREW } : { state: 'Member' };
      if (name === 'by-group') await muster.client.call({ method: 'POST', path: '/v1/groups', body: { name: CREW } });
      stage.grants.set(name, await grant(muster, name, to));
    }
    await stage.import(people);
    return stage;
  }

  async import(people: readonly Person[], allowEmpty = false): Promise<void> {
    const content = Readable.from([JSON.stringify({ users: people })]);
    const query = allowEmpty ? { allowEmpty: true } : {};
    const stream = { content, contentType: 'application/json' };
    await this.muster.client.call({ method: 'POST', path: '/v1/imports', query, stream });
    await this.rest();
  }

  rest(): Promise<void> {
    return atRest(this.muster.db, REST_S, ...SERVICES);
  }

  /** What one service may lose in 24 hours by itself. */
  get allowance(): number {
    return Math.max(10, Math.min(Math.floor(this.people.length / 10), 1_000));
  }

  count(what: 'removed' | 'created' | 'updated', ...services: readonly Service[]): number {
    const chosen = services.length === 0 ? SERVICES : services;
    return chosen.reduce((sum, name) => sum + readCounts(countsFolder(this.muster.home, name))[what], 0);
  }

  /** How a path ended: what was removed since the one before. */
  async judge(path: string, allowed: number): Promise<Path> {
    await this.rest();
    await delay(WRITTEN_MS);
    const removed = this.count('removed') - this.#removedBefore;
    this.#removedBefore += removed;
    return { path, removed, allowed, staged: await this.staged() };
  }

  async staged(): Promise<number> {
    const found = await this.muster.db.query<{ open: number }>(
      'select count(*)::integer as open from guard_staged where decision is null and done_at is null',
    );
    return found.rows[0]?.open ?? 0;
  }

  async decide(verb: 'approve' | 'reject'): Promise<void> {
    for (const name of SERVICES) {
      const body = { ids: 'all', reason: 'a bench' };
      await this.muster.client.call({ method: 'POST', path: `/v1/services/${name}/guard/${verb}`, body });
    }
    await this.rest();
  }
}

function personOf(index: number): Person {
  const username = `guard${index}`;
  return { externalId: username, username, displayName: `Person ${index}`, state: 'Member', groups: [CREW] };
}

/** A source with 30 % missing and an empty one; the rest of the roster is altered, and there is somebody new. */
async function importPaths(stage: Stage, note: (path: Path) => void): Promise<readonly Bar[]> {
  const { people } = stage;
  const leaving = Math.round(people.length * MISSING);
  const staying = people.slice(leaving).map((person) => ({ ...person, displayName: `${person.displayName}, renamed` }));
  const roster = [...staying, personOf(people.length)];
  const updatedBefore = stage.count('updated');
  await stage.import(roster);
  const first = await stage.judge('import with 30 % missing', 0);
  note(first);
  const applied = stage.count('updated') - updatedBefore;
  const created = stage.count('created');
  const bars = [
    holds('30 % missing: exactly these wait', first.staged === leaving * SERVICES.length, String(first.staged)),
    holds(
      '30 % missing: the rest of the import is applied',
      applied === staying.length * SERVICES.length && created === (people.length + 1) * SERVICES.length,
      `${applied} altered, ${created - people.length * SERVICES.length} new`,
    ),
  ];
  await stage.decide('reject');
  await stage.import(roster);
  const again = await stage.judge('the same import after it was rejected', 0);
  note(again);
  bars.push(holds('a rejected removal is not staged again', again.staged === 0, String(again.staged)));
  await stage.import([...people, personOf(people.length)]);
  const refused = await stage.import([]).then(
    () => false,
    () => true,
  );
  bars.push(holds('an empty source is refused', refused));
  note(await stage.judge('an empty source', 0));
  await stage.import([], true);
  note(await stage.judge('an empty source that the caller insists on', 0));
  await stage.import([...people, personOf(people.length)]);
  const back = await stage.judge('the right source again', 0);
  note(back);
  bars.push(holds('a right that returns takes the staged removals away', back.staged === 0, String(back.staged)));
  return bars;
}

/** Grants, groups, syncs, the schedule, and one person after the other. */
async function liveness(stage: Stage, note: (path: Path) => void): Promise<void> {
  const { muster, allowance } = stage;
  const { client } = muster;
  await client.call({ method: 'DELETE', path: `/v1/grants/${stage.grants.get('by-state')}` });
  note(await stage.judge('a grant taken away', 0));
  for (const kind of ['validate', 'full', 'due']) await runSync(muster, 'by-state', kind);
  note(await stage.judge('... and then validated, compared and synchronised', 0));
  await client.call({ method: 'DELETE', path: `/v1/groups/name:${CREW}` });
  note(await stage.judge('the group of a grant deleted', 0));
  await loseUnseen(stage, 'validated');
  await runSync(muster, 'validated', 'validate');
  note(await stage.judge('a right that is gone without a change, found by `validate`', allowance));
  await loseUnseen(stage, 'compared');
  await runSync(muster, 'compared', 'full');
  note(await stage.judge('the same, found by `full`', allowance));
  await loseUnseen(stage, 'scheduled');
  await runSchedule(muster);
  note(await stage.judge('the same, found by the schedule', allowance));
  for (const { externalId } of stage.people.slice(0, Math.round(stage.people.length * MISSING))) {
    await client.call({ method: 'PATCH', path: `/v1/users/external:${externalId}`, body: { active: false } });
  }
  note(await stage.judge('people deactivated one by one', allowance));
}

async function runSync(muster: BenchMuster, service: Service, kind: string): Promise<void> {
  const { id } = await requestSync(muster, service, { kind });
  await syncEnd(muster, service, { id, timeoutS: REST_S });
}

/** As if a change had been lost: nothing but a look at every account can find it. */
async function loseUnseen(stage: Stage, service: Service): Promise<void> {
  await stage.muster.db.query('delete from grants where id = $1', [stage.grants.get(service)]);
}

async function runSchedule(muster: BenchMuster): Promise<void> {
  const connection = await Connection.connect({ address: muster.temporalAddress });
  const before = await syncsBySchedule(muster);
  await new Client({ connection }).schedule.getHandle(SCHEDULES.validate).trigger();
  await until('the schedule has asked for its syncs', 60, async () => (await syncsBySchedule(muster)) > before);
  await connection.close();
}

async function syncsBySchedule(muster: BenchMuster): Promise<number> {
  const found = await muster.db.query<{ count: number }>(
    `select count(*)::integer as count from syncs y join services s on s.id = y.service_id where s.name = 'scheduled'`,
  );
  return found.rows[0]?.count ?? 0;
}

function barOf({ path, removed, allowed }: Path): Bar {
  return {
    what: `removed before approval: ${path}`,
    wanted: `at most ${allowed}`,
    measured: String(removed),
    met: removed <= allowed,
  };
}

function reportOf(stage: Stage, paths: readonly Path[], bars: readonly Bar[]): SectionReport {
  const table: Table = {
    columns: ['path', 'removed', 'wait for a person'],
    rows: paths.map(({ path, removed, staged }) => [path, String(removed), String(staged)]),
  };
  return {
    method: paragraphs(
      `${stage.people.length} people with an account on each of ${SERVICES.length} services of an in-process target, which counts what it removes. One step after the other; what waits for a`,
      'person is counted over all services. Where the whole of a loss is known at once nothing of it may happen; where it is found account by account, a service may',
      `lose what its guard allows in 24 hours (${stage.allowance} here) before the rest waits.`,
    ),
    tables: [table],
    bars,
  };
}
