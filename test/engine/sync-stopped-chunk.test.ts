import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import {
  BULK_SYNC_WORKFLOW,
  bulkTaskQueue,
  ENGINE_TASK_QUEUE,
  SYNC_PROGRESS_QUERY,
  SYNC_SIGNALS,
} from '../../workflows/contracts';
import type { SyncChunkRange, SyncProgress } from '../../workflows/contracts';
import { createTestNamespace, testTemporal } from '../environment/temporal';
import { eventually } from './organisation';

const SERVICE = 'svc';
const TOTAL = 500;
/** Of growing sizes, all in flight together. */
const CHUNKS = 6;

describe('a chunk whose worker dies while its sync is told to stop', () => {
  test('is interrupted like the others, and run again after the resume', async () => {
    Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR') });
    const [{ address }, namespace] = await Promise.all([testTemporal(), createTestNamespace()]);
    const connection = await NativeConnection.connect({ address });
    const begun: SyncChunkRange[] = [];
    const ended: boolean[] = [];
    let bury: () => void = () => undefined;
    const buried = new Promise<void>((resolve) => (bury = resolve));
    const activities = {
      stageSync: async () => TOTAL,
      finishSync: async ({ cancelled }: { readonly cancelled: boolean }) => void ended.push(cancelled),
      // The first chunks are dead: no heartbeat, no answer, deaf to the cancellation.
      syncChunk: async ({ from, to }: SyncChunkRange) => {
        begun.push({ from, to });
        if (begun.length <= CHUNKS) await buried;
        return { waitMs: null };
      },
    };
    const common = { connection, namespace, activities };
    const workflowsPath = require.resolve('../../workflows');
    const workers = await Promise.all([
      Worker.create({ ...common, taskQueue: ENGINE_TASK_QUEUE, workflowsPath }),
      Worker.create({ ...common, taskQueue: bulkTaskQueue(SERVICE) }),
    ]);
    const running = workers.map((worker) => worker.run());
    const caller = await Connection.connect({ address });
    const handle = await new Client({ connection: caller, namespace }).workflow.start(BULK_SYNC_WORKFLOW, {
      workflowId: 'sync/stopped',
      taskQueue: ENGINE_TASK_QUEUE,
      args: [{ service: SERVICE, syncId: 'stopped' }],
    });

    await eventually('all chunks are begun', async () => begun.length === CHUNKS);
    await handle.signal(SYNC_SIGNALS.pause);
    await eventually('nothing runs', async () => ((await handle.describe()).raw.pendingActivities ?? []).length === 0);
    const paused = await handle.query<SyncProgress>(SYNC_PROGRESS_QUERY);
    await handle.signal(SYNC_SIGNALS.resume);
    const result = await handle.result();

    expect(paused).toMatchObject({ state: 'paused', done: 0, total: TOTAL });
    expect(result).toMatchObject({ state: 'ended', done: TOTAL });
    const inOrder = (chunks: readonly SyncChunkRange[]) => chunks.toSorted((one, other) => one.from - other.from);
    expect(begun).toHaveLength(2 * CHUNKS);
    expect(inOrder(begun.slice(CHUNKS))).toEqual(inOrder(begun.slice(0, CHUNKS)));
    expect(ended).toEqual([false]);

    bury();
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
    await Promise.all([caller.close(), connection.close()]);
  });
});
