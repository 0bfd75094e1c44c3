import { Pool, types } from 'pg';
import type { PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';

// bigint (versions, fences, counts) stays far below 2^53: numbers are safe and read better than strings.
types.setTypeParser(types.builtins.INT8, Number);

/** What a store function needs: a pool or a connection inside a transaction. */
export interface Queryable {
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>;
}

/** A pool of connections to Muster's own database. */
export interface Database extends Queryable {
  /** Runs `work` in one transaction on one connection; rolls back when it throws. */
  transaction<T>(work: (client: Queryable) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  /** Connections at most. Default 10. */
  readonly max?: number;
  /** Shown in pg_stat_activity. */
  readonly name?: string;
}

const preparedNames = new Map<string, string>();

/**
 * Marks a statement that runs many times a second: each connection has it parsed and, once PostgreSQL finds that worth it, planned
 * only once. For statements whose plan depends on neither their values nor how large a table has just become.
 */
export function prepared(text: string): string {
  if (!preparedNames.has(text)) preparedNames.set(text, `muster_${preparedNames.size + 1}`);
  return text;
}

function statementOf(text: string, values: readonly unknown[] | undefined): QueryConfig {
  const name = preparedNames.get(text);
  return { text, values: [...(values ?? [])], ...(name === undefined ? {} : { name }) };
}

/** Opens the pool. Connections are made when first needed; a lost one is replaced. */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = new Pool({
    connectionString: options.url,
    max: options.max ?? 10,
    application_name: options.name ?? 'muster',
    connectionTimeoutMillis: 10_000,
  });
  // An idle connection that breaks (server restarted) must not end the process; the next query gets a new one.
  pool.on('error', () => undefined);
  return {
    query: (text, values) => pool.query(statementOf(text, values)),
    transaction: (work) => inTransaction(pool, work),
    close: () => pool.end(),
  };
}

async function inTransaction<T>(pool: Pool, work: (client: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // Without a listener a connection that breaks while checked out would end the process.
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await client.query('begin');
    const result = await work(clientQueryable(client));
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

function clientQueryable(client: PoolClient): Queryable {
  return { query: (text, values) => client.query(statementOf(text, values)) };
}

/** The only row of a result that must have one. */
export function oneRow<Row extends QueryResultRow>(result: QueryResult<Row>): Row {
  const row = result.rows[0];
  if (row === undefined) throw new Error('expected one row, got none');
  return row;
}
