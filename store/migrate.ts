import { Kysely, Migrator, PostgresDialect, sql } from 'kysely';
import type { Migration } from 'kysely';
import { Pool } from 'pg';
import { migrations } from './migrations';

/**
 * Brings the database to the newest schema. Several processes may do it at once: kysely takes a lock, the others find
 * nothing left to do. Throws with the migration's name when one fails; that one is rolled back.
 */
export async function migrate(databaseUrl: string): Promise<void> {
  const pool = new Pool({ connectionString: databaseUrl, max: 1 });
  const database = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    const migrator = new Migrator({ db: database, provider: { getMigrations: async () => plainSqlMigrations() } });
    const { error, results } = await migrator.migrateToLatest();
    const failed = results?.find((result) => result.status === 'Error');
    if (failed !== undefined) throw new Error(`migration ${failed.migrationName} failed`, { cause: error });
    if (error !== undefined) throw error;
  } finally {
    await database.destroy();
  }
}

function plainSqlMigrations(): Record<string, Migration> {
  return Object.fromEntries(
    Object.entries(migrations).map(([name, text]) => [
      name,
      { up: async (database: Kysely<unknown>) => void (await sql.raw(text).execute(database)) },
    ]),
  );
}
