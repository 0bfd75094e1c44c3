/** Sessions of browsers. Each stands on a token: what ends the token (sign-out, a new password, a switched-off client) ends it. */
export const sql = `
create table console_sessions (
  hash bytea primary key,
  token_id uuid not null unique references auth_tokens (id) on delete cascade,
  -- The browser, as it called itself at sign-in: for the person's own list.
  browser text not null default '',
  created_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp()
);
create index console_sessions_seen on console_sessions (seen_at);
`;
