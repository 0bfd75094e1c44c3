import { listSyncs } from '../../store/syncs';
import type { Sync } from '../../store/syncs';
import { importPeople, outcomeOf, startMuster, untilAtRest } from './harness';
import type { Witnessed } from './witness';

/** What became of a bulk run that was cut again and again. */
export interface BulkResult {
  /** How each worker ended, in order. */
  readonly deaths: readonly string[];
  readonly operation: string | undefined;
  readonly syncs: readonly Sync[];
  readonly unrest: readonly string[];
  readonly names: readonly string[];
  readonly found: readonly Witnessed[];
}

const DEATH_MS = 45_000;
const REST_MS = 90_000;

/** Imports so many people at once and kills one worker after the other at these places, until the last one ends the run. */
export async function runBulkCuts(size: number, places: readonly string[]): Promise<BulkResult> {
  const muster = await startMuster();
  try {
    const service = await muster.addPostgres('bulk', 'Member');
    const names = Array.from({ length: size }, (_, index) => `b${String(index).padStart(4, '0')}`);
    const change = await importPeople(
      muster.engine,
      names.map((username) => ({ username, groups: ['crew'] })),
    );
    const deaths: string[] = [];
    for (const place of places) {
      const worker = await muster.startWorker(place);
      await muster.engine.flowDeps.starter.sweepNow();
      deaths.push(await worker.deathWithin(DEATH_MS));
    }
    const last = await muster.startWorker();
    const unrest = await untilAtRest(muster.engine, REST_MS);
    const operation = await outcomeOf(muster.engine, change.operationId);
    const syncs = await listSyncs(muster.engine.db, { serviceId: service.id, limit: 10 });
    const found = await muster.witness(service);
    await last.kill();
    return { deaths, operation, syncs, unrest, names, found };
  } finally {
    await muster.close();
  }
}
