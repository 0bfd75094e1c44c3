import type { SealedConfig } from './external-sealed';
import { found } from './checked';
import { oneRow } from './database';
import type { Database, Queryable } from './database';
import { StoreError } from './errors';

/** A kind of external account that people can link, as it is configured. */
export interface ExternalTypeRecord extends SealedConfig {
  readonly type: string;
  readonly plugin: string;
  readonly title: string | null;
  readonly enabled: boolean;
  readonly configVersion: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What is written; everything is replaced. */
export interface ExternalTypeFields extends SealedConfig {
  readonly type: string;
  readonly plugin: string;
  readonly title: string | null;
  readonly enabled: boolean;
}

const COLUMNS = `type, plugin, title, config, sealed_config as "sealedConfig", enabled, config_version as "configVersion",
  created_at as "createdAt", updated_at as "updatedAt"`;

type Row = ExternalTypeRecord & { readonly [key: string]: unknown };

/** Configures a type, anew or for the first time. Workers take it up with their next call. */
export async function putExternalType(db: Queryable, fields: ExternalTypeFields): Promise<ExternalTypeRecord> {
  const written = await db.query<Row>(
    `insert into external_types (type, plugin, title, config, sealed_config, enabled) values ($1, $2, $3, $4, $5, $6)
     on conflict (type) do update set plugin = excluded.plugin, title = excluded.title, config = excluded.config,
       sealed_config = excluded.sealed_config, enabled = excluded.enabled, config_version = nextval('version_seq'),
       updated_at = clock_timestamp()
     returning ${COLUMNS}`,
    [fields.type, fields.plugin, fields.title, JSON.stringify(fields.config), fields.sealedConfig, fields.enabled],
  );
  return oneRow(written);
}

/** Every configured type, by name. */
export async function listExternalTypes(db: Queryable): Promise<readonly ExternalTypeRecord[]> {
  const rows = await db.query<Row>(`select ${COLUMNS} from external_types order by type`);
  return rows.rows;
}

/** One type, or undefined. */
export async function findExternalType(db: Queryable, type: string): Promise<ExternalTypeRecord | undefined> {
  const row = await db.query<Row>(`select ${COLUMNS} from external_types where type = $1`, [type]);
  return row.rows[0];
}

/** One type. @throws StoreError not-found */
export async function readExternalType(db: Queryable, type: string): Promise<ExternalTypeRecord> {
  return found(await findExternalType(db, type), `external account type ${type}`);
}

/**
 * Forgets a type. Without its configuration nothing could be revoked any more, so nobody may have it linked.
 * @throws StoreError not-found, conflict
 */
export async function deleteExternalType(db: Database, type: string): Promise<void> {
  await db.transaction(async (client) => {
    const locked = await client.query(`select from external_types where type = $1 for update`, [type]);
    found(locked.rows[0], `external account type ${type}`);
    const used = await client.query<{ linked: number; revoking: number }>(
      `select (select count(*) from external_accounts where type = $1) as linked,
         (select count(*) from external_revocations where type = $1) as revoking`,
      [type],
    );
    const { linked, revoking } = oneRow(used);
    if (linked + revoking > 0)
      throw new StoreError(
        'conflict',
        `${linked} people have linked ${type}, ${revoking} are being revoked: disable it, and unlink them first.`,
      );
    await client.query(`delete from external_types where type = $1`, [type]);
  });
}
