/** What is to be written into the systems behind authentication providers, and who wants no mail. */
export const sql = `
create table client_writes (
  id uuid primary key,
  provider text not null,
  -- A member of the provider's contract.
  ability text not null,
  -- Both are null of a client that is still to be made.
  client_id uuid references auth_clients (id) on delete set null,
  provider_id text,
  -- The person that a new client belongs to.
  user_id uuid references users (id) on delete set null,
  roles text[] not null default '{}',
  -- The body of the request; gone when the write has ended.
  sealed_package bytea,
  operation_id uuid references operations (id) on delete set null,
  status text not null default 'due' check (status in ('due', 'done', 'failed', 'superseded')),
  attempts integer not null default 0,
  next_try timestamptz not null default clock_timestamp(),
  -- Until then a worker may be at it, whatever the status says.
  held_until timestamptz not null default '-infinity',
  -- What kind of refusal it was.
  refusal text,
  error text,
  expires_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp()
);
create index client_writes_due on client_writes (next_try) where status = 'due';
create index client_writes_client on client_writes (provider, provider_id, id) where provider_id is not null;

-- Who wants notifications in the API only.
alter table users add column mail_notifications boolean not null default true;
`;
