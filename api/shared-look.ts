import { setTimeout as delay } from 'node:timers/promises';

/** One look in so many milliseconds, however many watch how many things. */
const LOOK_MS = 1_000;

interface Watcher<T> {
  readonly key: string;
  /** Called after every look: with the thing as it is now, undefined when it is no more. */
  readonly seen: (thing: T | undefined) => void;
}

/**
 * Looks at things for everybody in this process who watches one. It looks only while somebody watches, and keeps nothing
 * for who is slow: they get the newest when they ask.
 */
export class SharedLook<T> {
  readonly #watchers = new Set<Watcher<T>>();
  #looking = false;

  constructor(
    private readonly look: (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>,
    private readonly lookMs = LOOK_MS,
  ) {}

  /** Who watches now. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** The thing after every look (undefined: there is none), until `signal` is aborted or the caller leaves the loop. */
  async *follow(key: string, signal: AbortSignal): AsyncGenerator<T | undefined, void> {
    let wake: () => void = () => undefined;
    let newest: { readonly thing: T | undefined } | undefined;
    const watcher: Watcher<T> = {
      key,
      seen: (thing) => {
        newest = { thing };
        wake();
      },
    };
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#watchers.add(watcher);
    void this.#lookOn();
    try {
      while (!signal.aborted) {
        if (newest === undefined) await new Promise<void>((resolve) => (wake = resolve));
        const seen: { readonly thing: T | undefined } | undefined = newest;
        newest = undefined;
        if (seen !== undefined) yield seen.thing;
      }
    } finally {
      this.#watchers.delete(watcher);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #lookOn(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      for (;;) {
        await delay(this.lookMs, undefined, { ref: false });
        if (this.#watchers.size === 0) return;
        await this.#lookOnce();
      }
    } finally {
      this.#looking = false;
    }
  }

  async #lookOnce(): Promise<void> {
    const watchers = [...this.#watchers];
    try {
      const things = await this.look([...new Set(watchers.map(({ key }) => key))]);
      for (const watcher of watchers) watcher.seen(things.get(watcher.key));
    } catch {
      // The database is away: who watches sees nothing new until it is back.
    }
  }
}
