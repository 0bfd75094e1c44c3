import type { LocalClock } from './database-clock';

/** The statements behind a cap on parallel calls over all processes. */
export interface SlotStore {
  readonly cap: number;
  /** A slot that is not prolonged expires after so long: longer than any call. */
  readonly holdMs: number;
  /** Takes up to `count` free ones; answers how many. When there is none, others hear that one is wanted. */
  take(count: number): Promise<number>;
  /** Prolongs all that are held; answers how many are left. */
  renew(): Promise<number>;
  /** Gives back; `ifWanted`: only if another process wants one. Answers how many. */
  free(count: number, ifWanted: boolean): Promise<number>;
}

interface Waiter {
  readonly lane: 'person' | 'bulk';
  readonly enter: () => void;
  readonly refuse: (error: unknown) => void;
}

/** A slot is kept for several calls, but not for longer if others want a turn. */
const TURN_MS = 250;
const ASK_AGAIN_MS = 50;

/**
 * This process's part of a cap on parallel calls that holds over all processes. Slots are borrowed for a turn, not for a
 * call, so that a serial service costs a few statements per turn. Waiting is in order of coming; persons go first.
 */
export class SharedSlots {
  readonly #waiting: Waiter[] = [];
  #held = 0;
  #used = 0;
  #turnEndsMs = 0;
  #renewAtMs = 0;
  #pausedUntilMs = 0;
  #busy = false;

  constructor(
    private readonly store: SlotStore,
    private readonly clock: LocalClock,
    private readonly random: () => number,
  ) {}

  /** Runs `work` when the cap allows it. */
  async run<T>(lane: 'person' | 'bulk', work: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ lane, enter: resolve, refuse: reject });
      void this.#pump();
    });
    try {
      return await work();
    } finally {
      this.#used -= 1;
      void this.#pump();
    }
  }

  async #pump(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      await this.#giveBack();
      await this.#renew();
      this.#letIn();
      await this.#askForMore();
      this.#letIn();
    } catch (error) {
      for (const waiter of this.#waiting.splice(0)) waiter.refuse(error);
    } finally {
      this.#busy = false;
    }
    const idle = this.#waiting.length === 0 && this.#used === this.#held;
    if (!idle && this.#held < this.store.cap)
      this.clock.after(ASK_AGAIN_MS * (0.5 + this.random()), () => void this.#pump());
  }

  #letIn(): void {
    while (this.#used < this.#held && this.#waiting.length > 0) {
      const person = this.#waiting.findIndex((waiter) => waiter.lane === 'person');
      const [next] = this.#waiting.splice(Math.max(0, person), 1);
      this.#used += 1;
      next?.enter();
    }
  }

  /** What is not used goes back at once when nobody waits here; after a turn also if others want it. */
  async #giveBack(): Promise<void> {
    const unused = this.#held - this.#used;
    const ifWanted = this.#waiting.length > 0;
    if (unused <= 0 || (ifWanted && this.clock.now() < this.#turnEndsMs)) return;
    const freed = await this.store.free(unused, ifWanted);
    this.#held -= freed;
    this.#turnEndsMs = this.clock.now() + TURN_MS;
    // They ask every few milliseconds: it is their turn now.
    if (ifWanted && freed > 0) this.#pausedUntilMs = this.clock.now() + 2 * ASK_AGAIN_MS;
  }

  async #renew(): Promise<void> {
    if (this.#held === 0 || this.clock.now() < this.#renewAtMs) return;
    this.#renewAtMs = this.clock.now() + this.store.holdMs / 3;
    this.#held = Math.max(this.#used, await this.store.renew());
  }

  async #askForMore(): Promise<void> {
    const wanted = Math.min(this.#waiting.length, this.store.cap - this.#held);
    if (wanted <= 0 || this.clock.now() < this.#pausedUntilMs) return;
    const taken = await this.store.take(wanted);
    if (taken === 0) return;
    if (this.#held === 0) {
      this.#turnEndsMs = this.clock.now() + TURN_MS;
      this.#renewAtMs = this.clock.now() + this.store.holdMs / 3;
    }
    this.#held += taken;
  }
}
