/** Mails that are to be sent: what for, never their text; links are made at sending. */
export const sql = `
create table mails (
  id uuid primary key,
  kind text not null check (kind in ('password-reset', 'invitation', 'notification')),
  -- What somebody typed who has forgotten their password; gone once it was looked up.
  sealed_login bytea,
  client_id uuid references auth_clients (id) on delete cascade,
  notification_id uuid unique references notifications (id) on delete cascade,
  operation_id uuid references operations (id) on delete set null,
  status text not null default 'due' check (status in ('due', 'sent', 'dropped', 'failed')),
  attempts integer not null default 0,
  next_try timestamptz default clock_timestamp(),
  error text,
  expires_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  sent_at timestamptz
);
create index mails_due on mails (next_try) where status = 'due';
create index mails_resets on mails (created_at) where kind = 'password-reset';
create index mails_client on mails (client_id, sent_at) where client_id is not null;

-- Whether a notification goes out by mail as well: due until it was looked at.
alter table notifications add column mail text not null default 'none' check (mail in ('none', 'due', 'queued'));
create index notifications_mail on notifications (id) where mail = 'due';
`;
