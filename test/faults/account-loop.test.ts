import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createStarter } from '../../hooks/starter';
import type { Starter } from '../../hooks/starter';
import type { ConvergeOutcome } from '../../workflows/contracts';
import { accountWorkflowId, ENGINE_TASK_QUEUE, serviceTaskQueue } from '../../workflows/contracts';
import { createTestNamespace, testTemporal } from '../environment/temporal';

const SERVICE = 'far';

interface Temporal {
  readonly namespace: string;
  readonly client: Client;
  readonly native: NativeConnection;
  readonly starter: Starter;
  close(): Promise<void>;
}

let temporal: Temporal;
beforeAll(async () => {
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
  const [{ address }, namespace] = await Promise.all([testTemporal(), createTestNamespace()]);
  const connection = await Connection.connect({ address });
  const native = await NativeConnection.connect({ address });
  const starter = createStarter({ address, namespace });
  temporal = {
    namespace,
    client: new Client({ connection, namespace }),
    native,
    starter,
    close: async () => {
      await starter.close();
      await native.close();
      await connection.close();
    },
  };
});
afterAll(() => temporal.close());

describe('the loop of an account', () => {
  test('goes round once more when a change comes while it writes', async () => {
    const writes = await writesOfAChangeDuringAWrite(require.resolve('../../workflows'));

    expect(writes).toBe(2);
  });

  test('would lose that change without the look at the flag', async () => {
    const writes = await writesOfAChangeDuringAWrite(require.resolve('./controls/forgetful'));

    expect(writes).toBe(1);
  });
});

/**
 * Runs the workflow with a write that has read its situation and is about to report success when the next change comes:
 * the database cannot tell it of that change any more, only the poke can.
 */
async function writesOfAChangeDuringAWrite(workflowsPath: string): Promise<number> {
  const userId = randomUUID();
  const account = { service: SERVICE, userId, reason: 'updateGroups' } as const;
  let writes = 0;
  const convergeAccount = async (): Promise<ConvergeOutcome> => {
    writes += 1;
    if (writes === 1) await temporal.starter.account(account);
    return { outcome: 'settled', did: [] };
  };
  const { native: connection, namespace } = temporal;
  const engine = await Worker.create({ connection, namespace, taskQueue: ENGINE_TASK_QUEUE, workflowsPath });
  const service = await Worker.create({
    connection,
    namespace,
    taskQueue: serviceTaskQueue(SERVICE),
    activities: { convergeAccount },
  });
  await engine.runUntil(
    service.runUntil(async () => {
      await temporal.starter.account(account);
      await temporal.client.workflow.getHandle(accountWorkflowId(SERVICE, userId)).result();
    }),
  );
  return writes;
}
