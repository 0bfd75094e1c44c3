import { setTimeout as delay } from 'node:timers/promises';
import { changeOutcome, changeProgress, changeStatus } from './change-progress';
import type { ChangeProgress } from './change-progress';
import type { Queryable } from './database';

export type OperationStatus = 'running' | 'waiting' | 'succeeded' | 'failed' | 'cancelled' | 'superseded';

export interface OperationProgress {
  readonly accounts: number;
  readonly done: number;
  readonly waiting: number;
  readonly failed: number;
  readonly staged: number;
}

/** One request and how it went. */
export interface Operation {
  readonly id: string;
  readonly kind: string;
  readonly serviceId: string | null;
  readonly service: string | null;
  readonly userId: string | null;
  readonly username: string | null;
  readonly changeId: number | null;
  readonly syncId: string | null;
  readonly version: number | null;
  readonly actor: string;
  readonly reason: string | null;
  readonly status: OperationStatus;
  readonly outcome: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly workflowId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly finishedAt: Date | null;
  /** A secret waits to be claimed. */
  readonly secretReady: boolean;
  /** Of a change or a sync; null for a single account, and in lists for changes. */
  readonly progress: OperationProgress | null;
}

const OPERATIONS = `
  select o.id, o.kind, o.service_id as "serviceId", s.name as service, o.user_id as "userId", o.username, o.change_id as "changeId",
    o.sync_id as "syncId", o.version, o.actor, o.reason, o.status, o.outcome, o.detail, o.workflow_id as "workflowId",
    o.created_at as "createdAt", o.updated_at as "updatedAt", o.finished_at as "finishedAt",
    exists (select from password_requests p where p.operation_id = o.id and p.status = 'applied' and p.sealed is not null
      and p.applied_at > clock_timestamp() - interval '15 minutes') as "secretReady",
    case when y.id is not null then json_build_object('accounts', y.total, 'done', y.succeeded + y.unchanged + y.skipped,
      'waiting', 0, 'failed', y.failed, 'staged', 0) end as progress
  from operations o
  left join services s on s.id = o.service_id
  left join syncs y on y.id = o.sync_id`;

type OperationRow = Operation & { [key: string]: unknown };

/** Reads one operation; that of a change is judged at the moment of reading. undefined = there is none. */
export async function readOperation(db: Queryable, id: string): Promise<Operation | undefined> {
  const found = await db.query<OperationRow>(`${OPERATIONS} where o.id = $1`, [id]);
  const row = found.rows[0];
  if (row === undefined || row.changeId === null) return row;
  const [progress] = await changeProgress(db, [row.changeId]);
  if (progress === undefined) return row;
  if (!isOpen(row.status)) return { ...row, progress: shown(progress) };
  return { ...row, status: changeStatus(progress), outcome: changeOutcome(progress), progress: shown(progress) };
}

function shown(progress: ChangeProgress): OperationProgress {
  const { accounts, done, waiting, failed, staged } = progress;
  return { accounts, done, waiting, failed, staged };
}

function isOpen(status: OperationStatus): boolean {
  return status === 'running' || status === 'waiting';
}

export interface OperationFilter {
  readonly serviceId?: string | undefined;
  readonly userId?: string | undefined;
  readonly status?: OperationStatus | undefined;
  readonly kind?: string | undefined;
  /** Who asked, as it is written down: `client:admin`, `user:<id>`. */
  readonly actor?: string | undefined;
  /** Id of the last operation of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Operations, newest first (their ids grow with time). The status of a change is the last one settled, at most a sweep old. */
export async function listOperations(db: Queryable, filter: OperationFilter): Promise<readonly Operation[]> {
  const found = await db.query<OperationRow>(
    `${OPERATIONS}
     where ($1::uuid is null or o.service_id = $1) and ($2::uuid is null or o.user_id = $2) and ($3::text is null or o.status = $3)
       and ($4::text is null or o.kind = $4) and ($5::uuid is null or o.id < $5) and ($7::text is null or o.actor = $7)
     order by o.id desc limit $6`,
    [
      filter.serviceId ?? null,
      filter.userId ?? null,
      filter.status ?? null,
      filter.kind ?? null,
      filter.after ?? null,
      filter.limit,
      filter.actor ?? null,
    ],
  );
  return found.rows;
}

/** One step that was done. */
export interface StoreEvent {
  readonly id: number;
  readonly at: Date;
  readonly step: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The steps of an operation, oldest first: its own, and those of its account while it was open (one run serves many). */
export async function operationEvents(db: Queryable, id: string, limit = 200): Promise<readonly StoreEvent[]> {
  const found = await db.query<StoreEvent & { [key: string]: unknown }>(
    `select e.id, e.at, e.step, e.data from operations o join events e
       on e.operation_id = o.id
       or (o.change_id is null and o.sync_id is null and e.service_id = o.service_id and e.user_id = o.user_id
         and e.at >= o.created_at
         -- The step that ends it is written by the same statement as its end.
         and e.at <= coalesce(o.finished_at + interval '1 second', 'infinity'))
     where o.id = $1 order by e.id limit $2`,
    [id, limit],
  );
  return found.rows;
}

const FIRST_POLL_MS = 50;
const LONGEST_POLL_MS = 250;

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Ends the waiting early, e.g. when the caller has gone. */
  readonly signal?: AbortSignal | undefined;
}

/** Waits until the operation has ended, at most `timeoutMs`; answers it as it then is. undefined = there is none. */
export async function waitForOperation(
  db: Queryable,
  id: string,
  options: WaitOptions,
): Promise<Operation | undefined> {
  const deadline = performance.now() + options.timeoutMs;
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(LONGEST_POLL_MS, pollMs * 1.5)) {
    const operation = await readOperation(db, id);
    const leftMs = deadline - performance.now();
    if (operation === undefined || !isOpen(operation.status) || leftMs <= 0 || options.signal?.aborted)
      return operation;
    await pause(Math.min(pollMs, leftMs), options.signal);
  }
}

/** The timer is gone when it ends, also when it ends early. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(ms, undefined, { signal, ref: true }).catch((error: unknown) => {
    if (signal?.aborted !== true) throw error;
  });
}

/**
 * Writes down how the operations of changes stand: called by the sweep. Those that were looked at longest ago come first,
 * so that every one gets its turn. Answers how many have ended.
 */
export async function settleChangeOperations(db: Queryable, limit = 500): Promise<number> {
  const open = await db.query<{ id: string; change_id: number }>(
    `select id, change_id from operations where change_id is not null and status in ('running', 'waiting')
     order by updated_at limit $1`,
    [limit],
  );
  if (open.rows.length === 0) return 0;
  const progress = await changeProgress(
    db,
    open.rows.map((row) => row.change_id),
  );
  const byChange = new Map(progress.map((counts) => [counts.changeId, counts]));
  const settled = open.rows.flatMap(({ id, change_id }) => {
    const counts = byChange.get(change_id);
    if (counts === undefined) return [];
    return [{ id, status: changeStatus(counts), outcome: changeOutcome(counts), progress: shown(counts) }];
  });
  return writeSettled(db, settled);
}

async function writeSettled(db: Queryable, settled: readonly object[]): Promise<number> {
  const written = await db.query<{ finished_at: Date | null }>(
    `update operations o set status = w.status, outcome = w.outcome, updated_at = clock_timestamp(),
       detail = o.detail || jsonb_build_object('progress', w.progress),
       finished_at = case when w.status in ('succeeded', 'failed') then clock_timestamp() end
     from jsonb_to_recordset($1::jsonb) w (id uuid, status text, outcome text, progress jsonb)
     where o.id = w.id and o.status in ('running', 'waiting')
     returning o.finished_at`,
    [JSON.stringify(settled)],
  );
  return written.rows.filter((row) => row.finished_at !== null).length;
}
