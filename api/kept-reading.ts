import { setTimeout as delay } from 'node:timers/promises';

/** Read anew so often while somebody asks. */
const EVERY_MS = 1_000;
/** What takes long is read less often: it may take this part of one database connection's time. */
const REST_FACTOR = 4;
/** Nobody has asked for so long: nothing is read any more. */
const KEEP_MS = 5_000;

/**
 * Something that takes the database a while, read once for everybody in this process who asks. While they ask it is read again
 * and again behind their backs, so that nobody but the first waits for it; what they get is about a second old, or five times as old as a
 * reading takes.
 */
export class KeptReading<T> {
  #kept: Promise<T> | undefined;
  #askedMs = 0;

  constructor(private readonly read: () => Promise<T>) {}

  /** The newest one. @throws what reading throws; then the next who asks has it read anew */
  latest(): Promise<T> {
    this.#askedMs = performance.now();
    if (this.#kept === undefined) {
      this.#kept = this.read();
      void this.#readOn(this.#kept);
    }
    return this.#kept;
  }

  async #readOn(first: Promise<T>): Promise<void> {
    try {
      for (let reading = first; ; reading = this.read()) {
        const startedMs = performance.now();
        const value = await reading;
        this.#kept = Promise.resolve(value);
        const tookMs = performance.now() - startedMs;
        await delay(Math.max(EVERY_MS, tookMs * REST_FACTOR), undefined, { ref: false });
        if (performance.now() - this.#askedMs > KEEP_MS) break;
      }
    } catch {
      // Who waits for the first reading is told; of a later one nobody is, and the next who asks begins again.
    }
    this.#kept = undefined;
  }
}
