import type { PoolClient } from 'pg';
import type { ConnectionReport } from '@muster/sdk';
import type { PostgresConfig } from './schema';

/** The oldest version that this connector was written for. */
const OLDEST_VERSION = 120_000;

interface Rights {
  readonly version: number;
  readonly shown: string;
  readonly user: string;
  readonly super: boolean;
  readonly createRole: boolean;
  readonly signals: boolean;
  readonly standby: boolean;
  readonly heirExists: boolean;
}

/** Reads what the configured user may do, and says what is missing. */
export async function readRights(client: PoolClient, config: PostgresConfig): Promise<ConnectionReport> {
  const result = await client.query<Rights>(
    `select current_setting('server_version_num')::int as version, current_setting('server_version') as shown,
            r.rolname as user, r.rolsuper as super, r.rolcreaterole as "createRole",
            pg_has_role('pg_signal_backend', 'usage') as signals, pg_is_in_recovery() as standby,
            $1::text is null or exists (select from pg_roles h where h.rolname = $1) as "heirExists"
       from pg_roles r where r.rolname = current_user`,
    [config.reassignOwnedTo ?? null],
  );
  const rights = result.rows[0];
  if (rights === undefined) return { ok: false, missing: ['The server does not tell who is logged in.'] };
  const missing = missingRights(rights, config);
  return { ok: missing.length === 0, missing, remote: `PostgreSQL ${rights.shown}` };
}

function missingRights(rights: Rights, config: PostgresConfig): readonly string[] {
  const missing: string[] = [];
  if (rights.version < OLDEST_VERSION) missing.push(`PostgreSQL 12 or newer is needed; this is ${rights.shown}.`);
  if (rights.standby) missing.push('This server is a read-only standby: give the address of the primary.');
  if (!rights.super && !rights.createRole) {
    missing.push(`The user "${rights.user}" may not create roles: ALTER ROLE "${rights.user}" CREATEROLE.`);
  }
  if (!rights.super && !rights.signals) {
    missing.push(`The user "${rights.user}" may not end sessions: GRANT pg_signal_backend TO "${rights.user}".`);
  }
  if (!rights.heirExists) missing.push(`The role "${config.reassignOwnedTo}" of reassignOwnedTo does not exist.`);
  return missing;
}
