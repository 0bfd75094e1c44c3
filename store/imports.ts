import { uuidv7 } from 'uuidv7';
import type { RosterBatch, RosterMode } from '../domain/roster';
import { recordChange } from './changes';
import type { RecordedChange } from './changes';
import { isRaceLost, refusing } from './constraints';
import type { Database, Queryable } from './database';
import { StoreError } from './errors';
import { addTouchedUsers, applyPlan, importReasons } from './import-apply';
import { createStaging, isNoDifference, planImport, readDifference, stageBatch } from './import-plan';
import type { RosterDifference } from './import-plan';
import type { WrittenBy } from './users';

/** A validated roster that can be read again when a transaction must be repeated. */
export interface RosterRows {
  readonly users: number;
  /** Groups that the file names by themselves. */
  readonly groups: readonly string[];
  batches(): AsyncIterable<RosterBatch>;
}

export interface ImportRequest {
  readonly rows: RosterRows;
  readonly mode: RosterMode;
  /** Only work out the difference. Default false. */
  readonly dryRun?: boolean | undefined;
  /** Take a roster without people for what it says: everybody has left. Default false. */
  readonly allowEmpty?: boolean | undefined;
  readonly by: WrittenBy;
}

export interface Imported {
  readonly difference: RosterDifference;
  /** undefined: nothing was altered, or it was a dry run. */
  readonly import: (RecordedChange & { readonly importId: string }) | undefined;
}

export interface ImportRecord {
  readonly id: string;
  readonly operationId: string | null;
  readonly mode: RosterMode;
  readonly actor: string;
  readonly difference: RosterDifference;
  readonly createdAt: Date;
}

const ATTEMPTS = 4;

/**
 * Brings the organisation to what a roster says, in one transaction, and records one change with exactly the people about
 * whom anything was altered. Imports queue behind each other; nobody else waits longer than for the writes themselves.
 * @throws StoreError conflict (an empty whole roster), invalid-roster (names that belong to others)
 */
export async function importRoster(db: Database, request: ImportRequest): Promise<Imported> {
  if (request.rows.users === 0 && request.mode === 'replace' && request.allowEmpty !== true) {
    throw new StoreError(
      'conflict',
      'The roster names nobody, so everybody would be deactivated. Send allowEmpty=true if that is meant, or mode=merge.',
    );
  }
  return queued(db, () => refusing(() => withRepeats(() => db.transaction((client) => importOnce(client, request)))));
}

/** A page of imports, newest first; `after` is the id that the page before ended with. */
export async function listImports(
  db: Queryable,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly ImportRecord[]> {
  const rows = await db.query<ImportRecord & { [key: string]: unknown }>(
    `select id, operation_id as "operationId", mode, actor, difference, created_at as "createdAt" from imports
     where $1::uuid is null or id < $1 order by id desc limit $2`,
    [page.after ?? null, page.limit],
  );
  return rows.rows;
}

async function importOnce(client: Queryable, request: ImportRequest): Promise<Imported> {
  await createStaging(client);
  for await (const batch of request.rows.batches()) await stageBatch(client, batch);
  await client.query(`select pg_advisory_xact_lock(hashtextextended('muster import', 0))`);
  const problems = await planImport(client, request.mode, request.rows.groups);
  if (problems.length > 0) {
    throw new StoreError(
      'invalid-roster',
      `${problems.length} lines of the roster cannot be imported. Nothing was changed.`,
      { errors: problems },
    );
  }
  const difference = await readDifference(client);
  if (request.dryRun === true || isNoDifference(difference)) return { difference, import: undefined };
  await applyPlan(client);
  return { difference, import: await record(client, request, difference) };
}

async function record(
  client: Queryable,
  request: ImportRequest,
  difference: RosterDifference,
): Promise<Imported['import']> {
  const change = await recordChange(client, {
    kind: 'people',
    subject: {},
    reasons: importReasons(difference),
    actor: request.by.actor,
    reason: request.by.reason,
    operation: 'import',
  });
  await addTouchedUsers(client, change.changeId);
  await client.query(`update operations set detail = $2 where id = $1`, [
    change.operationId,
    { mode: request.mode, ...countsOf(difference) },
  ]);
  const importId = uuidv7();
  await client.query(
    `insert into imports (id, operation_id, change_id, mode, actor, difference) values ($1, $2, $3, $4, $5, $6)`,
    [importId, change.operationId, change.changeId, request.mode, request.by.actor, difference],
  );
  return { ...change, importId };
}

function countsOf({ unchanged, ...parts }: RosterDifference): Readonly<Record<string, number>> {
  return { ...Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.count])), unchanged };
}

/** Somebody made or removed a row that the plan had counted on: plan again. */
async function withRepeats<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= ATTEMPTS || !isRaceLost(error)) throw error;
    }
  }
}

/** Imports of one process take turns before they take a connection: many at once must not use up the pool of the others. */
const queues = new WeakMap<Database, Promise<unknown>>();

function queued<T>(db: Database, work: () => Promise<T>): Promise<T> {
  const turn = (queues.get(db) ?? Promise.resolve()).then(work);
  queues.set(
    db,
    turn.catch(() => undefined),
  );
  return turn;
}
