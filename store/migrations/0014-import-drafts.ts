/** Rosters that somebody looks at before they are taken in. */
export const sql = `
create table import_drafts (
  id uuid primary key,
  mode text not null check (mode in ('replace', 'merge')),
  format text not null,
  allow_empty boolean not null,
  actor text not null,
  bytes bigint not null default 0,
  -- null: it is still arriving, or was not good.
  difference jsonb,
  created_at timestamptz not null default clock_timestamp()
);
create index import_drafts_age on import_drafts (created_at);

create table import_draft_chunks (
  draft_id uuid not null references import_drafts (id) on delete cascade,
  seq integer not null,
  bytes bytea not null,
  primary key (draft_id, seq)
);

-- What needs somebody is looked for among many that do not.
create index accounts_attention on accounts (service_id, attention, username, user_id) where attention is not null;
-- Failures are few, and looked for among many.
create index operations_failed on operations (id desc) where status = 'failed';
`;
