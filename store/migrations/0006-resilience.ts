/** Quarantine, grace before a deletion, and what a comparison with the far side found. */
export const sql = `
alter table services drop constraint services_paused_reason_check;
alter table services add constraint services_paused_reason_check
  check (paused_reason in ('operator', 'credentials', 'unavailable', 'too many failures', 'guard'));
alter table services add column paused_by text;
-- What differs from the defaults of domain/breaker.ts.
alter table services add column breaker jsonb not null default '{}';
alter table services add column delete_after_days integer check (delete_after_days between 0 and 3650);

-- Failures in a row, over all workers: a success takes the row away.
create table breaker_counts (
  service_id uuid not null references services (id) on delete cascade,
  kind text not null check (kind in ('unavailable', 'too many failures')),
  failures integer not null,
  -- The different accounts and groups among them.
  subjects uuid[] not null,
  since timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  primary key (service_id, kind)
);

alter table accounts add column disabled_at timestamptz;
-- When a disabled account becomes due for its deletion.
alter table accounts add column delete_at timestamptz;
create index accounts_delete_at on accounts (delete_at) where delete_at is not null;

-- What is done about differences: {mode: 'off' | 'report' | 'repair'}.
alter table services add column reconcile jsonb not null default '{}';

-- One comparison of what a service lists with what Muster knows.
create table reconciliations (
  id uuid primary key,
  service_id uuid not null references services (id) on delete cascade,
  mode text not null check (mode in ('report', 'repair')),
  status text not null default 'running' check (status in ('running', 'succeeded', 'failed')),
  actor text not null,
  reason text,
  -- Accounts and groups that the service listed.
  accounts integer not null default 0,
  groups integer not null default 0,
  -- By kind of difference, how many; and how many accounts were made due for it.
  found jsonb not null default '{}',
  repaired integer not null default 0,
  error text,
  -- What is being listed, and where the next page begins.
  phase text not null default 'accounts' check (phase in ('accounts', 'groups', 'compare')),
  cursor text,
  lists_groups boolean not null default false,
  workflow_id text not null,
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create unique index reconciliations_live on reconciliations (service_id) where finished_at is null;
create index reconciliations_service on reconciliations (service_id, id desc);

create table reconciliation_items (
  reconciliation_id uuid not null references reconciliations (id) on delete cascade,
  seq bigint generated always as identity,
  kind text not null,
  user_id uuid,
  remote_group_id uuid,
  remote_id text,
  remote_name text,
  expected jsonb,
  actual jsonb,
  primary key (reconciliation_id, seq)
);

-- What one comparison was told, page by page; emptied at its end.
create table reconciliation_seen (
  reconciliation_id uuid not null references reconciliations (id) on delete cascade,
  kind text not null check (kind in ('account', 'group')),
  remote_id text not null,
  name text not null,
  -- The Muster key that it carries, and whether it is ours.
  key uuid,
  ours boolean not null,
  enabled boolean,
  -- Remote ids of its groups; null: the service does not tell.
  groups text[],
  primary key (reconciliation_id, kind, remote_id)
);
`;
