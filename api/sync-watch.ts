import { setTimeout as delay } from 'node:timers/promises';
import { readSyncs } from '../store/syncs';
import type { Queryable } from '../store/database';
import type { Sync } from '../store/syncs';

/** One query in so many milliseconds, however many watch how many syncs. */
const LOOK_MS = 1_000;

interface Watcher {
  readonly syncId: string;
  /** Called after every look: with the sync as it is now, undefined when it is no more. */
  readonly seen: (sync: Sync | undefined) => void;
}

/**
 * Looks at syncs for everybody in this process who watches one. It looks only while somebody watches, and keeps nothing
 * for who is slow: they get the newest when they ask.
 */
export class SyncWatch {
  readonly #watchers = new Set<Watcher>();
  #looking = false;

  constructor(
    private readonly db: Queryable,
    private readonly lookMs = LOOK_MS,
  ) {}

  /** Who watches now. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** The sync after every look (about a second), until it is no more, `signal` is aborted, or the caller leaves the loop. */
  async *follow(syncId: string, signal: AbortSignal): AsyncGenerator<Sync, void> {
    let wake: () => void = () => undefined;
    let newest: { readonly sync: Sync | undefined } | undefined;
    const watcher: Watcher = {
      syncId,
      seen: (sync) => {
        newest = { sync };
        wake();
      },
    };
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#watchers.add(watcher);
    void this.#look();
    try {
      while (!signal.aborted) {
        if (newest === undefined) await new Promise<void>((resolve) => (wake = resolve));
        const seen: { readonly sync: Sync | undefined } | undefined = newest;
        newest = undefined;
        if (seen === undefined) continue;
        if (seen.sync === undefined) return;
        yield seen.sync;
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
      const found = await readSyncs(this.db, [...new Set(watchers.map((watcher) => watcher.syncId))]);
      const syncs = new Map(found.map((sync) => [sync.id, sync]));
      for (const watcher of watchers) watcher.seen(syncs.get(watcher.syncId));
    } catch {
      // The database is away: who watches sees nothing new until it is back.
    }
  }
}

const watches = new WeakMap<Queryable, SyncWatch>();

/** The one watch of this process on a database. */
export function syncWatch(db: Queryable): SyncWatch {
  const known = watches.get(db);
  if (known !== undefined) return known;
  const made = new SyncWatch(db);
  watches.set(db, made);
  return made;
}
