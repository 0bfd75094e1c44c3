/** Linked external accounts: how types are configured, who has linked what, authorizations on their way, what is to be revoked. */
export const sql = `
create table external_types (
  type text primary key check (type ~ '^[a-z][a-z0-9-]{0,62}$'),
  plugin text not null,
  title text,
  -- The plug-in's configuration without its secrets; those are sealed beside it.
  config jsonb not null default '{}',
  sealed_config bytea,
  enabled boolean not null default true,
  -- Grows with every change, so that workers know when to build the plug-in anew.
  config_version bigint not null default nextval('version_seq'),
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);

create table external_accounts (
  user_id uuid not null references users (id) on delete cascade,
  type text not null references external_types (type) on delete cascade,
  -- Everything the plug-in keeps, tokens included.
  sealed bytea not null,
  -- What the plug-in's safe model lets through.
  safe jsonb not null default '{}',
  remote_id text,
  remote_name text,
  scopes text[] not null default '{}',
  expires_at timestamptz,
  -- Set: the other side does not take the credential any more, the person must authorize again.
  broken text,
  -- One refresh at a time, over all workers.
  refreshing_until timestamptz,
  fence bigint not null default nextval('fence_seq'),
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (user_id, type)
);
create index external_accounts_type on external_accounts (type, user_id);

create table external_authorizations (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  type text not null references external_types (type) on delete cascade,
  verb text not null check (verb in ('post', 'put')),
  actor text not null,
  status text not null default 'starting'
    check (status in ('starting', 'pending', 'answered', 'completed', 'failed', 'expired')),
  -- The request's body, then what the plug-in answered; gone at the end.
  sealed_body bytea,
  sealed_start bytea,
  -- SHA-256 of the state: who reads the table cannot answer for the person.
  state_hash bytea unique,
  -- SHA-256 of what only the browser knows that began; null: it was no browser.
  browser_hash bytea,
  callback text,
  sealed_args bytea,
  sealed_message bytea,
  -- Where the person's browser goes at the end: a path of Muster's own.
  return_to text,
  problem text,
  attempts integer not null default 0,
  expires_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create index external_authorizations_open on external_authorizations (expires_at) where finished_at is null;
create index external_authorizations_user on external_authorizations (user_id, type) where finished_at is null;

-- No keys: the person and the type may be gone while the right is still to be taken away.
create table external_revocations (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null,
  type text not null,
  sealed bytea not null,
  attempts integer not null default 0,
  next_try timestamptz not null default clock_timestamp(),
  created_at timestamptz not null default clock_timestamp()
);
create index external_revocations_due on external_revocations (next_try);

-- Whatever takes the row away (the person, an admin, the end of the person): the right at the other side goes with it.
create function revoke_external_account() returns trigger language plpgsql as $$
begin
  insert into external_revocations (user_id, type, sealed) values (old.user_id, old.type, old.sealed);
  return old;
end
$$;
create trigger external_accounts_revoked after delete on external_accounts
  for each row execute function revoke_external_account();
`;
