import { waitFor } from '../../runtime/wait-for';
import { unrest } from './harness';
import type { Installation } from './installation';
import { readWitness } from './witness';

/** What the target must show of one person. */
export interface WantedRole {
  readonly name: string;
  readonly groups: readonly string[];
}

export interface RosterEntry {
  readonly externalId: string;
  readonly username: string;
  readonly active?: boolean;
  readonly groups?: readonly string[];
}

const SERVICE = 'faulty';
const PREFIX = 'f_';
const GROUP_PREFIX = 'fg_';
const REST_MS = 120_000;

/** The service of these tests, on the target of the installation; everybody in the state Member has it. */
export async function addService(installation: Installation): Promise<void> {
  const config = { ...installation.target, rolePrefix: PREFIX, groupPrefix: GROUP_PREFIX };
  // The tests remove more than a guard would allow in a day.
  const limit = { minimum: 100_000 };
  const guard = { removal: limit, disable: limit, 'group removal': limit };
  const body = { name: SERVICE, connector: 'postgres', begins: 'automatic', firstRun: 'write', config, guard };
  await installation.client.call({ method: 'POST', path: '/v1/services', body });
  await installation.client.call({
    method: 'POST',
    path: '/v1/grants',
    body: { service: SERVICE, state: 'name:Member' },
  });
}

/** Sends people to Muster as a roster that only adds and alters; resolves with its 202. */
export async function sendRoster(installation: Installation, users: readonly RosterEntry[]): Promise<void> {
  const body = { users: users.map((user) => ({ state: 'Member', ...user })) };
  await installation.client.call({ method: 'POST', path: '/v1/imports', query: { mode: 'merge' }, body });
}

/** The roles of this service whose name begins so, as the target's catalog has them. */
export async function rolesOf(installation: Installation, beginning: string): Promise<readonly WantedRole[]> {
  const serviceId = await idOfService(installation);
  const found = await readWitness(installation.witness, { serviceId, prefix: PREFIX, groupPrefix: GROUP_PREFIX });
  return found.filter((role) => role.name.startsWith(beginning)).map(({ name, groups }) => ({ name, groups }));
}

let serviceId: string | undefined;

async function idOfService({ db }: Installation): Promise<string> {
  // Kept: the database may be the one that was just killed.
  if (serviceId === undefined) {
    const found = await db.query<{ id: string }>(`select id from services where name = $1`, [SERVICE]);
    serviceId = found.rows[0]?.id;
  }
  if (serviceId === undefined) throw new Error('the service is not there');
  return serviceId;
}

/** Waits for something that the catalog shows; servers that are away count as "not yet". */
export async function untilShown(what: string, holds: () => Promise<boolean>): Promise<void> {
  const shown = await waitFor(REST_MS, async () => ((await holds().catch(() => false)) ? true : undefined), {
    everyMs: 5,
  });
  if (shown === undefined) throw new Error(`It never came about: ${what}`);
}

/**
 * Waits, restarting like a supervisor whatever ends by itself, until nothing is due any more. Answers what is still
 * unrestful when the time is over.
 */
export async function untilHealed(installation: Installation): Promise<readonly string[]> {
  let left: readonly string[] = [];
  const healed = await waitFor(
    REST_MS,
    async () => {
      await installation.startMissing();
      left = await unrest(installation.db).catch((error: unknown) => [
        `the database does not answer: ${String(error)}`,
      ]);
      return left.length === 0 ? true : undefined;
    },
    { everyMs: 100 },
  );
  return healed === undefined ? left : [];
}

/** Syncs that have not ended, or whose totals do not add up. Who failed because a server was away has a next try of their own. */
export async function wrongSyncs({ db }: Installation): Promise<readonly unknown[]> {
  const found = await db.query(
    `select id, status, total, succeeded, unchanged, skipped, failed from syncs
     where finished_at is null or total <> succeeded + unchanged + skipped + failed or status <> 'succeeded' or skipped > 0
       or total <> (select count(*) from sync_items i where i.sync_id = syncs.id and i.outcome is not null)`,
  );
  return found.rows;
}

/** Operations that did not succeed. */
export async function unhappyOperations({ db }: Installation): Promise<readonly unknown[]> {
  const found = await db.query(
    `select id, kind, status, outcome from operations where status not in ('succeeded') and finished_at is not null`,
  );
  return found.rows;
}
