/** Says what time a process has; real, or moved by a test. */
export interface LocalClock {
  /** Milliseconds that only ever grow. */
  now(): number;
  /** Runs `work` after so many milliseconds; the answer cancels it. */
  after(ms: number, work: () => void): () => void;
}

export const processClock: LocalClock = {
  now: () => performance.now(),
  after: (ms, work) => {
    const timer = setTimeout(work, Math.max(0, ms));
    return () => clearTimeout(timer);
  },
};

interface Sample {
  readonly atMs: number;
  readonly lowest: number;
  readonly highest: number;
}

/** Clocks drift apart by less than a millisecond in this time. */
const SAMPLE_LIFE_MS = 10_000;
const ASK_AGAIN_MS = 3_000;
const QUESTIONS = 4;

/**
 * The database's clock as this process sees it. Each statement shows it within the statement's own duration; several
 * together show it to a fraction of a millisecond. What cannot be known is left open to the safe side.
 */
export class DatabaseClock {
  #samples: Sample[] = [];
  #lowest = 0;
  #highest = 0;
  #asking: Promise<void> | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  /** `ask` answers the database's clock in milliseconds since 1970, by a statement that does nothing else. */
  constructor(
    private readonly local: LocalClock,
    private readonly ask: () => Promise<number>,
  ) {}

  /** Asks if it was long ago. Resolves when the clock is known; what is only asked again goes on beside. */
  async known(): Promise<void> {
    const known = this.#askedAtMs > Number.NEGATIVE_INFINITY;
    if (this.local.now() - this.#askedAtMs >= ASK_AGAIN_MS) this.#asking ??= this.#askAll();
    if (!known) await this.#asking;
    // Asked again without anybody waiting: whoever needs the database next hears that it is away.
    else this.#asking?.catch(() => undefined);
  }

  async #askAll(): Promise<void> {
    try {
      for (let question = 0; question < QUESTIONS; question += 1) {
        const sentMs = this.local.now();
        this.#learn(sentMs, await this.ask());
      }
      this.#askedAtMs = this.local.now();
    } finally {
      this.#asking = undefined;
    }
  }

  #learn(sentMs: number, databaseMs: number): void {
    const nowMs = this.local.now();
    const sample = { atMs: nowMs, lowest: databaseMs - nowMs, highest: databaseMs - sentMs };
    this.#samples = [...this.#samples.filter((known) => known.atMs > nowMs - SAMPLE_LIFE_MS), sample];
    this.#lowest = Math.max(...this.#samples.map((known) => known.lowest));
    this.#highest = Math.min(...this.#samples.map((known) => known.highest));
    if (this.#lowest <= this.#highest) return;
    // One of the clocks was set: only the newest counts.
    this.#samples = [sample];
    this.#lowest = sample.lowest;
    this.#highest = sample.highest;
  }

  /** The database's time now, or a little before: what is due by it is surely due. */
  earliest(): number {
    return this.local.now() + this.#lowest;
  }

  /** The database's time now, or a little after. */
  latest(): number {
    return this.local.now() + this.#highest;
  }
}
