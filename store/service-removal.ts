import type { Database, Queryable } from './database';
import { oneRow } from './database';
import { StoreError } from './errors';
import { readService } from './services';
import type { ServiceRecord } from './services';

/**
 * Deletes a service on which nothing of Muster's is left. What it did stays in the operations and events.
 * @throws StoreError not-found, conflict while accounts, open calls or a sync remain
 */
export async function deleteService(db: Database, name: string): Promise<ServiceRecord> {
  return db.transaction(async (client) => {
    // The lock keeps the expander out: it cannot add an account to a service that is being deleted.
    await client.query(`select from services where name = $1 for update`, [name]);
    const service = await readService(client, name);
    await refuseInUse(client, service);
    for (const statement of STATEMENTS) await client.query(statement, [service.id]);
    return service;
  });
}

async function refuseInUse(client: Queryable, service: ServiceRecord): Promise<void> {
  const remaining = oneRow(
    await client.query<{ accounts: number; syncs: number }>(
      `select
         (select count(*) from accounts where service_id = $1 and not (orphan and adopt is not null)
            and (status in ('pending', 'active', 'disabled') or remote_id is not null and status <> 'removed' or intent is not null
              or lease_until > clock_timestamp())) as accounts,
         (select count(*) from syncs where service_id = $1 and status in ('queued', 'staging', 'running', 'paused')) as syncs`,
      [service.id],
    ),
  );
  if (remaining.accounts > 0) {
    const todo = service.enabled ? 'Disable it first, then wait' : 'Wait';
    throw new StoreError(
      'conflict',
      `The service ${service.name} still has ${remaining.accounts} accounts. ${todo} until they are taken away ` +
        '(approve them where the guard has staged them), and delete it then.',
    );
  }
  if (remaining.syncs > 0)
    throw new StoreError(
      'conflict',
      `A sync of the service ${service.name} is under way. Cancel it or wait for its end.`,
    );
}

/** In the order of their references; tombstones of removed accounts go too. */
const STATEMENTS: readonly string[] = [
  `delete from password_requests where service_id = $1`,
  `delete from guard_taken where service_id = $1`,
  `delete from guard_staged where service_id = $1`,
  `delete from guard_holds where service_id = $1`,
  `delete from syncs where service_id = $1`,
  `delete from account_names where service_id = $1`,
  `delete from remote_groups where service_id = $1`,
  `delete from accounts where service_id = $1`,
  `update operations set service_id = null where service_id = $1`,
  `delete from services where id = $1`,
];
