import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';

import { findTemporalBinary } from '../../runtime/temporal-binary';
import { SEARCH_ATTRIBUTES, startTemporalServer } from '../../runtime/temporal-server';
import { waitFor } from '../../runtime/wait-for';
import { runFolder, runOnce } from './run-once';

/** Address of the run's Temporal server; starts it on first use, or uses MUSTER_TEST_TEMPORAL_ADDRESS. */
export async function testTemporal(): Promise<{ readonly address: string }> {
  const given = process.env['MUSTER_TEST_TEMPORAL_ADDRESS'];
  if (given !== undefined) return { address: given };
  const server = await runOnce('temporal', startServer);
  process.env['MUSTER_TEST_TEMPORAL_ADDRESS'] = server.address;
  return { address: server.address };
}

/**
 * A namespace of its own with Muster's search attributes. Each test file takes one: task queues and workflow ids
 * are then as in production and still meet nobody else's. Registering costs 15 ms, so nothing is shared.
 */
export async function createTestNamespace(): Promise<string> {
  const { address } = await testTemporal();
  const namespace = `test-${randomUUID()}`;
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    });
    await waitFor(10_000, () => addSearchAttributes(connection, namespace));
  } finally {
    await connection.close();
  }
  return namespace;
}

/** Of the server's enum IndexedValueType. */
const INDEXED_VALUE_TYPE_KEYWORD = 2;

async function addSearchAttributes(connection: Connection, namespace: string): Promise<true | undefined> {
  const searchAttributes = Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD]));
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    return true;
  } catch {
    // The new namespace may not have reached every part of the server yet.
    return undefined;
  }
}

async function startServer(): Promise<{ readonly address: string; readonly pid: number }> {
  const environment = process.env;
  const binary = await findTemporalBinary({ environment, fallbackDir: runFolder() });
  const { address, pid } = await startTemporalServer({
    binary: binary.path,
    dbFile: join(runFolder(), 'temporal', 'temporal.db'),
    port: 0,
  });
  return { address, pid };
}
