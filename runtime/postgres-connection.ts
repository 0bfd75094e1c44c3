import { Client, DatabaseError, escapeIdentifier } from 'pg';

import { systemErrorCode } from './startup-error';

/** How the superuser reaches an embedded cluster. */
export interface PostgresAddress {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** `ready`, `not yet` (starting, recovering, not listening), or a sentence that says why it never will be. */
export async function probePostgres(address: PostgresAddress): Promise<string> {
  try {
    await withClient(address, async (client) => {
      await client.query('select 1');
    });
    return 'ready';
  } catch (error) {
    return judge(error);
  }
}

/** Makes the database when it is missing. */
export async function ensureDatabase(address: PostgresAddress, database: string): Promise<void> {
  await withClient(address, async (client) => {
    const found = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`create database ${escapeIdentifier(database)}`);
  });
}

const INVALID_PASSWORD = '28P01';
const INVALID_AUTHORIZATION = '28000';

function judge(error: unknown): string {
  if (error instanceof DatabaseError && (error.code === INVALID_PASSWORD || error.code === INVALID_AUTHORIZATION)) {
    return 'it refuses the password in its password file: put the right file back, or remove the data folder.';
  }
  const code = systemErrorCode(error);
  // 57P03: starting up or shutting down; 53300: every connection is taken, so it does work.
  if (code === '53300') return 'ready';
  return 'not yet';
}

async function withClient(address: PostgresAddress, use: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ host: '127.0.0.1', database: 'postgres', connectionTimeoutMillis: 2_000, ...address });
  // A connection that breaks while nobody waits on it must not end the program.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
