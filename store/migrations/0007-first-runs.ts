/** First runs that are plans, orphans at the far side, and syncs that can be called off. */
export const sql = `
-- 'plan': nothing is written there before a person has seen what would be done.
alter table services add column first_run text not null default 'write' check (first_run in ('plan', 'write'));
-- Operators were told that its first plan is ready.
alter table services add column first_run_told boolean not null default false;
-- What is done about accounts that Muster did not make: {adopt, unknown, keep}.
alter table services add column orphans jsonb not null default '{}';

alter table accounts
  -- The version that a sync drew for an account that was up to date: as long as it is the wanted one, nobody else has asked.
  add column asked_version bigint,
  -- An account at the far side that belongs to nobody: it is here only to be taken away, as far as policy and guard allow.
  add column orphan boolean not null default false,
  -- A remote account without a key that is to get this account's: {remoteId, name}.
  add column adopt jsonb;
create index accounts_orphans on accounts (service_id) where orphan;

alter table reconciliation_seen add column email text;

-- Why it failed as a whole; the comparison that it began with.
alter table syncs add column error text;
alter table syncs add column reconciliation_id uuid references reconciliations (id) on delete set null;
`;
