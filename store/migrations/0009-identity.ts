/** Who may ask: clients, their roles and tokens, what was tried and refused. */
export const sql = `
create table auth_roles (
  name text primary key,
  title text not null default '',
  acl text[] not null,
  updated_at timestamptz not null default clock_timestamp()
);

create table auth_clients (
  id uuid primary key,
  -- What people and logs call it.
  name text not null,
  provider text not null,
  -- The provider's own, stable id.
  provider_id text not null,
  -- A login goes with its person.
  user_id uuid references users (id) on delete cascade,
  enabled boolean not null default true,
  -- As the provider last said; for local clients, as an admin set them.
  roles text[] not null default '{}',
  acl text[] not null default '{}',
  metadata jsonb not null default '{}',
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  last_login_at timestamptz,
  unique (provider, provider_id)
);
-- Elsewhere a name may pass from one to another; Muster's own are unique.
create unique index auth_clients_name on auth_clients (lower(name)) where provider = 'local';
create index auth_clients_provider_name on auth_clients (provider, lower(name));
create index auth_clients_user on auth_clients (user_id) where user_id is not null;

-- Passwords of local clients, as argon2id.
create table local_logins (
  client_id uuid primary key references auth_clients (id) on delete cascade,
  password_hash text not null,
  changed_at timestamptz not null default clock_timestamp()
);

-- One for each client and application; tokens that it made go with it.
create table auth_refresh_tokens (
  id uuid primary key,
  client_id uuid not null references auth_clients (id) on delete cascade,
  application text not null,
  hash bytea not null unique,
  acl text[],
  created_at timestamptz not null default clock_timestamp(),
  unique (client_id, application)
);

create table auth_tokens (
  id uuid primary key,
  -- SHA-256 of 256 random bits: the token itself is nowhere.
  hash bytea not null unique,
  client_id uuid not null references auth_clients (id) on delete cascade,
  refresh_id uuid references auth_refresh_tokens (id) on delete cascade,
  -- session: by login; api: by a client for itself or by an admin; action: for one purpose, e.g. a new password by mail.
  purpose text not null check (purpose in ('session', 'api', 'action')),
  -- What of the client's rights the token has; null: all of them, as they are when it is used.
  acl text[],
  issued_by text not null,
  title text not null default '',
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  announced_at timestamptz
);
create index auth_tokens_client on auth_tokens (client_id, id);
create index auth_tokens_expiry on auth_tokens (expires_at);

-- Failed logins, under a keyed hash of what was tried or from where.
create table login_attempts (
  key text primary key,
  failures integer not null,
  blocked_until timestamptz,
  last_at timestamptz not null default clock_timestamp()
);
create index login_attempts_last on login_attempts (last_at);

-- Requests in the present window, by client and by address; written by rate-limiter-flexible.
create unlogged table request_rates (
  key varchar(255) primary key,
  points integer not null default 0,
  expire bigint
);

-- Every refusal and every administrative act. The same within a minute is one row with a count.
create table audit (
  id uuid primary key,
  minute timestamptz not null default date_trunc('minute', clock_timestamp()),
  at timestamptz not null default clock_timestamp(),
  outcome text not null check (outcome in ('done', 'refused', 'failed')),
  actor text not null,
  -- No key: the trail outlives the client.
  client_id uuid,
  action text not null,
  target text not null,
  detail text not null default '',
  address text not null default '',
  request_id text not null default '',
  count integer not null default 1
);
create unique index audit_refusals on audit (minute, actor, action, target, detail, address) where outcome = 'refused';
create index audit_actor on audit (actor, id desc);

-- Whoever switches a client or its person off, by whatever way: the tokens end in the same commit.
create function end_tokens_of_client() returns trigger language plpgsql as $$
begin
  delete from auth_tokens where client_id = new.id;
  delete from auth_refresh_tokens where client_id = new.id;
  return null;
end $$;
create trigger client_disabled after update of enabled on auth_clients
  for each row when (old.enabled and not new.enabled) execute function end_tokens_of_client();

create function end_tokens_of_user() returns trigger language plpgsql as $$
begin
  delete from auth_tokens where client_id in (select id from auth_clients where user_id = new.id);
  delete from auth_refresh_tokens where client_id in (select id from auth_clients where user_id = new.id);
  return null;
end $$;
create trigger user_deactivated after update of active on users
  for each row when (old.active and not new.active) execute function end_tokens_of_user();
`;
