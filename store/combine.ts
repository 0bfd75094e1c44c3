/** Items that one statement takes at most. */
const MOST = 200;
/** So many items are worth a statement of their own at once. */
const WORTH_IT = 40;
/** Fewer wait so long after the last statement began: under load company comes, and without load the last one is long ago. */
const SPACING_MS = 30;
const MOST_AT_ONCE = 4;

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Does with one statement what is asked for at nearly the same time. An item that comes alone is done at once; under load it
 * waits a few milliseconds for company.
 */
export class Combiner<Item, Answer> {
  #waiting: Waiting<Item, Answer>[] = [];
  #running = 0;
  #isPlanned = false;
  #isPlannedLater = false;
  #lastBegunAt = 0;

  /** `work` answers one for each item, in their order; or throws, and then none of them has happened. */
  constructor(private readonly work: (items: readonly Item[]) => Promise<readonly Answer[]>) {}

  /**
   * Does the item, alone or with others. `isUrgent`: it waits for no company, but takes along who waits. Rejects with what
   * `work` throws for this item alone.
   */
  ask(item: Item, isUrgent = false): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#plan(isUrgent);
    });
  }

  #plan(isUrgent = false): void {
    if (this.#waiting.length === 0 || this.#running >= MOST_AT_ONCE) return;
    const dueInMs = this.#lastBegunAt + SPACING_MS - performance.now();
    if (dueInMs > 0 && this.#waiting.length < WORTH_IT && !isUrgent) {
      this.#planLater(dueInMs);
      return;
    }
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    // Not at once: who asks in the same turn of the event loop goes along.
    setImmediate(() => {
      this.#isPlanned = false;
      this.#begin();
    });
  }

  #planLater(dueInMs: number): void {
    if (this.#isPlannedLater) return;
    this.#isPlannedLater = true;
    setTimeout(() => {
      this.#isPlannedLater = false;
      this.#begin();
    }, dueInMs);
  }

  #begin(): void {
    if (this.#waiting.length === 0 || this.#running >= MOST_AT_ONCE) return;
    const batch = this.#waiting.splice(0, MOST);
    this.#lastBegunAt = performance.now();
    this.#running += 1;
    void this.#run(batch).finally(() => {
      this.#running -= 1;
      this.#plan();
    });
    this.#plan();
  }

  async #run(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.work(batch.map((waiting) => waiting.item));
      batch.forEach((waiting, index) => waiting.resolve(answers[index] as Answer));
    } catch (error) {
      // One that the database refuses must not refuse the others. A connection that broke tells nothing of any of them.
      if (batch.length > 1 && isRefused(error)) await Promise.all(batch.map((waiting) => this.#run([waiting])));
      else for (const waiting of batch) waiting.reject(error);
    }
  }
}

/** The database itself has said no (an SQLSTATE that is not about the server's end): nothing of the statement has happened. */
function isRefused(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false;
  return /^(?!08|57)[0-9A-Z]{5}$/.test(error.code);
}
