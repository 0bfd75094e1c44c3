import {
  CancellationScope,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { bulkTaskQueue } from '../domain/ids';
import type { Activities } from '../activities';
import { SEARCH_ATTRIBUTES, SYNC_CANCEL_SIGNAL, SYNC_PROGRESS_QUERY } from './contracts';
import type { BulkSyncInput, SyncProgress } from './contracts';
import { CHUNK_OPTIONS, STORE_OPTIONS } from './patterns/activity-options';

/** Accounts per chunk activity: 0.1 ms of server CPU an account, and a repeated chunk repeats little. */
const CHUNK_SIZE = 100;
/** Chunks in flight. */
const WINDOW = 4;
/** Chunks per run: a few thousand events, far below the limit of a history. */
const CHUNKS_PER_RUN = 300;

export const cancelSync = defineSignal(SYNC_CANCEL_SIGNAL);
export const progress = defineQuery<SyncProgress>(SYNC_PROGRESS_QUERY);

/**
 * A bulk run over the accounts of one service.
 *
 * staging -> running -> finished. A window of chunks is in flight; when one ends the next begins. A cancel ends the chunks
 * within seconds; what they had settled stays settled, the rest counts as skipped. Before continue-as-new no chunk is
 * begun and those in flight are waited for; it carries the next item and the total. Results are in the database only.
 */
export async function bulkSync(input: BulkSyncInput): Promise<SyncProgress> {
  const store = proxyActivities<Activities>(STORE_OPTIONS);
  const run = new ChunkRun(input);
  setHandler(progress, () => run.progress());
  const scope = new CancellationScope();
  setHandler(cancelSync, () => scope.cancel());
  if (input.total === undefined) run.total = await store.stageSync({ syncId: input.syncId });
  try {
    await scope.run(() => run.drain());
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(() => store.finishSync({ syncId: input.syncId, cancelled: true }));
    upsertSearchAttributes({ [SEARCH_ATTRIBUTES.outcome]: ['cancelled'] });
    return run.progress();
  }
  if (run.nextSeq <= run.total)
    await continueAsNew<typeof bulkSync>({ ...input, nextSeq: run.nextSeq, total: run.total });
  await store.finishSync({ syncId: input.syncId, cancelled: false });
  upsertSearchAttributes({ [SEARCH_ATTRIBUTES.outcome]: ['succeeded'] });
  return run.progress();
}

class ChunkRun {
  nextSeq: number;
  total: number;
  private begun = 0;
  private done: number;

  constructor(private readonly input: BulkSyncInput) {
    this.nextSeq = input.nextSeq ?? 1;
    this.total = input.total ?? 0;
    this.done = this.nextSeq - 1;
  }

  progress(): SyncProgress {
    return { total: this.total, done: this.done };
  }

  /** Runs chunks in a window until all are begun, or the run has had its share; waits for those in flight. */
  async drain(): Promise<void> {
    await Promise.all(Array.from({ length: WINDOW }, () => this.lane()));
  }

  private async lane(): Promise<void> {
    while (this.nextSeq <= this.total && this.begun < CHUNKS_PER_RUN) {
      const from = this.nextSeq;
      const to = Math.min(from + CHUNK_SIZE - 1, this.total);
      this.nextSeq = to + 1;
      this.begun += 1;
      await this.chunk(from, to);
      this.done += to - from + 1;
      setCurrentDetails(`${this.done} of ${this.total} accounts`);
    }
  }

  /** A chunk that meets a closed service ends at once and is taken up again when the service is open: no slot waits. */
  private async chunk(from: number, to: number): Promise<void> {
    const { syncChunk } = proxyActivities<Activities>({
      ...CHUNK_OPTIONS,
      taskQueue: bulkTaskQueue(this.input.service),
    });
    for (;;) {
      const { waitMs } = await syncChunk({ service: this.input.service, syncId: this.input.syncId, from, to });
      if (waitMs === null) return;
      await sleep(Math.max(1, waitMs));
    }
  }
}
