import { escapeIdentifier } from 'pg';
import type { PoolClient } from 'pg';
import { Rejected } from '@muster/sdk';
import { errorCodeOf } from './failures';
import { dropRole, runAll, serverVersion } from './roles';
import type { Role } from './roles';
import type { PostgresConfig } from './schema';

/** How long to wait for a terminated session to be really gone; the server answers false after that, which is no error. */
const SESSION_END_WAIT_MS = 2000;

/** Ends every session of the role; answers how many there were. Needs pg_signal_backend (docs: 9.28.2 Server Signaling Functions). */
export async function endSessionsOf(client: PoolClient, role: Role): Promise<number> {
  const ended = await client.query(
    // Version 14 brought the waiting form.
    (await serverVersion(client)) >= 140_000
      ? `select pg_terminate_backend(pid, ${SESSION_END_WAIT_MS}) from pg_stat_activity where usesysid = $1::oid`
      : 'select pg_terminate_backend(pid) from pg_stat_activity where usesysid = $1::oid',
    [role.oid],
  );
  return ended.rowCount ?? 0;
}

/** Drops the role, and before that does with its possessions what the configuration says. */
export async function dropWithPossessions(client: PoolClient, role: Role, config: PostgresConfig): Promise<void> {
  try {
    if (config.reassignOwnedTo !== undefined || config.dropOwned === true) {
      await clearPossessions(client, role, config.reassignOwnedTo);
    }
    await dropRole(client, role);
  } catch (error) {
    throw refusal(error, config) ?? error;
  }
}

async function clearPossessions(client: PoolClient, role: Role, heir: string | undefined): Promise<void> {
  const name = escapeIdentifier(role.name);
  // REASSIGN and DROP OWNED ask for the role's own privileges (docs: REASSIGN OWNED, Notes). Dropped with the role.
  if (!(await isSuperuser(client))) await client.query(`grant ${name} to current_user`);
  await runAll(client, [
    ...(heir === undefined ? [] : [`reassign owned by ${name} to ${escapeIdentifier(heir)}`]),
    // After REASSIGN this takes only what was granted to the role (docs: 22.4 Dropping Roles).
    `drop owned by ${name}`,
  ]);
}

/** What stands in the way of one role is that account's trouble, not the service's: 42501 would pause everybody. */
function refusal(error: unknown, config: PostgresConfig): Rejected | undefined {
  const code = errorCodeOf(error);
  if (code === '2BP01') {
    return new Rejected(
      'The role can no longer log in, but it owns objects or holds privileges, so it was not dropped. Set reassignOwnedTo ' +
        '(or dropOwned) for this service, or run REASSIGN OWNED and DROP OWNED in every database that uses it, then try again.',
      { cause: error, code: 'owns-objects' },
    );
  }
  if (code === '42501' && config.reassignOwnedTo !== undefined) {
    return new Rejected(
      `The role can no longer log in, but what it owns could not be given to "${config.reassignOwnedTo}": that role needs ` +
        'CREATE on the database and on the schemas concerned, and the user of this service its membership.',
      { cause: error, code: 'cannot-reassign' },
    );
  }
  return undefined;
}

async function isSuperuser(client: PoolClient): Promise<boolean> {
  const result = await client.query<{ super: boolean }>(
    'select rolsuper as super from pg_roles where rolname = current_user',
  );
  return result.rows[0]?.super ?? false;
}
