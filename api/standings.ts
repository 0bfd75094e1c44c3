import { readStandings } from '../store/standing';
import { KeptReading } from './kept-reading';
import type { Queryable } from '../store/database';
import type { ServiceStanding } from '../store/standing';

export interface Standings {
  readonly at: Date;
  readonly services: readonly ServiceStanding[];
}

const readings = new WeakMap<Queryable, KeptReading<Standings>>();

/** How all services stand, about a second old: many who look at it cost one pass over the accounts. */
export function recentStandings(db: Queryable): Promise<Standings> {
  const known = readings.get(db) ?? new KeptReading(() => readNow(db));
  readings.set(db, known);
  return known.latest();
}

async function readNow(db: Queryable): Promise<Standings> {
  const at = new Date();
  return { at, services: await readStandings(db) };
}
