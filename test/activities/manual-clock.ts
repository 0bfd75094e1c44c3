import type { LocalClock } from '../../activities/database-clock';

interface Timer {
  readonly atMs: number;
  readonly work: () => void;
}

/** A clock that stands still until it is moved. */
export class ManualClock implements LocalClock {
  #nowMs = 0;
  #timers: Timer[] = [];

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, work: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), work };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((known) => known !== timer));
  }

  /** Moves on, one timer after the other; what they begin may take its turns in between. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.work();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Timer | undefined {
    const due = this.#timers.filter((timer) => timer.atMs <= untilMs);
    return due.sort((one, other) => one.atMs - other.atMs)[0];
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
