import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { Client, escapeIdentifier } from 'pg';

import { startEmbeddedPostgres } from '../../runtime/embedded-postgres';
import { migrate } from '../../store/migrate';
import { runFolder, runOnce } from './run-once';

/** One database of the cluster that all tests of a run share. */
export interface TestDatabase {
  readonly url: string;
  readonly name: string;
  /** Removes it, ending whatever is still connected. */
  drop(): Promise<void>;
}

/**
 * A fresh database: empty, or with Muster's migrations applied (cloned from a template made once per run, 50 ms).
 * Its user is the cluster's superuser, so it may also make roles; they are shared by the whole cluster, so prefix them.
 */
export async function createTestDatabase(options: { readonly migrated?: boolean } = {}): Promise<TestDatabase> {
  const serverUrl = await testPostgresUrl();
  const template = options.migrated ? await migratedTemplate(serverUrl) : 'template0';
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await createDatabase(serverUrl, name, template);
  return {
    name,
    url: withDatabase(serverUrl, name),
    drop: () => execute(serverUrl, `drop database if exists ${escapeIdentifier(name)} with (force)`),
  };
}

/** URL of the run's PostgreSQL (database `postgres`); starts it on first use, or uses MUSTER_TEST_PG_URL. */
export async function testPostgresUrl(): Promise<string> {
  const given = process.env['MUSTER_TEST_PG_URL'];
  if (given !== undefined) return given;
  const server = await runOnce('postgres', startServer);
  process.env['MUSTER_TEST_PG_URL'] = server.url;
  return server.url;
}

async function startServer(): Promise<{ readonly url: string; readonly pid: number }> {
  const { url, pid } = await startEmbeddedPostgres({
    dataDir: join(runFolder(), 'postgres'),
    port: 0,
    durable: false,
    settings: { max_connections: '300', max_wal_size: '4GB' },
  });
  return { url, pid };
}

async function migratedTemplate(serverUrl: string): Promise<string> {
  const { name } = await runOnce('migrated-template', async () => {
    const template = `muster_template_${process.pid}`;
    await createDatabase(serverUrl, template, 'template0');
    await migrate(withDatabase(serverUrl, template));
    return { name: template };
  });
  return name;
}

function createDatabase(serverUrl: string, name: string, template: string): Promise<void> {
  return execute(serverUrl, `create database ${escapeIdentifier(name)} template ${escapeIdentifier(template)}`);
}

function withDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.toString();
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
