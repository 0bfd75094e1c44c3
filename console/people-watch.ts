import { SharedLook } from '../api/shared-look';
import { accountMarks } from '../store/account-marks';
import type { Queryable } from '../store/database';

const looks = new WeakMap<Queryable, SharedLook<string>>();

/**
 * Yields at once, and whenever something of this person's accounts has moved, until `signal` is aborted or the caller leaves the
 * loop. One query a second looks for every open page of this process.
 */
export async function* followPerson(db: Queryable, userId: string, signal: AbortSignal): AsyncGenerator<void, void> {
  yield;
  let shown: string | undefined;
  for await (const found of lookOn(db).follow(userId, signal)) {
    const mark = found ?? '';
    // The first look may differ from what was shown just before it: better once too often.
    if (mark === shown) continue;
    shown = mark;
    yield;
  }
}

function lookOn(db: Queryable): SharedLook<string> {
  const known = looks.get(db);
  if (known !== undefined) return known;
  const made = new SharedLook((userIds) => accountMarks(db, userIds));
  looks.set(db, made);
  return made;
}
