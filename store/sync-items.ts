import type { PlannedAccount } from '../domain/plan-account';
import type { DueReason } from '../domain/words';
import { containing } from './accounts';
import { oneRow, prepared } from './database';
import type { Database, Queryable } from './database';
import { StoreError } from './errors';
import { refreshStatistics } from './statistics';
import type { SyncFilter, SyncKind, SyncScope } from './syncs';

/** Accounts made due in one commit: nobody waits long behind it (rule 1). */
const PAGE_ROWS = 2_000;

interface StagedSync {
  readonly service_id: string;
  readonly kind: SyncKind;
  readonly scope: SyncScope;
  readonly dry_run: boolean;
  readonly total: number;
  /** All items stand, and their accounts are due. */
  readonly is_staged: boolean;
}

/**
 * Writes the population of a sync down, in its order and each account once, then makes the accounts due page by page.
 * May be called again after a crash: what is staged stays staged. Answers how many there are. @throws StoreError not-found
 */
export async function stageSync(db: Database, syncId: string): Promise<number> {
  const sync = await db.transaction((client) => stageItems(client, syncId));
  const reason = DUE_REASONS[sync.kind];
  // A plan only looks: nothing becomes due by it.
  if (!sync.is_staged && !sync.dry_run && reason !== undefined)
    await bumpAll(db, { syncId, serviceId: sync.service_id, reason });
  const total = await markRunning(db, syncId);
  if (total >= MANY) await refreshStatistics(db);
  return total;
}

/** From here on it matters how the planner goes about the accounts. */
const MANY = 1_000;

/** Stages a sync whose work is done already: every item has succeeded, no account becomes due. Answers how many there are. */
export async function stageDone(db: Database, syncId: string, reason: string): Promise<number> {
  await db.transaction(async (client) => {
    await stageItems(client, syncId);
    await client.query(
      `update sync_items set outcome = 'succeeded', reason = $2, finished_at = clock_timestamp() where sync_id = $1 and outcome is null`,
      [syncId, reason],
    );
  });
  return markRunning(db, syncId);
}

/** Moves a sync from staging to running. */
async function markRunning(client: Queryable, syncId: string): Promise<number> {
  const running = await client.query<{ total: number }>(
    `update syncs set status = case when status = 'staging' then 'running' else status end,
       staged_version = coalesce(staged_version, nextval('version_seq')) where id = $1 returning total`,
    [syncId],
  );
  return oneRow(running).total;
}

async function stageItems(client: Queryable, syncId: string): Promise<StagedSync> {
  const found = await client.query<StagedSync & { [key: string]: unknown }>(
    `select service_id, kind, scope, dry_run, total, staged_version is not null or finished_at is not null as is_staged
     from syncs where id = $1 for update`,
    [syncId],
  );
  const sync = found.rows[0];
  if (sync === undefined) throw new StoreError('not-found', `There is no sync ${syncId}.`);
  if (sync.is_staged || sync.total > 0) return sync;
  await stageScope(client, syncId, sync);
  await client.query(
    `update syncs set total = (select count(*) from sync_items where sync_id = $1),
       skipped = (select count(*) from sync_items where sync_id = $1 and outcome = 'skipped') where id = $1`,
    [syncId],
  );
  return sync;
}

async function stageScope(client: Queryable, syncId: string, sync: StagedSync): Promise<void> {
  const { failedOf, planOf, userIds } = sync.scope;
  if (failedOf !== undefined) return stageFrom(client, syncId, { from: failedOf, outcome: 'failed' });
  if (planOf !== undefined) return stageFrom(client, syncId, { from: planOf, outcome: 'succeeded' });
  return userIds === undefined ? stageAll(client, syncId, sync) : stageListed(client, syncId, sync);
}

/** In the order of the sync that they come from; what a plan has said of them goes along. */
async function stageFrom(
  client: Queryable,
  syncId: string,
  source: { readonly from: string; readonly outcome: ItemOutcome },
): Promise<void> {
  await client.query(
    `insert into sync_items (sync_id, seq, user_id, planned)
     select $1, row_number() over (order by seq), user_id, planned from sync_items where sync_id = $2 and outcome = $3`,
    [syncId, source.from, source.outcome],
  );
}

async function stageAll(client: Queryable, syncId: string, sync: StagedSync): Promise<void> {
  const { conditions, values } = populationOf(sync);
  await client.query(
    `insert into sync_items (sync_id, seq, user_id)
     select $1, row_number() over (order by a.user_id), a.user_id from accounts a where a.service_id = $2 and ${conditions}`,
    [syncId, sync.service_id, ...values],
  );
}

/** Everybody who was named is accounted for, also who has no account that the sync is about. */
async function stageListed(client: Queryable, syncId: string, sync: StagedSync): Promise<void> {
  const { conditions, values } = populationOf(sync);
  await client.query(
    `insert into sync_items (sync_id, seq, user_id, outcome, reason, finished_at)
     select $1, row_number() over (order by l.place), l.id, case when a.user_id is null then 'skipped' end,
       case when a.user_id is null then 'no such account' end, case when a.user_id is null then clock_timestamp() end
     from (select id, min(place) as place from unnest($6::uuid[]) with ordinality l (id, place) group by id) l
     left join accounts a on a.service_id = $2 and a.user_id = l.id and ${conditions}`,
    [syncId, sync.service_id, ...values, sync.scope.userIds],
  );
}

const DUE_REASONS: Readonly<Partial<Record<SyncKind, DueReason>>> = {
  groups: 'updateGroups',
  nicknames: 'syncNickname',
  accounts: 'updateProfile',
  validate: 'validateUser',
  full: 'reconfigured',
};

const DUE = `a.wanted_version <> a.applied_version and (a.next_try is null or a.next_try <= clock_timestamp())`;

/** Conditions on accounts `a`; their values are $3 to $5. */
function populationOf(sync: StagedSync): { readonly conditions: string; readonly values: readonly unknown[] } {
  const filter: SyncFilter = sync.scope.filter ?? {};
  const conditions = [
    '($3::text is null or a.status = $3)',
    '($4::text is null or a.attention = $4)',
    '($5::text is null or a.username ilike $5 or a.remote_name ilike $5)',
  ];
  // What is nobody's is no account that a sync could be about, but it may be due to be taken away.
  conditions.push(sync.kind === 'due' ? DUE : 'not a.orphan');
  if (sync.kind === 'groups' || sync.kind === 'nicknames') conditions.push(`a.status in ('active', 'pending')`);
  // A tombstone that nothing is asked of is no account.
  else conditions.push(`(a.status not in ('none', 'removed') or a.wanted_version <> a.applied_version)`);
  const values = [
    filter.status ?? null,
    filter.attention ?? null,
    filter.q === undefined ? null : containing(filter.q),
  ];
  return { conditions: conditions.join(' and '), values };
}

interface Bumping {
  readonly syncId: string;
  readonly serviceId: string;
  readonly reason: DueReason;
}

async function bumpAll(db: Queryable, bumping: Bumping): Promise<void> {
  for (let from = 1; (await bumpPage(db, bumping, from)) > 0; from += PAGE_ROWS);
}

/** Answers how many items the page had. */
async function bumpPage(db: Queryable, bumping: Bumping, from: number): Promise<number> {
  const bumped = await db.query<{ items: number }>(
    `with page as (
       select user_id from sync_items where sync_id = $1 and seq between $3 and $3 + ${PAGE_ROWS} - 1
     ), locked as (
       -- In the order in which every bump takes its rows, so that two never wait for each other.
       select a.user_id from accounts a where a.service_id = $2 and a.user_id in (select user_id from page) order by a.user_id for update
     ), drawn as materialized (
       select user_id, nextval('version_seq') as version from locked
     ), bumped as (
       update accounts a set wanted_version = l.version,
         asked_version = case when a.wanted_version in (a.applied_version, a.asked_version) then l.version end,
         due_reasons = array(select distinct r from unnest(a.due_reasons || array[$4::text]) r),
         next_try = case when a.attention = 'waiting' then a.next_try end
       from drawn l where a.service_id = $2 and a.user_id = l.user_id
     )
     select count(*)::integer as items from page`,
    [bumping.syncId, bumping.serviceId, from, bumping.reason],
  );
  return oneRow(bumped).items;
}

export interface SyncItem {
  readonly seq: number;
  readonly userId: string;
  /** What the plan has said of it, where there was one. */
  readonly planned: PlannedAccount | null;
}

/** A run of items, both ends included. */
export interface SyncChunk {
  readonly from: number;
  readonly to: number;
}

/** The next items without an outcome, from `from` on: at most `size`. undefined = none is left. */
export async function nextChunk(
  db: Queryable,
  syncId: string,
  options: { readonly from: number; readonly size: number },
): Promise<SyncChunk | undefined> {
  const found = await db.query<{ from: number | null; to: number | null }>(
    `select min(seq) as "from", max(seq) as "to" from (
       select seq from sync_items where sync_id = $1 and outcome is null and seq >= $2 order by seq limit $3) i`,
    [syncId, options.from, options.size],
  );
  const { from, to } = oneRow(found);
  return from === null || to === null ? undefined : { from, to };
}

/** The items of a chunk that have no outcome yet: after a crash only these are left to do. */
export async function openItems(db: Queryable, syncId: string, chunk: SyncChunk): Promise<readonly SyncItem[]> {
  const found = await db.query<SyncItem & { [key: string]: unknown }>(
    `select seq, user_id as "userId", planned from sync_items
     where sync_id = $1 and outcome is null and seq between $2 and $3 order by seq`,
    [syncId, chunk.from, chunk.to],
  );
  return found.rows;
}

export type ItemOutcome = 'succeeded' | 'unchanged' | 'skipped' | 'failed';

export interface ItemResult {
  readonly seq: number;
  readonly outcome: ItemOutcome;
  readonly reason?: string | undefined;
  /** Of a plan: what would be done. */
  readonly planned?: PlannedAccount;
}

/** What the service itself has said of an account that failed stands with it: the list of failures says why. */
const SAID_REASON = `case when r.outcome = 'failed' then coalesce((
  select r.reason || ': ' || (a.last_error ->> 'message') from accounts a join syncs y on y.service_id = a.service_id
  where y.id = i.sync_id and a.user_id = i.user_id), r.reason) else r.reason end`;

/** Records results in one commit, and counts them. An item keeps its first outcome, so a retry counts nothing twice. */
export async function recordItems(db: Queryable, syncId: string, results: readonly ItemResult[]): Promise<void> {
  if (results.length === 0) return;
  await db.query(
    prepared(`with done as (
       update sync_items i set outcome = r.outcome, reason = ${SAID_REASON}, planned = coalesce(r.planned, i.planned), finished_at = clock_timestamp()
       from (select distinct on (seq) * from jsonb_to_recordset($2::jsonb) r (seq integer, outcome text, reason text, planned jsonb)) r
       where i.sync_id = $1 and i.seq = r.seq and i.outcome is null
       returning i.outcome
     ), paced as (
       insert into sync_paces (sync_id, slot, done)
       select $1, floor(extract(epoch from clock_timestamp()) / 5), count(*) from done having count(*) > 0
       on conflict (sync_id, slot) do update set done = sync_paces.done + excluded.done
     )
     update syncs set
       succeeded = succeeded + (select count(*) from done where outcome = 'succeeded'),
       unchanged = unchanged + (select count(*) from done where outcome = 'unchanged'),
       skipped = skipped + (select count(*) from done where outcome = 'skipped'),
       failed = failed + (select count(*) from done where outcome = 'failed')
     where id = $1`),
    [syncId, JSON.stringify(results)],
  );
}

export interface ListedItem extends SyncItem {
  readonly username: string | null;
  readonly outcome: ItemOutcome | null;
  readonly reason: string | null;
  readonly finishedAt: Date | null;
}

export interface ItemFilter {
  readonly syncId: string;
  readonly outcome?: ItemOutcome | 'open' | undefined;
  /** Only items of a plan with this step. */
  readonly step?: string | undefined;
  /** Last seq of the page before. */
  readonly after?: number | undefined;
  readonly limit: number;
}

/** The items of a sync in their order. */
export async function listSyncItems(db: Queryable, filter: ItemFilter): Promise<readonly ListedItem[]> {
  const found = await db.query<ListedItem & { [key: string]: unknown }>(
    `select i.seq, i.user_id as "userId", a.username, i.outcome, i.reason, i.finished_at as "finishedAt", i.planned
     from sync_items i join syncs y on y.id = i.sync_id
     left join accounts a on a.service_id = y.service_id and a.user_id = i.user_id
     where i.sync_id = $1 and i.seq > $3
       and ($2::text is null or case when $2 = 'open' then i.outcome is null else i.outcome = $2 end)
       and ($5::text is null or i.planned -> 'steps' ? $5)
     order by i.seq limit $4`,
    [filter.syncId, filter.outcome ?? null, filter.after ?? 0, filter.limit, filter.step ?? null],
  );
  return found.rows;
}
