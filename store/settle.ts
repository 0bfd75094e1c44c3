import type { Lease } from './leases';
import type { Intent } from './situations';
import { prepared } from './database';
import type { Queryable } from './database';
import type { Profile } from '../domain/decide';
import type { AccountStatus } from '../domain/words';

/** Thrown when somebody else has taken the lease meanwhile: nothing was recorded. */
export class FenceLost extends Error {
  constructor(readonly lease: Lease) {
    super('the lease of the account was taken by another writer');
    this.name = 'FenceLost';
  }
}

/** Thrown when the remote account is recorded as another person's already: it is theirs, whatever the far side answered. */
export class RemoteTaken extends Error {
  constructor(options: ErrorOptions) {
    super('the account at the service is recorded as that of another person', options);
    this.name = 'RemoteTaken';
  }
}

/** An intent, and how long its call may take: after that it can no longer happen. */
export type NewIntent = Intent & { readonly timeoutMs: number };

/**
 * Commits what is about to be done, before calls that cannot be repeated blindly (rule 5): many in one statement. False: the
 * fence of this one is lost, nothing was recorded of it.
 */
export function recordIntents(
  db: Queryable,
  intents: readonly { readonly lease: Lease; readonly intent: NewIntent }[],
): Promise<readonly boolean[]> {
  const rows = intents.map(({ lease, intent: { timeoutMs, ...intent } }) => ({ lease, data: { intent, timeoutMs } }));
  return fencedWrites(
    db,
    rows,
    `intent = r.data -> 'intent', intent_deadline = clock_timestamp() + make_interval(secs => (r.data ->> 'timeoutMs')::double precision / 1000.0)`,
  );
}

/** What is known of the far side after a call. Absent fields stay as they are. */
export interface RemoteFacts {
  readonly status?: AccountStatus;
  readonly remoteId?: string | null;
  readonly remoteName?: string | null;
  readonly instruction?: string | null;
  readonly appliedProfile?: Profile | null;
  readonly appliedGroups?: readonly string[] | null;
}

/** Columns from facts `f` (jsonb): what it does not name stays as it is. */
function factColumns(f: string): string {
  const text = (column: string, name: keyof RemoteFacts): string =>
    `${column} = case when ${f} ? '${name}' then ${f} ->> '${name}' else a.${column} end`;
  return [
    text('status', 'status'),
    text('remote_id', 'remoteId'),
    text('remote_name', 'remoteName'),
    text('instruction', 'instruction'),
    `applied_profile = case when ${f} ? 'appliedProfile' then nullif(${f} -> 'appliedProfile', 'null') else a.applied_profile end`,
    `applied_groups = case when not ${f} ? 'appliedGroups' then a.applied_groups
       when jsonb_typeof(${f} -> 'appliedGroups') = 'array' then array(select jsonb_array_elements_text(${f} -> 'appliedGroups'))::uuid[] end`,
  ].join(',\n       ');
}

/** Records what the far side is like now; also settles the intent and the mark for verification. @throws FenceLost, RemoteTaken */
export async function recordFacts(db: Queryable, lease: Lease, facts: RemoteFacts): Promise<void> {
  const [isRecorded] = await recordAllFacts(db, [{ lease, facts }]);
  if (isRecorded !== true) throw new FenceLost(lease);
}

/** The facts of many accounts in one statement. False: the fence of this one is lost. @throws RemoteTaken: then none is recorded */
export async function recordAllFacts(
  db: Queryable,
  all: readonly { readonly lease: Lease; readonly facts: RemoteFacts }[],
): Promise<readonly boolean[]> {
  const sets = `intent = null, intent_deadline = null, verify = false, ${factColumns('r.data')}`;
  try {
    return await fencedWrites(
      db,
      all.map(({ lease, facts }) => ({ lease, data: facts })),
      sets,
    );
  } catch (error) {
    const isTaken = error instanceof Error && 'constraint' in error && error.constraint === 'accounts_remote';
    if (!isTaken) throw error;
    throw new RemoteTaken({ cause: error });
  }
}

export interface Release {
  /** The version that the situation was read at. */
  readonly version: number;
  /** Its desired state is written now; false = not (yet). */
  readonly reached: boolean;
  readonly facts: RemoteFacts;
  /** Steps that were done, for the account's history. */
  readonly did: readonly string[];
  readonly outcome: string;
  readonly attention: 'waiting' | 'rejected' | 'staged' | 'held' | 'action required' | null;
  /** Milliseconds until the next try; null = at once if due; `never` = not before something changes. */
  readonly nextTryMs: number | 'never' | null;
  readonly failures: number;
  readonly error: ReleaseError | null;
}

export interface ReleaseError {
  readonly kind: string;
  readonly message: string;
  readonly code?: string | undefined;
}

/**
 * Gives the lease back and records the outcome in one statement (rule 4). Answers whether somebody changed the account
 * meanwhile: then the caller goes round again. A change clears what only a change can clear, but never a backoff. @throws FenceLost
 */
export async function releaseLease(
  db: Queryable,
  lease: Lease,
  release: Release,
): Promise<{ readonly changed: boolean }> {
  const [released] = await releaseLeases(db, [{ lease, release }]);
  if (released === undefined) throw new FenceLost(lease);
  return released;
}

// The limit tells the planner how many rows there are, which it cannot know of JSON.
const RELEASES = prepared(`
  with input as materialized (
    select * from jsonb_to_recordset($1::jsonb) r (n integer, service_id uuid, user_id uuid, fence bigint, version bigint, reached boolean,
      facts jsonb, did jsonb, outcome text, attention text, next_try_ms text, failures integer, error jsonb, status text)
    limit $2
  ), locked as materialized (${lockedRows('input')}), released as (
    update accounts a set
      applied_version = case when r.reached then r.version else a.applied_version end,
      due_reasons = case when r.reached and a.wanted_version = r.version then '{}' else a.due_reasons end,
      notify_user = a.notify_user or (r.reached and a.wanted_version = r.version),
      lease_holder = null, lease_until = null, updated_at = clock_timestamp(),
      attention = case when a.wanted_version = r.version or r.attention = 'waiting' then r.attention end,
      next_try = case
        when a.wanted_version <> r.version and r.attention is distinct from 'waiting' then null
        when r.next_try_ms = 'never' then 'infinity'::timestamptz
        else clock_timestamp() + make_interval(secs => r.next_try_ms::double precision / 1000.0) end,
      failures = r.failures, last_error = r.error, last_outcome = r.outcome,
      last_write_at = case when jsonb_array_length(r.did) > 0 then clock_timestamp() else a.last_write_at end,
      ${factColumns('r.facts')}
    from locked l join input r on r.n = l.n
    where a.service_id = l.service_id and a.user_id = l.user_id
    returning r.n, a.wanted_version <> r.version as changed
  ), logged as (
    insert into events (service_id, user_id, step, data)
    select r.service_id, r.user_id, r.outcome, jsonb_strip_nulls(jsonb_build_object('did', r.did, 'version', r.version, 'error', r.error))
    from released join input r using (n)
    where jsonb_array_length(r.did) > 0 or r.error is not null or r.attention is not null
  ), finished as (
    update operations o set
      status = coalesce(r.status, 'succeeded'), outcome = r.outcome, updated_at = clock_timestamp(),
      detail = o.detail || jsonb_strip_nulls(jsonb_build_object('did', r.did, 'error', r.error)),
      finished_at = case when r.status = 'waiting' then null else clock_timestamp() end
    from released join input r using (n)
    where o.service_id = r.service_id and o.user_id = r.user_id and o.change_id is null and o.sync_id is null
      and o.status in ('running', 'waiting') and o.version <= r.version
  )
  select n, changed from released`);

/** Many releases in one statement. undefined: the fence of this one is lost, nothing was recorded of it. */
export async function releaseLeases(
  db: Queryable,
  releases: readonly { readonly lease: Lease; readonly release: Release }[],
): Promise<readonly ({ readonly changed: boolean } | undefined)[]> {
  const rows = releases.map(({ lease, release }, n) => ({
    ...releaseRow(release),
    n,
    service_id: lease.serviceId,
    user_id: lease.userId,
    fence: lease.fence,
  }));
  const released = await db.query<{ n: number; changed: boolean }>(RELEASES, [JSON.stringify(rows), rows.length]);
  const changed = new Map(released.rows.map((row) => [row.n, row.changed]));
  return releases.map((_release, n) => {
    const isChanged = changed.get(n);
    return isChanged === undefined ? undefined : { changed: isChanged };
  });
}

function releaseRow(release: Release) {
  const { version, reached, facts, did, outcome, attention, failures, error, nextTryMs } = release;
  const next = nextTryMs === null ? null : String(nextTryMs);
  const status = operationStatus(release);
  return { version, reached, facts, did, outcome, attention, next_try_ms: next, failures, error, status };
}

/** null = succeeded. */
function operationStatus(release: Release): 'waiting' | 'failed' | null {
  if (release.attention === 'rejected') return 'failed';
  if (release.attention !== null && release.attention !== 'held') return 'waiting';
  if (release.attention === 'held') return 'failed';
  return release.reached ? null : 'waiting';
}

/**
 * The rows of `input` (n, service_id, user_id, fence) whose fence holds, locked in the order in which everybody locks. Each
 * is looked up by its key, whatever the statistics say: `offset 0` keeps the planner from reading the whole table instead.
 */
function lockedRows(input: string): string {
  return `
    select r.n, a.service_id, a.user_id from (select * from ${input} order by service_id, user_id) r
    cross join lateral (
      select service_id, user_id from accounts
      where service_id = r.service_id and user_id = r.user_id and lease_fence = r.fence and lease_holder is not null
      offset 0 for update
    ) a`;
}

interface FencedWrite {
  readonly lease: Lease;
  /** What \`sets\` calls \`r.data\`. */
  readonly data: object;
}

async function fencedWrites(db: Queryable, writes: readonly FencedWrite[], sets: string): Promise<readonly boolean[]> {
  const rows = writes.map(({ lease, data }, n) => ({
    n,
    service_id: lease.serviceId,
    user_id: lease.userId,
    fence: lease.fence,
    data,
  }));
  const updated = await db.query<{ n: number }>(
    prepared(`with input as materialized (
       select * from jsonb_to_recordset($1::jsonb) r (n integer, service_id uuid, user_id uuid, fence bigint, data jsonb) limit $2
     ), locked as materialized (${lockedRows('input')})
     update accounts a set ${sets} from locked l join input r on r.n = l.n
     where a.service_id = l.service_id and a.user_id = l.user_id returning r.n`),
    [JSON.stringify(rows), rows.length],
  );
  const done = new Set(updated.rows.map((row) => row.n));
  return writes.map((_write, n) => done.has(n));
}
