import type { RetentionDays } from '../domain/retention';
import type { Queryable } from './database';

/** Rows of one statement: small, so that nobody waits for it. */
const BATCH = 1_000;

/** Ids are UUIDs of version 7, so their order is that of time: nothing younger is read. */
const OLD_ID = `lpad(to_hex((extract(epoch from clock_timestamp() - make_interval(days => $1)) * 1000)::bigint), 12, '0')`;
const BOUNDARY = `(left(${OLD_ID}, 8) || '-' || right(${OLD_ID}, 4) || '-7000-8000-000000000000')::uuid`;

interface Rule {
  readonly what: string;
  readonly days: keyof RetentionDays;
  /** Deletes at most one batch; $1 = days. */
  readonly sql: string;
}

const RULES: readonly Rule[] = [
  {
    what: 'events',
    days: 'events',
    // The oldest first, and no more are read than are deleted.
    sql: `delete from events where id in (
      select id from (select id, at from events order by id limit ${BATCH}) oldest
      where at < clock_timestamp() - make_interval(days => $1))`,
  },
  {
    what: 'password requests',
    days: 'operations',
    sql: `delete from password_requests where operation_id in (select operation_id from password_requests
      where operation_id < ${BOUNDARY} and sealed is null and status <> 'wanted' order by operation_id limit ${BATCH})`,
  },
  {
    what: 'imports',
    days: 'operations',
    sql: `delete from imports where id in (select id from imports where id < ${BOUNDARY} order by id limit ${BATCH})`,
  },
  {
    what: 'drafts of imports',
    days: 'operations',
    sql: `delete from import_drafts where id in (select id from import_drafts
      where created_at < clock_timestamp() - make_interval(days => least($1, 1)) limit 10)`,
  },
  {
    what: 'sync items',
    days: 'syncItems',
    sql: `delete from sync_items where (sync_id, seq) in (
      select i.sync_id, i.seq from syncs y join sync_items i on i.sync_id = y.id
      where y.id < ${BOUNDARY} and y.finished_at is not null limit ${BATCH})`,
  },
  {
    what: 'syncs',
    days: 'operations',
    sql: `delete from syncs where id in (
      select id from syncs y where id < ${BOUNDARY} and finished_at is not null
        and not exists (select from sync_items i where i.sync_id = y.id) order by id limit ${BATCH})`,
  },
  {
    what: 'mails',
    days: 'notifications',
    sql: `delete from mails where id in (select id from mails where status <> 'due'
      and created_at < clock_timestamp() - make_interval(days => $1) limit ${BATCH})`,
  },
  {
    what: 'writes of clients',
    days: 'operations',
    sql: `delete from client_writes where id in (select id from client_writes
      where id < ${BOUNDARY} and status <> 'due' order by id limit ${BATCH})`,
  },
  {
    what: 'authorizations of external accounts',
    days: 'notifications',
    sql: `delete from external_authorizations where id in (select id from external_authorizations
      where id < ${BOUNDARY} and finished_at is not null order by id limit ${BATCH})`,
  },
  {
    what: 'operations',
    days: 'operations',
    sql: `delete from operations where id in (
      select id from operations o where id < ${BOUNDARY} and finished_at is not null
        and not exists (select from password_requests p where p.operation_id = o.id) order by id limit ${BATCH})`,
  },
  {
    what: 'notifications',
    days: 'notifications',
    sql: `delete from notifications where id in (select id from notifications where id < ${BOUNDARY} and delivery <> 'due'
      order by id limit ${BATCH})`,
  },
  {
    what: 'audit',
    days: 'audit',
    sql: `delete from audit where id in (select id from audit where id < ${BOUNDARY} order by id limit ${BATCH})`,
  },
  {
    what: 'reconciliation items',
    days: 'reconciliations',
    sql: `delete from reconciliation_items where (reconciliation_id, seq) in (
      select i.reconciliation_id, i.seq from reconciliations r join reconciliation_items i on i.reconciliation_id = r.id
      where r.id < ${BOUNDARY} and r.finished_at is not null limit ${BATCH})`,
  },
];

/** Deletes what is older than it is kept, a batch at a time; `between` runs after each. Answers how much of what went. */
export async function deleteOld(
  db: Queryable,
  days: RetentionDays,
  between: () => void,
): Promise<Readonly<Record<string, number>>> {
  const deleted: Record<string, number> = {};
  for (const rule of RULES) {
    for (;;) {
      const { rowCount } = await db.query(rule.sql, [days[rule.days]]);
      between();
      deleted[rule.what] = (deleted[rule.what] ?? 0) + (rowCount ?? 0);
      if ((rowCount ?? 0) < BATCH) break;
    }
  }
  return deleted;
}
