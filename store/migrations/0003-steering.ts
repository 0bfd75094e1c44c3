/** Guard, syncs, notifications, imports and idempotency keys. */
export const sql = `
-- What is being taken away or was, counted over a rolling 24 h. Open (done_at null) until confirmed: a retry does not count twice.
create table guard_taken (
  id bigint generated always as identity primary key,
  service_id uuid not null references services (id),
  user_id uuid not null,
  kind text not null check (kind in ('removal', 'disable', 'group removal')),
  amount integer not null default 1,
  taken_at timestamptz not null default clock_timestamp(),
  done_at timestamptz
);
create unique index guard_taken_open on guard_taken (service_id, user_id, kind) where done_at is null;
create index guard_taken_recent on guard_taken (service_id, kind, taken_at);

create table guard_staged (
  id uuid primary key,
  service_id uuid not null references services (id),
  user_id uuid not null,
  username text not null,
  kind text not null check (kind in ('removal', 'disable', 'group removal')),
  version bigint not null,
  groups uuid[] not null default '{}',
  change_id bigint,
  staged_at timestamptz not null default clock_timestamp(),
  decision text check (decision in ('approved', 'rejected', 'cancelled')),
  decided_at timestamptz,
  decided_by text,
  decision_reason text,
  done_at timestamptz
);
create unique index guard_staged_open on guard_staged (service_id, user_id, kind) where decision is null;
create index guard_staged_account on guard_staged (service_id, user_id);

-- A rejected removal holds the account until its entitlement is next confirmed.
create table guard_holds (
  service_id uuid not null references services (id),
  user_id uuid not null,
  kind text not null,
  held_at timestamptz not null default clock_timestamp(),
  held_by text not null,
  primary key (service_id, user_id, kind)
);

create table syncs (
  id uuid primary key,
  service_id uuid not null references services (id),
  kind text not null check (kind in ('groups', 'nicknames', 'accounts', 'validate', 'full', 'due')),
  scope jsonb not null default '{}',
  dry_run boolean not null default false,
  status text not null default 'queued' check (status in ('queued', 'staging', 'running', 'paused', 'succeeded', 'failed', 'cancelled')),
  actor text not null,
  reason text,
  total integer not null default 0,
  succeeded integer not null default 0,
  unchanged integer not null default 0,
  skipped integer not null default 0,
  failed integer not null default 0,
  workflow_id text not null,
  -- Drawn after staging: an account with a newer version became due after the sync had looked.
  staged_version bigint,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz
);
-- One live sync per service.
create unique index syncs_live on syncs (service_id) where status in ('staging', 'running', 'paused');
create index syncs_service on syncs (service_id, created_at desc);

create table sync_items (
  sync_id uuid not null references syncs (id) on delete cascade,
  seq integer not null,
  user_id uuid not null,
  outcome text check (outcome in ('succeeded', 'unchanged', 'skipped', 'failed')),
  reason text,
  finished_at timestamptz,
  primary key (sync_id, seq)
);
create index sync_items_open on sync_items (sync_id, seq) where outcome is null;

create table notifications (
  id uuid primary key,
  -- null: to the operators
  user_id uuid,
  level text not null check (level in ('info', 'success', 'warning', 'danger')),
  title text not null,
  text text not null,
  service_name text,
  -- At most one open notification of a kind: the key says which.
  dedupe_key text,
  created_at timestamptz not null default clock_timestamp(),
  read_at timestamptz,
  delivery text not null default 'none' check (delivery in ('none', 'due', 'delivered', 'failed')),
  delivery_attempts integer not null default 0,
  delivery_next timestamptz,
  delivery_error text
);
create index notifications_user on notifications (user_id, created_at desc);
create unique index notifications_dedupe on notifications (dedupe_key) where dedupe_key is not null and read_at is null;
create index notifications_due on notifications (delivery_next) where delivery = 'due';

create table imports (
  id uuid primary key,
  operation_id uuid references operations (id) on delete set null,
  change_id bigint references changes (id) on delete set null,
  mode text not null check (mode in ('replace', 'merge')),
  actor text not null,
  difference jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);

-- Calls that a worker makes for the API: input and answer stay out of workflow histories.
create table manager_calls (
  id uuid primary key,
  input bytea not null,
  answer bytea,
  created_at timestamptz not null default clock_timestamp()
);

-- Which migrations of which module have run in its own schema.
create table module_migrations (
  kind text not null,
  name text not null,
  run_at timestamptz not null default clock_timestamp(),
  primary key (kind, name)
);

create table idempotency_keys (
  principal text not null,
  key text not null,
  request_hash text not null,
  status integer,
  location text,
  response jsonb,
  created_at timestamptz not null default clock_timestamp(),
  primary key (principal, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);
`;
