/** Syncs that can be paused, watched, planned and tried again. */
export const sql = `
alter table syncs
  -- What its workflow must still be told: told at once where possible, else by the sweep.
  add column signal_due text check (signal_due in ('pause', 'resume', 'cancel')),
  add column paused_at timestamptz,
  add column resumed_at timestamptz,
  add column paused_ms double precision not null default 0,
  -- The sync whose failed accounts this one tries again, and the plan that it executes.
  add column retry_of uuid references syncs (id) on delete set null,
  add column plan_of uuid references syncs (id) on delete set null,
  -- Grows with every change: who watches knows what was seen already.
  add column revision bigint not null default 0;

create function next_sync_revision() returns trigger language plpgsql as $$
begin
  new.revision := old.revision + 1;
  return new;
end $$;
create trigger syncs_revision before update on syncs for each row execute function next_sync_revision();

create index syncs_signal_due on syncs (id) where signal_due is not null;
create index syncs_plan_of on syncs (plan_of) where plan_of is not null;

-- A plan writes nothing at the far side, so it needs no turn.
drop index syncs_live;
create unique index syncs_live on syncs (service_id) where status in ('staging', 'running', 'paused') and not dry_run;

-- How many accounts were dealt with in each slot of 5 s (seconds since 1970 / 5), for the rate of now.
create table sync_paces (
  sync_id uuid not null references syncs (id) on delete cascade,
  slot bigint not null,
  done integer not null,
  primary key (sync_id, slot)
);

-- Of a plan, or of an account in the execution of one: {steps, before, after, why}.
alter table sync_items add column planned jsonb;
`;
