import {
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { Activities } from '../activities';
import { SEARCH_ATTRIBUTES, SYNC_PROGRESS_QUERY, SYNC_SIGNALS } from './contracts';
import type { BulkSyncInput, SyncProgress } from './contracts';
import { STORE_OPTIONS } from './patterns/activity-options';
import { ChunkRun } from './patterns/chunk-run';

export const cancelSync = defineSignal(SYNC_SIGNALS.cancel);
export const pauseSync = defineSignal(SYNC_SIGNALS.pause);
export const resumeSync = defineSignal(SYNC_SIGNALS.resume);
export const progress = defineQuery<SyncProgress>(SYNC_PROGRESS_QUERY);

/** Without a signal a comparison is looked at again after so long. */
const COMPARISON_LOOK = '2 minutes';

/**
 * A bulk run over the accounts of one service.
 *
 * staging -> running -> finished, and from running to paused and back. A window of chunks is in flight; when one ends the
 * next begins. A pause or a cancel ends the chunks within seconds, each after the accounts that it is at; what they had
 * settled stays settled. Paused, nothing runs and no slot is held. A paused service is waited for in the same way: its
 * resumption comes as the same signal, with a look every ten minutes for the case that it is lost. Before continue-as-new no chunk is begun and those in
 * flight are waited for; it carries the next item and the total. Results are in the database only.
 */
export async function bulkSync(input: BulkSyncInput): Promise<SyncProgress> {
  const steering = new Steering();
  // A cancellation by hand in Temporal is the same as the signal.
  CancellationScope.current().cancelRequested.catch(() => steering.cancel());
  return CancellationScope.nonCancellable(() => walkThrough(input, steering));
}

async function walkThrough(input: BulkSyncInput, steering: Steering): Promise<SyncProgress> {
  const store = proxyActivities<Activities>(STORE_OPTIONS);
  const run = new ChunkRun(input);
  setHandler(progress, () => run.progress(steering.paused));
  setHandler(cancelSync, () => steering.cancel());
  setHandler(pauseSync, () => steering.pause());
  setHandler(resumeSync, () => {
    steering.resume();
    run.wake();
  });
  if (input.total === undefined) await stage(run, steering, () => store.stageSync({ syncId: input.syncId }));
  while (!steering.cancelled) {
    if (steering.paused) {
      setCurrentDetails(run.details(true));
      run.rest();
      await condition(() => !steering.paused || steering.cancelled);
      run.goOn();
      continue;
    }
    const drained = await steering.interruptible(() => run.drain());
    if (!drained || (steering.paused && !run.isDone)) continue;
    if (!run.isDone && !steering.cancelled) await continueAsNew<typeof bulkSync>(run.carriedOn());
    break;
  }
  await store.finishSync({ syncId: input.syncId, cancelled: steering.cancelled });
  run.end();
  upsertSearchAttributes({ [SEARCH_ATTRIBUTES.outcome]: [steering.cancelled ? 'cancelled' : 'succeeded'] });
  return run.progress(false);
}

/** Stages the items; a full sync waits for its comparison first, whose end comes as the signal `resume`. */
async function stage(run: ChunkRun, steering: Steering, staged: () => Promise<number | 'later'>): Promise<void> {
  while (!steering.cancelled) {
    const { wakes } = run;
    const total = await staged();
    if (total !== 'later') return run.begin(total);
    await condition(() => run.wakes !== wakes || steering.cancelled, COMPARISON_LOOK);
  }
}

/** What the signals have asked for. */
class Steering {
  paused = false;
  cancelled = false;
  #scope: CancellationScope | undefined;

  pause(): void {
    this.paused = true;
    this.#scope?.cancel();
  }

  resume(): void {
    this.paused = false;
  }

  cancel(): void {
    this.cancelled = true;
    this.#scope?.cancel();
  }

  /** False: a signal has ended the work before its end. Signals come only in between, never while it starts. */
  async interruptible(work: () => Promise<void>): Promise<boolean> {
    const scope = new CancellationScope();
    this.#scope = scope;
    try {
      await scope.run(work);
      return true;
    } catch (error) {
      if (!isCancellation(error)) throw error;
      return false;
    } finally {
      this.#scope = undefined;
    }
  }
}
