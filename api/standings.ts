import { readStandings } from '../store/standing';
import type { Queryable } from '../store/database';
import type { ServiceStanding } from '../store/standing';

/** So old an overview may be: many who look at it at once cost one pass over the accounts. */
const MAX_AGE_MS = 2_000;

export interface Standings {
  readonly at: Date;
  readonly services: readonly ServiceStanding[];
}

interface Reading {
  readonly startedMs: number;
  readonly standings: Promise<Standings>;
}

const readings = new WeakMap<Queryable, Reading>();

/** How all services stand, at most 2 s old; everybody in this process who asks meanwhile gets the same. */
export function recentStandings(db: Queryable): Promise<Standings> {
  const known = readings.get(db);
  if (known !== undefined && performance.now() - known.startedMs < MAX_AGE_MS) return known.standings;
  const startedMs = performance.now();
  const standings = readStandings(db).then((services) => ({ at: new Date(), services }));
  readings.set(db, { startedMs, standings });
  // What failed is not kept: the next one asks again.
  standings.catch(() => readings.delete(db));
  return standings;
}
