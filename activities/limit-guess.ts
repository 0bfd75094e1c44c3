import { guessAfterRefusal } from '../domain/limit-learning';
import type { LearnedLimit } from '../domain/limit-learning';
import type { LocalClock } from './database-clock';

/** What went well longer ago says nothing about the limit that is met now. */
const COUNTED_MS = 10_000;

/** Counts what a service lets through, for the case that all it ever says about its limit is a refusal. */
export class LimitGuess {
  #accepted = 0;
  #sinceMs: number;

  constructor(private readonly clock: LocalClock) {
    this.#sinceMs = clock.now();
  }

  /** A call went well. */
  accepted(): void {
    if (this.clock.now() - this.#sinceMs > COUNTED_MS) this.#restart(0);
    this.#accepted += 1;
  }

  /** What to keep to after a refusal; undefined where it belongs to the one before. */
  refused(known: LearnedLimit | undefined, waitMs: number): LearnedLimit | undefined {
    const refusal = { accepted: this.#accepted, elapsedMs: this.clock.now() - this.#sinceMs, waitMs };
    this.#restart(waitMs);
    return refusal.elapsedMs <= 0 ? undefined : guessAfterRefusal(known, refusal);
  }

  #restart(afterMs: number): void {
    this.#accepted = 0;
    this.#sinceMs = this.clock.now() + afterMs;
  }
}
