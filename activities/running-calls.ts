/** What a call is believed to take before one has been seen. */
const FIRST_CALL_MS = 100;
/** One slow call says nothing about the service. */
const STANDING_CALLS = 3;

/** The calls of this process that are out, and whether the service still answers. */
export class RunningCalls {
  #count = 0;
  #callMs = FIRST_CALL_MS;
  /** When the last answer came; or, if none is owed longer than that, since when one is. */
  #quietSinceMs = 0;

  get count(): number {
    return this.#count;
  }

  /** What a call takes. */
  get callMs(): number {
    return this.#callMs;
  }

  begun(nowMs: number): void {
    if (this.#count === 0) this.#quietSinceMs = nowMs;
    this.#count += 1;
  }

  ended(nowMs: number): void {
    this.#count -= 1;
    this.#quietSinceMs = nowMs;
  }

  /** Slower calls are believed at once, faster ones by and by. */
  learn(tookMs: number): void {
    this.#callMs += (tookMs - this.#callMs) / (tookMs > this.#callMs ? 4 : 10);
  }

  /** Calls are out and none of them is answered: whoever is answered next lets the others go on. `stallMs` 0 = never. */
  isServiceStanding(nowMs: number, stallMs: number): boolean {
    if (stallMs === 0 || this.#count < STANDING_CALLS) return false;
    return nowMs - this.#quietSinceMs > stallMs + 1.5 * this.#callMs;
  }
}
