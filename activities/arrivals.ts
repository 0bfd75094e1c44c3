/** Answers that must have been seen before the fastest of them says something, */
const ENOUGH_ANSWERS = 10;
/** and since when: the first calls open connections and run cold code on both sides, so only their answers prove anything. */
const WARM_AFTER_MS = 2_000;
/** Half of how long the fastest answer is remembered: services become slower, too. */
const SPAN_MS = 30_000;
/** Timers and clocks are believed to be so exact. */
const GRAIN_MS = 1;

/**
 * When a call has arrived at the far side, at the latest. The answer proves that it had arrived by then, and even before:
 * by what the way back and the work take at the least. What all calls have in common (the way there at its fastest) may
 * be counted to either side, for only the distance between two arrivals matters; so the fastest answer of late is it.
 */
export class Arrivals {
  #fastestMs = Number.POSITIVE_INFINITY;
  #recentMs = Number.POSITIVE_INFINITY;
  #spanEndsMs = 0;
  #answers = 0;
  #warmFromMs = Number.POSITIVE_INFINITY;

  /** `travelMs`: no call takes longer to arrive, once all is warm. */
  constructor(private readonly travelMs: number) {}

  /** The latest arrival of a call sent at `sentMs` and answered at `answeredMs`, on one clock. */
  latest(sentMs: number, answeredMs: number): number {
    const tookMs = answeredMs - sentMs;
    this.#learn(tookMs, answeredMs);
    const isWarm = this.#answers >= ENOUGH_ANSWERS && answeredMs >= this.#warmFromMs;
    if (!isWarm) return answeredMs;
    const fastestMs = Math.min(this.#fastestMs, this.#recentMs);
    return Math.min(answeredMs - Math.max(0, fastestMs - GRAIN_MS), sentMs + this.travelMs);
  }

  #learn(tookMs: number, nowMs: number): void {
    this.#answers += 1;
    if (this.#answers === 1) this.#warmFromMs = nowMs + WARM_AFTER_MS;
    if (nowMs > this.#spanEndsMs) {
      this.#fastestMs = this.#recentMs;
      this.#recentMs = tookMs;
      this.#spanEndsMs = nowMs + SPAN_MS;
    }
    this.#recentMs = Math.min(this.#recentMs, tookMs);
  }
}
