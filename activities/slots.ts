/** A counting gate: so many at once, the others in the order they came; persons go before bulk. */
export class Slots {
  readonly #persons: (() => void)[] = [];
  readonly #bulk: (() => void)[] = [];
  #free: number;
  #closedUntil = 0;

  /** `size`: how many at once. */
  constructor(readonly size: number) {
    this.#free = size;
  }

  /** How many may enter at once. */
  get free(): number {
    return this.#free;
  }

  /** Runs `work` when there is a free slot. */
  async run<T>(lane: 'person' | 'bulk', work: () => Promise<T>): Promise<T> {
    await this.#enter(lane);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  /** Nobody should begin for so long; a shorter time never shortens what stands. */
  closeFor(ms: number): void {
    this.#closedUntil = Math.max(this.#closedUntil, performance.now() + ms);
  }

  /** How long nobody should begin yet; 0 = not at all. */
  get closedMs(): number {
    return Math.max(0, this.#closedUntil - performance.now());
  }

  /** Takes a slot if one is free at once; the answer gives it back. */
  tryEnter(): (() => void) | undefined {
    if (this.#free <= 0) return undefined;
    this.#free -= 1;
    return () => this.#leave();
  }

  #leave(): void {
    const next = this.#persons.shift() ?? this.#bulk.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }

  #enter(lane: 'person' | 'bulk'): Promise<void> {
    if (this.tryEnter() !== undefined) return Promise.resolve();
    return new Promise((resolve) => (lane === 'person' ? this.#persons : this.#bulk).push(resolve));
  }
}
