import { Client, Connection } from '@temporalio/client';
import { Client as PostgresClient } from 'pg';

import { createTestDatabase } from './database';
import { createTestNamespace, testTemporal } from './temporal';

describe('the environment of the tests', () => {
  test('each test database starts empty and is dropped again', async () => {
    const first = await createTestDatabase();
    const second = await createTestDatabase();

    await query(first.url, 'create table only_in_first (id int)');

    await expect(query(second.url, 'select * from only_in_first')).rejects.toThrow('does not exist');
    await first.drop();
    await second.drop();
    await expect(query(first.url, 'select 1')).rejects.toThrow('does not exist');
  });

  test('a migrated database has the tables of the store', async () => {
    const database = await createTestDatabase({ migrated: true });

    const tables = await query(database.url, "select tablename from pg_tables where schemaname = 'public'");

    expect(tables.length).toBeGreaterThan(5);
    await database.drop();
  });

  test('a test namespace takes a workflow with search attributes at once', async () => {
    const { address } = await testTemporal();
    const namespace = await createTestNamespace();
    const connection = await Connection.connect({ address });

    const handle = await new Client({ connection, namespace }).workflow.start('anything', {
      taskQueue: 'nobody-listens',
      workflowId: 'account/demo/1',
      searchAttributes: { MusterService: ['demo'], MusterUser: ['1'], MusterKind: ['create'], MusterOutcome: ['none'] },
    });

    expect((await handle.describe()).status.name).toBe('RUNNING');
    await connection.close();
  });
});

async function query(url: string, text: string): Promise<readonly unknown[]> {
  const client = new PostgresClient({ connectionString: url });
  await client.connect();
  try {
    const result = await client.query(text);
    return result.rows;
  } finally {
    await client.end();
  }
}
