import {
  ActivityCancellationType,
  CancellationScope,
  CancelledFailure,
  condition,
  patched,
  proxyActivities,
  setCurrentDetails,
  sleep,
} from '@temporalio/workflow';
import { bulkTaskQueue } from '../../domain/ids';
import type { Activities } from '../../activities';
import type { BulkSyncInput, SyncChunkRange, SyncProgress } from '../contracts';
import { CHUNK_OPTIONS } from './activity-options';

/** Accounts per chunk activity: next to nothing of server CPU an account, and a repeated chunk repeats little. */
const CHUNK_SIZE = 200;
/** Chunks in flight: with those of a worker that dies, and those that wait for the workflow, some are always at work. */
const WINDOW = 8;
/** What runs do that began before chunks were staggered. */
const FORMER_WINDOW = 4;
const STAGGERED = 'staggered chunks';
/** Chunks per run, and looks at chunks that had to wait: a few thousand events, far below the limit of a history. */
const CHUNKS_PER_RUN = 300;
/** A rate over less than this says nothing. */
const SHORTEST_MS = 1_000;

/** The chunks of one bulk run: which are begun, done, and interrupted. Deterministic: its clock is the workflow's. */
export class ChunkRun {
  #nextSeq: number;
  #total: number;
  #again: SyncChunkRange[];
  #begun = 0;
  #wakes = 0;
  #done: number;
  #state: 'staging' | 'running' | 'ended';
  readonly #doneBefore: number;
  /** Chunks of this run are of growing sizes at first, so that they do not all end at the same time. */
  readonly #isStaggered = patched(STAGGERED);
  #fresh = 0;
  #sinceMs = Date.now();
  #restingSinceMs: number | undefined;

  constructor(private readonly input: BulkSyncInput) {
    this.#nextSeq = input.nextSeq ?? 1;
    this.#total = input.total ?? 0;
    this.#again = [...(input.again ?? [])];
    this.#done = this.#nextSeq - 1 - this.#again.reduce((sum, chunk) => sum + size(chunk), 0);
    this.#doneBefore = this.#done;
    this.#state = input.total === undefined ? 'staging' : 'running';
  }

  /** All items are staged: so many. */
  begin(total: number): void {
    this.#total = total;
    this.#state = 'running';
    this.#sinceMs = Date.now();
  }

  end(): void {
    this.#state = 'ended';
  }

  /** From here to `goOn` no time counts. */
  rest(): void {
    this.#restingSinceMs = Date.now();
  }

  goOn(): void {
    if (this.#restingSinceMs !== undefined) this.#sinceMs += Date.now() - this.#restingSinceMs;
    this.#restingSinceMs = undefined;
  }

  /** The service goes on: whoever waits for it looks again. */
  wake(): void {
    this.#wakes += 1;
  }

  /** How often it was told to look again. */
  get wakes(): number {
    return this.#wakes;
  }

  get isDone(): boolean {
    return this.#nextSeq > this.#total && this.#again.length === 0;
  }

  /** The input of the run that continues as new. */
  carriedOn(): BulkSyncInput {
    const { service, syncId } = this.input;
    return { service, syncId, nextSeq: this.#nextSeq, total: this.#total, again: this.#again };
  }

  progress(paused: boolean): SyncProgress {
    const state = paused && this.#state !== 'ended' ? 'paused' : this.#state;
    const perSecond = this.#perSecond();
    const endsAt = state === 'running' && perSecond !== null && perSecond > 0 ? this.#end(perSecond) : null;
    return { total: this.#total, done: this.#done, state, perSecond, endsAt };
  }

  /** One line for Temporal's web UI. */
  details(paused: boolean): string {
    const { total, done, perSecond, endsAt } = this.progress(paused);
    const words = [`${done} of ${total} accounts`];
    if (paused) words.push('paused');
    if (perSecond !== null) words.push(`${perSecond} a second`);
    if (endsAt !== null) words.push(`until about ${endsAt}`);
    return words.join(', ');
  }

  /**
   * Runs chunks in a window until all are begun, or the run has had its share; waits for those in flight, also when it is
   * cancelled. @throws CancelledFailure
   */
  async drain(): Promise<void> {
    const lanes = await Promise.allSettled(
      Array.from({ length: this.#isStaggered ? WINDOW : FORMER_WINDOW }, () => this.#lane()),
    );
    const failed = lanes.find((lane) => lane.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  async #lane(): Promise<void> {
    for (let chunk = this.#next(); chunk !== undefined; chunk = this.#next()) {
      try {
        if (!(await this.#run(chunk))) {
          this.#again.push(chunk);
          return;
        }
      } catch (error) {
        this.#again.push(chunk);
        // Whatever else befell a chunk that was told to stop (its worker died): it is only interrupted.
        throw CancellationScope.current().consideredCancelled ? new CancelledFailure('the sync was stopped') : error;
      }
      this.#done += size(chunk);
      setCurrentDetails(this.details(false));
    }
  }

  #next(): SyncChunkRange | undefined {
    if (CancellationScope.current().consideredCancelled || this.#begun >= CHUNKS_PER_RUN) return undefined;
    const chunk = this.#again.shift() ?? this.#nextFresh();
    if (chunk !== undefined) this.#begun += 1;
    return chunk;
  }

  #nextFresh(): SyncChunkRange | undefined {
    if (this.#nextSeq > this.#total) return undefined;
    this.#fresh += 1;
    const part = this.#isStaggered ? Math.min(1, this.#fresh / WINDOW) : 1;
    const from = this.#nextSeq;
    const to = Math.min(from + Math.ceil(CHUNK_SIZE * part) - 1, this.#total);
    this.#nextSeq = to + 1;
    return { from, to };
  }

  /**
   * A chunk that meets a closed service ends at once and is taken up again when the service is open: no slot waits. False:
   * it has been looked at so often that the next run must go on with it.
   */
  async #run({ from, to }: SyncChunkRange): Promise<boolean> {
    const { service, syncId } = this.input;
    const { syncChunk } = proxyActivities<Activities>({
      ...CHUNK_OPTIONS,
      // Its last accounts are waited for: after that nobody writes.
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      taskQueue: bulkTaskQueue(service),
    });
    for (;;) {
      // Before the look: a wake that comes during it must not be missed.
      const wakes = this.#wakes;
      const { waitMs, paused } = await syncChunk({ service, syncId, from, to });
      if (waitMs === null) return true;
      if (paused === true) await condition(() => this.#wakes !== wakes, waitMs);
      else await sleep(Math.max(1, waitMs));
      if (this.#begun >= CHUNKS_PER_RUN) return false;
      this.#begun += 1;
    }
  }

  #perSecond(): number | null {
    const activeMs = (this.#restingSinceMs ?? Date.now()) - this.#sinceMs;
    if (this.#state === 'staging' || activeMs < SHORTEST_MS) return null;
    return Math.round(((this.#done - this.#doneBefore) / activeMs) * 100_000) / 100;
  }

  #end(perSecond: number): string {
    return new Date(Date.now() + ((this.#total - this.#done) / perSecond) * 1000).toISOString();
  }
}

function size({ from, to }: SyncChunkRange): number {
  return to - from + 1;
}
