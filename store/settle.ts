import type { Lease } from './leases';
import type { Intent } from './situations';
import { oneRow } from './database';
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

/** Commits what is about to be done, before a call that cannot be repeated blindly (rule 5). */
export async function recordIntent(
  db: Queryable,
  lease: Lease,
  intent: Intent & { readonly timeoutMs: number },
): Promise<void> {
  const { timeoutMs, ...recorded } = intent;
  const sets = `intent = $4, intent_deadline = clock_timestamp() + make_interval(secs => $5 / 1000.0)`;
  await fenced(db, lease, { sets, values: [recorded, timeoutMs] });
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

const COLUMNS: Readonly<Record<keyof RemoteFacts, string>> = {
  status: 'status',
  remoteId: 'remote_id',
  remoteName: 'remote_name',
  instruction: 'instruction',
  appliedProfile: 'applied_profile',
  appliedGroups: 'applied_groups',
};

/** Records what the far side is like now; also settles the intent and the mark for verification. @throws FenceLost, RemoteTaken */
export async function recordFacts(db: Queryable, lease: Lease, facts: RemoteFacts): Promise<void> {
  const { sets, values } = factColumns(facts, 4);
  const settled = ['intent = null', 'intent_deadline = null', 'verify = false', ...sets];
  try {
    await fenced(db, lease, { sets: settled.join(', '), values });
  } catch (error) {
    const isTaken = error instanceof Error && 'constraint' in error && error.constraint === 'accounts_remote';
    throw isTaken ? new RemoteTaken({ cause: error }) : error;
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
 * meanwhile: then the caller goes round again. A change clears what only a change can clear, but never a backoff.
 */
export async function releaseLease(
  db: Queryable,
  lease: Lease,
  release: Release,
): Promise<{ readonly changed: boolean }> {
  const { sets, values } = factColumns(release.facts, 13);
  const released = await db.query<{ changed: boolean }>(
    `with released as (
       update accounts set
         applied_version = case when $12 then $4::bigint else applied_version end,
         due_reasons = case when $12 and wanted_version = $4 then '{}' else due_reasons end,
         notify_user = case when $12 and wanted_version = $4 then true else notify_user end,
         lease_holder = null, lease_until = null, updated_at = clock_timestamp(),
         attention = case when wanted_version = $4 or $5::text = 'waiting' then $5 end,
         next_try = case
           when wanted_version <> $4 and $5::text is distinct from 'waiting' then null
           when $6::text = 'never' then 'infinity'::timestamptz
           else clock_timestamp() + make_interval(secs => $6::double precision / 1000.0) end,
         failures = $7, last_error = $8::jsonb, last_outcome = $9,
         last_write_at = case when cardinality($10::text[]) > 0 then clock_timestamp() else last_write_at end
         ${sets.map((set) => `, ${set}`).join('')}
       where service_id = $1 and user_id = $2 and lease_fence = $3 and lease_holder is not null
       returning service_id, user_id, wanted_version <> $4 as changed
     ), logged as (
       insert into events (service_id, user_id, step, data)
       select service_id, user_id, $9, jsonb_strip_nulls(jsonb_build_object('did', to_jsonb($10::text[]), 'version', $4::bigint, 'error', $8::jsonb))
       from released where cardinality($10::text[]) > 0 or $8::jsonb is not null or $5::text is not null
     ), finished as (
       update operations o set
         status = case when $11::text is null then 'succeeded' else $11 end,
         outcome = $9, updated_at = clock_timestamp(),
         detail = o.detail || jsonb_strip_nulls(jsonb_build_object('did', to_jsonb($10::text[]), 'error', $8::jsonb)),
         finished_at = case when $11::text = 'waiting' then null else clock_timestamp() end
       from released r
       where o.service_id = r.service_id and o.user_id = r.user_id and o.change_id is null and o.sync_id is null
         and o.status in ('running', 'waiting') and o.version <= $4
     )
     select changed from released`,
    [
      lease.serviceId,
      lease.userId,
      lease.fence,
      release.version,
      release.attention,
      release.nextTryMs === null ? null : String(release.nextTryMs),
      release.failures,
      release.error,
      release.outcome,
      release.did,
      operationStatus(release),
      release.reached,
      ...values,
    ],
  );
  if (released.rows.length === 0) throw new FenceLost(lease);
  return { changed: oneRow(released).changed };
}

/** null = succeeded. */
function operationStatus(release: Release): 'waiting' | 'failed' | null {
  if (release.attention === 'rejected') return 'failed';
  if (release.attention !== null && release.attention !== 'held') return 'waiting';
  if (release.attention === 'held') return 'failed';
  return release.reached ? null : 'waiting';
}

function factColumns(
  facts: RemoteFacts,
  first: number,
): { readonly sets: readonly string[]; readonly values: readonly unknown[] } {
  const names = (Object.keys(facts) as (keyof RemoteFacts)[]).filter((name) => facts[name] !== undefined);
  return {
    sets: names.map((name, index) => `${COLUMNS[name]} = $${first + index}`),
    values: names.map((name) => facts[name]),
  };
}

async function fenced(
  db: Queryable,
  lease: Lease,
  write: { readonly sets: string; readonly values: readonly unknown[] },
): Promise<void> {
  const updated = await db.query(
    `update accounts set ${write.sets} where service_id = $1 and user_id = $2 and lease_fence = $3 and lease_holder is not null`,
    [lease.serviceId, lease.userId, lease.fence, ...write.values],
  );
  if (updated.rowCount !== 1) throw new FenceLost(lease);
}
