import { readSyncs } from '../store/syncs';
import type { Queryable } from '../store/database';
import type { Sync } from '../store/syncs';
import { SharedLook } from './shared-look';

/** Looks at syncs for everybody in this process who watches one, with one query a second. */
export class SyncWatch {
  readonly #look: SharedLook<Sync>;

  constructor(db: Queryable, lookMs?: number) {
    this.#look = new SharedLook(
      async (ids) => new Map((await readSyncs(db, ids)).map((sync) => [sync.id, sync])),
      lookMs,
    );
  }

  /** Who watches now. */
  get watchers(): number {
    return this.#look.watchers;
  }

  /** The sync after every look (about a second), until it is no more, `signal` is aborted, or the caller leaves the loop. */
  async *follow(syncId: string, signal: AbortSignal): AsyncGenerator<Sync, void> {
    for await (const sync of this.#look.follow(syncId, signal)) {
      if (sync === undefined) return;
      yield sync;
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
