import type { ConnectorMigration, ModuleStorage } from '@muster/sdk';
import type { Database, Queryable } from './database';

/** The schema that a module's own tables live in. `kind` is checked to be lower case letters, digits and `-`. */
export function moduleSchema(kind: string): string {
  return `module_${kind.replaceAll('-', '_')}`;
}

/**
 * Runs the migrations of a module that have not run yet, in their order, in one transaction with its own schema as search
 * path. Several processes may do it at once: they take turns. Throws with the migration's name when one fails.
 */
export async function migrateModule(
  db: Database,
  kind: string,
  migrations: readonly ConnectorMigration[],
): Promise<void> {
  if (migrations.length === 0) return;
  await db.transaction(async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtextextended('module:' || $1, 0))`, [kind]);
    await client.query(`create schema if not exists ${moduleSchema(kind)}`);
    const known = await client.query<{ name: string }>(`select name from module_migrations where kind = $1`, [kind]);
    const done = new Set(known.rows.map((row) => row.name));
    for (const migration of migrations) if (!done.has(migration.name)) await run(client, kind, migration);
  });
}

async function run(client: Queryable, kind: string, migration: ConnectorMigration): Promise<void> {
  try {
    await client.query(`set local search_path = ${moduleSchema(kind)}`);
    await client.query(migration.sql);
    await client.query(`reset search_path`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`migration ${migration.name} of the module ${kind} failed: ${reason}`, { cause: error });
  }
  await client.query(`insert into module_migrations (kind, name) values ($1, $2)`, [kind, migration.name]);
}

/** The storage port of a module: its statements see its own schema and nothing else by plain names. */
export function moduleStorage(db: Database, kind: string): ModuleStorage {
  return {
    query: (text, values) =>
      db.transaction(async (client) => {
        await client.query(`set local search_path = ${moduleSchema(kind)}`);
        const result = await client.query<Record<string, unknown>>(text, values);
        return result.rows;
      }),
  };
}
