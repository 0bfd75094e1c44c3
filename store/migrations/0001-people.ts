/** People, groups, states, services and grants: what an organisation is. */
export const sql = `
create table settings (
  key text primary key,
  value jsonb not null
);

create table states (
  id uuid primary key,
  name text not null,
  priority integer not null unique,
  is_public boolean not null default false
);
create unique index states_name on states (lower(name));

create table users (
  id uuid primary key,
  external_id text unique,
  username text not null,
  display_name text not null,
  email text,
  active boolean not null default true,
  attributes jsonb not null default '{}',
  source_state_id uuid references states (id) on delete set null,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create unique index users_username on users (lower(username));

create table groups (
  id uuid primary key,
  name text not null,
  created_at timestamptz not null default clock_timestamp()
);
create unique index groups_name on groups (lower(name));

create table members (
  group_id uuid not null references groups (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  added_at timestamptz not null default clock_timestamp(),
  primary key (group_id, user_id)
);
create index members_user on members (user_id);

create table state_groups (
  state_id uuid not null references states (id) on delete cascade,
  group_id uuid not null references groups (id) on delete cascade,
  primary key (state_id, group_id)
);

create table services (
  id uuid primary key,
  name text not null unique check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
  connector text not null,
  title text,
  url text,
  -- The connector's configuration without its secrets; those are sealed beside it.
  config jsonb not null default '{}',
  sealed_config bytea,
  enabled boolean not null default true,
  begins text not null default 'automatic' check (begins in ('automatic', 'on request')),
  on_loss text not null default 'delete' check (on_loss in ('delete', 'disable')),
  on_gone text not null default 'recreate' check (on_gone in ('recreate', 'drop')),
  mapping jsonb not null default '{}',
  name_format text,
  name_formats jsonb not null default '{}',
  nickname_format text,
  guard jsonb not null default '{}',
  max_concurrency integer check (max_concurrency between 1 and 1000),
  -- Written from the hook when the service is loaded: states that the hook enables, and whether it decides alone.
  hook_states text[] not null default '{}',
  hook_decides boolean not null default false,
  has_manager boolean not null default true,
  membership text not null default 'none' check (membership in ('by account', 'by group', 'none')),
  paused_reason text check (paused_reason in ('operator', 'credentials', 'unavailable', 'too many failures')),
  paused_detail text,
  paused_at timestamptz,
  probe_at timestamptz,
  probes integer not null default 0,
  blocked_until timestamptz,
  -- Grows with every change of configuration, so that workers know when to build their manager anew.
  config_version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);

create table grants (
  id uuid primary key,
  service_id uuid not null references services (id) on delete cascade,
  user_id uuid references users (id) on delete cascade,
  group_id uuid references groups (id) on delete cascade,
  state_id uuid references states (id) on delete cascade,
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null,
  check (num_nonnulls(user_id, group_id, state_id) = 1)
);
create unique index grants_subject on grants (service_id, coalesce(user_id, group_id, state_id));
create index grants_user on grants (user_id) where user_id is not null;
create index grants_group on grants (group_id) where group_id is not null;
create index grants_state on grants (state_id) where state_id is not null;

-- In plpgsql, whose plans last as long as the connection; those of SQL functions are made anew by each statement, in each
-- nested call.

-- The highest priority whose rule applies: set by the source, by a group, or public.
create function effective_state(uid uuid) returns uuid language plpgsql stable parallel safe as $$
begin
  return (
    select s.id from states s
    where s.is_public
       or s.id = (select u.source_state_id from users u where u.id = uid)
       or exists (select from state_groups sg join members m on m.group_id = sg.group_id
                  where sg.state_id = s.id and m.user_id = uid)
    order by s.priority desc limit 1);
end $$;

-- One grant that gives this person the right to the service, if any (the union counts). Activity is not looked at.
create function entitling_grant(sid uuid, uid uuid) returns uuid language plpgsql stable parallel safe as $$
begin
  return (
    select id from (
      select g.id from grants g where g.service_id = sid and g.user_id = uid
      union all
      -- From the person's few groups to their grants, whatever the statistics say: offset 0 keeps this order.
      select g.id from (select group_id from members where user_id = uid offset 0) m
      cross join lateral (select id from grants where group_id = m.group_id and service_id = sid offset 0) g
      union all
      select g.id from grants g where g.service_id = sid and g.state_id = (select effective_state(uid))
    ) g
    order by id limit 1);
end $$;
`;
