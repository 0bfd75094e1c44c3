import type { LocalClock } from './database-clock';

/** How often is looked for what other processes have learned. */
const LOOK_MS = 1_000;
/** What was looked at so long ago says nothing about what others do now. */
const OLD_MS = 2 * LOOK_MS;

export interface BudgetLookOptions {
  readonly clock: LocalClock;
  /** Reads what all processes know about the service. */
  readonly read: () => Promise<void>;
  /** Is a limit known here, so that calls keep to something meanwhile? */
  readonly isPaced: () => boolean;
  /** Hears of looks that failed and that nobody waited for. */
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Looks now and then for what others have learned. Calls wait for it where nothing is known here, or for long: a process
 * that was idle would begin with a burst that the permits of the others know nothing of.
 */
export class BudgetLook {
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #awaited: Promise<void> = Promise.resolve();

  constructor(private readonly options: BudgetLookOptions) {}

  /** Call before every call. Throws what a look that must be waited for throws; the next call looks again then. */
  beforeCall(): Promise<void> {
    const nowMs = this.options.clock.now();
    const sinceMs = nowMs - this.#lookedAtMs;
    if (sinceMs < LOOK_MS) return this.#awaited;
    this.#lookedAtMs = nowMs;
    const looking = this.options.read();
    if (sinceMs < OLD_MS && this.options.isPaced()) looking.catch(this.options.onTrouble);
    else this.#awaited = this.#orAgain(looking);
    return this.#awaited;
  }

  async #orAgain(looking: Promise<void>): Promise<void> {
    try {
      await looking;
    } catch (error) {
      this.#lookedAtMs = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }
}
