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
`;
