import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../store/database';
import type { BenchMuster } from './muster';

/** A service as the API takes it. */
export interface BenchService {
  readonly name: string;
  readonly connector: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Any other setting of a service. */
  readonly [setting: string]: unknown;
}

/** What a bench does not measure is left out: no remote groups unless they are asked for, no nightly comparison. */
const PLAIN = {
  begins: 'automatic',
  firstRun: 'write',
  mapping: { groups: { default: 'none' } },
  reconcile: { mode: 'off' },
} as const;

/** Adds a service; nobody has a right to it yet. */
export async function addService(muster: Pick<BenchMuster, 'client'>, service: BenchService): Promise<void> {
  await muster.client.call({ method: 'POST', path: '/v1/services', body: { ...PLAIN, ...service } });
}

/** A mapping in which this group alone is one at the service, so that every account of it is two calls: create, set groups. */
export function mappingOf(group: string): object {
  return { groups: { default: 'none', table: { [group]: [`at-${group}`] } } };
}

/** A service comes to rest without anybody to write, however many people there are. */
const REST_S = 600;

/**
 * Adds a service with its remote group made, and everybody of a group due on it; the service is paused: nothing is
 * called before it is resumed.
 */
export async function prepareService(muster: BenchMuster, service: BenchService, group: string): Promise<void> {
  const { name } = service;
  await addService(muster, { mapping: mappingOf(group), ...service });
  await atRest(muster.db, REST_S, name);
  await pauseService(muster, name);
  await grant(muster, name, { group });
  await expanded(muster.db, 300);
}

/** Gives a group (`name:`) or a state the right to a service; everybody in it becomes due. */
export async function grant(
  muster: Pick<BenchMuster, 'client'>,
  service: string,
  to: { readonly group: string } | { readonly state: string },
): Promise<string> {
  const subject = 'group' in to ? { group: `name:${to.group}` } : { state: `name:${to.state}` };
  const answer = await muster.client.call<{ grant: { id: string } }>({
    method: 'POST',
    path: '/v1/grants',
    body: { service, ...subject },
  });
  return answer.grant.id;
}

export async function pauseService(muster: Pick<BenchMuster, 'client'>, name: string): Promise<void> {
  await muster.client.call({ method: 'POST', path: `/v1/services/${name}/pause`, body: { reason: 'a bench' } });
}

export async function resumeService(muster: Pick<BenchMuster, 'client'>, name: string): Promise<void> {
  await muster.client.call({ method: 'POST', path: `/v1/services/${name}/resume` });
}

/** A sync as the API shows it, as far as the benches read it. */
export interface ShownSync {
  readonly id: string;
  readonly status: string;
  readonly total: number;
  readonly succeeded: number;
  readonly unchanged: number;
  readonly skipped: number;
  readonly failed: number;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

/** Asks for a sync. */
export async function requestSync(
  muster: Pick<BenchMuster, 'client'>,
  service: string,
  body: Readonly<Record<string, unknown>>,
): Promise<ShownSync> {
  const path = `/v1/services/${service}/syncs`;
  return (await muster.client.call<{ sync: ShownSync }>({ method: 'POST', path, body })).sync;
}

export async function syncsOf(muster: Pick<BenchMuster, 'client'>, service: string): Promise<readonly ShownSync[]> {
  return muster.client.list<ShownSync>({ path: `/v1/services/${service}/syncs` }, 100);
}

/** Waits until a sync has ended. */
export async function syncEnd(
  muster: Pick<BenchMuster, 'client'>,
  service: string,
  sync: { readonly id: string; readonly timeoutS: number },
): Promise<ShownSync> {
  const path = `/v1/services/${service}/syncs/${sync.id}`;
  let seen: ShownSync | undefined;
  await until(`the sync of ${service} has ended`, sync.timeoutS, async () => {
    seen = await muster.client.call<ShownSync>({ path });
    return seen.finishedAt !== null;
  });
  if (seen === undefined) throw new Error('there is no such sync');
  return seen;
}

const LOOK_MS = 250;

/** Waits for something that comes about by itself. @throws Error with its name when the time is over */
export async function until(what: string, timeoutS: number, look: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutS * 1000;
  for (;;) {
    if (await look()) return;
    if (performance.now() > deadline) throw new Error(`It did not come about within ${timeoutS} s: ${what}`);
    await delay(LOOK_MS);
  }
}

/** What has not come to rest on these services (all, if none is named), in words. What waits for a person is at rest. */
export async function unrest(db: Database, ...services: readonly string[]): Promise<string | undefined> {
  const found = await db.query<{ words: string }>(
    `with chosen as (select id, name from services where cardinality($1::text[]) = 0 or name = any($1))
     select * from (
       (select 'accounts of ' || s.name || ' are due' as words from chosen s where exists (
          select from accounts a where a.service_id = s.id and a.wanted_version <> a.applied_version
            and a.next_try is distinct from 'infinity'))
       union all (select 'a group of ' || s.name || ' is due' from chosen s where exists (
          select from remote_groups r where r.service_id = s.id and r.mapped and r.wanted_version <> r.applied_version))
       union all (select 'a sync of ' || s.name || ' is not over' from chosen s where exists (
          select from syncs y where y.service_id = s.id and y.finished_at is null))
       union all (select 'a change is not expanded' where exists (select from changes where expanded_at is null))
     ) w limit 1`,
    [services],
  );
  return found.rows[0]?.words;
}

/** Waits until nothing is due any more on these services. */
export async function atRest(db: Database, timeoutS: number, ...services: readonly string[]): Promise<void> {
  let seen: string | undefined;
  try {
    await until('rest', timeoutS, async () => (seen = await unrest(db, ...services)) === undefined);
  } catch (error) {
    throw new Error(`${services.join(', ')}: not at rest within ${timeoutS} s, ${seen ?? ''}`, { cause: error });
  }
}

/** Waits until every change has become due accounts. */
export async function expanded(db: Database, timeoutS: number): Promise<void> {
  await until('every change is expanded', timeoutS, async () => {
    const open = await db.query('select from changes where expanded_at is null limit 1');
    return open.rowCount === 0;
  });
}

/** How many accounts of a service are in which state. */
export async function accountsOf(db: Database, service: string): Promise<Readonly<Record<string, number>>> {
  const found = await db.query<{ status: string; count: number }>(
    `select a.status, count(*)::integer as count from accounts a join services s on s.id = a.service_id
     where s.name = $1 group by a.status`,
    [service],
  );
  return Object.fromEntries(found.rows.map(({ status, count }) => [status, count]));
}
