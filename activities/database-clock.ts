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
const SAMPLES = 50;

/**
 * The database's clock as this process sees it. Each statement shows it within the statement's own duration; several
 * together show it to a fraction of a millisecond. What cannot be known is left open to the safe side.
 */
export class DatabaseClock {
  #samples: Sample[] = [];
  #lowest = 0;
  #highest = 0;

  constructor(private readonly local: LocalClock) {}

  /** What a statement sent at `sentMs` and answered now said. */
  learn(sentMs: number, databaseMs: number): void {
    const nowMs = this.local.now();
    const sample = { atMs: nowMs, lowest: databaseMs - nowMs, highest: databaseMs - sentMs };
    const young = this.#samples.filter((known) => known.atMs > nowMs - SAMPLE_LIFE_MS).slice(-SAMPLES);
    this.#samples = [...young, sample];
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
