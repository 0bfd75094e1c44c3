/** Accounts, remote groups, changes and operations: what is to be done, and what was. */
export const sql = `
create sequence version_seq;
create sequence fence_seq;

create table changes (
  id bigint generated always as identity primary key,
  kind text not null,
  -- Ids the change is about: {userId, groupId, stateId, serviceId}; people concerned stand in change_users.
  subject jsonb not null default '{}',
  reasons text[] not null,
  actor text not null,
  reason text,
  operation_id uuid,
  committed_at timestamptz not null default clock_timestamp(),
  -- Drawn after the commit: an account whose applied version has reached it has seen this change.
  first_version bigint,
  cursor uuid,
  expanded_at timestamptz
);
create index changes_unexpanded on changes (id) where expanded_at is null;

create table change_users (
  change_id bigint not null references changes (id) on delete cascade,
  user_id uuid not null,
  primary key (change_id, user_id)
);

create table accounts (
  service_id uuid not null references services (id),
  -- No foreign key: the person may be gone while the removal is still to be done.
  user_id uuid not null,
  username text not null,
  status text not null default 'none' check (status in ('none', 'pending', 'active', 'disabled', 'removed')),
  -- What the person (or an admin for them) said: wanted, declined; null = as the service begins.
  choice text check (choice in ('wanted', 'declined')),
  remote_id text,
  remote_name text,
  instruction text,
  applied_profile jsonb,
  applied_groups uuid[],
  wanted_version bigint not null,
  applied_version bigint not null default 0,
  due_reasons text[] not null default '{}',
  notify_user boolean not null default true,
  next_try timestamptz,
  attention text check (attention in ('waiting', 'rejected', 'staged', 'held', 'action required')),
  failures integer not null default 0,
  last_error jsonb,
  lease_holder text,
  lease_fence bigint,
  lease_until timestamptz,
  intent jsonb,
  intent_deadline timestamptz,
  verify boolean not null default false,
  last_write_at timestamptz,
  last_outcome text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (service_id, user_id)
);
create index accounts_due on accounts (service_id, user_id) include (next_try, wanted_version) where wanted_version <> applied_version;
create index accounts_user on accounts (user_id);
create index accounts_status on accounts (service_id, status);
create index accounts_username on accounts (service_id, username, user_id);
create unique index accounts_remote on accounts (service_id, remote_id) where remote_id is not null and status <> 'removed';

-- A remote name stays reserved until its removal (or the rename away from it) is confirmed.
create table account_names (
  service_id uuid not null references services (id),
  name text not null,
  user_id uuid not null,
  -- Somebody else's account has this name at the far side: not ours to use, ever tried again only after it is freed.
  taken boolean not null default false,
  reserved_at timestamptz not null default clock_timestamp(),
  primary key (service_id, name)
);
create index account_names_user on account_names (service_id, user_id);

create table remote_groups (
  id uuid primary key,
  service_id uuid not null references services (id),
  -- What it stems from: 'group:<id>', 'state:<id>' (by template) or 'name:<remote name>' (named in the mapping).
  origin text not null,
  name text not null,
  mapped boolean not null default true,
  remote_id text,
  remote_name text,
  wanted_version bigint not null,
  applied_version bigint not null default 0,
  next_try timestamptz,
  attention text check (attention in ('waiting', 'rejected', 'staged')),
  failures integer not null default 0,
  last_error jsonb,
  lease_holder text,
  lease_fence bigint,
  lease_until timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (service_id, origin),
  unique (service_id, name) deferrable initially deferred
);
create index remote_groups_due on remote_groups (service_id, id) include (next_try) where wanted_version <> applied_version;

create table group_sources (
  service_id uuid not null references services (id) on delete cascade,
  source_kind text not null check (source_kind in ('group', 'state')),
  source_id uuid not null,
  remote_group_id uuid not null references remote_groups (id) on delete cascade,
  rule text not null,
  primary key (service_id, source_kind, source_id, remote_group_id)
);

-- The remote groups that a person should be in on a service.
create function desired_groups(sid uuid, uid uuid) returns uuid[] language plpgsql stable parallel safe as $$
begin
  return (
    select coalesce(array_agg(distinct id order by id), '{}') from (
      -- From the person's few groups to their sources, whatever the statistics say: offset 0 keeps this order.
      select gs.remote_group_id as id from (select group_id from members where user_id = uid offset 0) m
      cross join lateral (
        select remote_group_id from group_sources
        where service_id = sid and source_kind = 'group' and source_id = m.group_id offset 0
      ) gs
      union all
      select gs.remote_group_id from group_sources gs
      where gs.service_id = sid and gs.source_kind = 'state' and gs.source_id = (select effective_state(uid))
    ) g);
end $$;

create table operations (
  id uuid primary key,
  kind text not null,
  service_id uuid references services (id),
  user_id uuid,
  username text,
  change_id bigint references changes (id) on delete set null,
  sync_id uuid,
  -- Done when the account's applied version has reached it.
  version bigint,
  actor text not null,
  reason text,
  status text not null default 'running' check (status in ('running', 'waiting', 'succeeded', 'failed', 'cancelled', 'superseded')),
  outcome text,
  detail jsonb not null default '{}',
  workflow_id text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create index operations_open on operations (service_id, user_id) where status in ('running', 'waiting');
create index operations_created on operations (created_at desc, id desc);
create index operations_user on operations (user_id, created_at desc);
create index operations_change on operations (change_id) where change_id is not null;

-- Append-only steps of what was done to an account (or a remote group, or a service).
create table events (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  service_id uuid,
  user_id uuid,
  remote_group_id uuid,
  operation_id uuid,
  step text not null,
  data jsonb not null default '{}'
);
create index events_account on events (service_id, user_id, id desc);
create index events_operation on events (operation_id, id) where operation_id is not null;

create table password_requests (
  operation_id uuid primary key references operations (id) on delete cascade,
  service_id uuid not null references services (id),
  user_id uuid not null,
  sealed bytea,
  generated boolean not null,
  status text not null default 'wanted' check (status in ('wanted', 'applied', 'superseded', 'failed', 'claimed', 'expired')),
  created_at timestamptz not null default clock_timestamp(),
  applied_at timestamptz,
  claimed_at timestamptz
);
-- One wanted password at a time: a newer request supersedes the older.
create unique index password_requests_wanted on password_requests (service_id, user_id) where status = 'wanted';
create index password_requests_open on password_requests (created_at) where sealed is not null;
`;
