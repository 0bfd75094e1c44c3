import { setTimeout as delay } from 'node:timers/promises';
import { accountMarks } from '../store/account-marks';
import type { Queryable } from '../store/database';

/** One statement in so many milliseconds, however many pages are open. */
const LOOK_MS = 1_000;

interface Watcher {
  readonly userId: string;
  mark: string | undefined;
  wake: () => void;
}

/**
 * Looks at people's accounts for every open page of this process. It looks only while somebody watches, and keeps nothing for who
 * is slow: they are told once that something has moved.
 */
export class PeopleWatch {
  readonly #watchers = new Set<Watcher>();
  #looking = false;

  constructor(
    private readonly db: Queryable,
    private readonly lookMs = LOOK_MS,
  ) {}

  /** Yields at once, and whenever something of this person has moved, until `signal` is aborted or the caller leaves the loop. */
  async *follow(userId: string, signal: AbortSignal): AsyncGenerator<void, void> {
    let moved = true;
    let wake: () => void = () => undefined;
    const watcher: Watcher = {
      userId,
      mark: undefined,
      wake: () => {
        moved = true;
        wake();
      },
    };
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#watchers.add(watcher);
    void this.#look();
    try {
      while (!signal.aborted) {
        if (moved) {
          moved = false;
          yield;
        } else {
          await new Promise<void>((resolve) => (wake = resolve));
        }
      }
    } finally {
      this.#watchers.delete(watcher);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #look(): Promise<void> {
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
      const marks = await accountMarks(this.db, [...new Set(watchers.map((watcher) => watcher.userId))]);
      for (const watcher of watchers) {
        const mark = marks.get(watcher.userId) ?? '';
        // The first look may differ from what was shown just before it: better once too often.
        if (watcher.mark !== mark) watcher.wake();
        watcher.mark = mark;
      }
    } catch {
      // The database is away: who watches sees nothing new until it is back.
    }
  }
}

const watches = new WeakMap<Queryable, PeopleWatch>();

/** The one watch of this process on a database. */
export function peopleWatch(db: Queryable): PeopleWatch {
  const known = watches.get(db);
  if (known !== undefined) return known;
  const made = new PeopleWatch(db);
  watches.set(db, made);
  return made;
}
