/** Several people on one remote account: one of them leads, and is the only one for whom the far side is written. And how long one waits for a person. */
export const sql = `
-- Until when a pending account waits for its person.
alter table accounts add column pending_until timestamptz;

create table shared_accounts (
  service_id uuid not null references services (id) on delete cascade,
  -- What those have in common who share, e.g. the value of an attribute.
  value text not null,
  -- Whose row in accounts stands for the remote account.
  lead_user_id uuid not null,
  -- The user id in the key at the far side: it stays when somebody else leads.
  key_id uuid not null,
  primary key (service_id, value)
);
create unique index shared_accounts_lead on shared_accounts (service_id, lead_user_id);

-- Who has a part in it: exactly those whose groups count.
create table account_sharers (
  service_id uuid not null,
  user_id uuid not null,
  value text not null,
  joined_at timestamptz not null default clock_timestamp(),
  primary key (service_id, user_id),
  foreign key (service_id, value) references shared_accounts (service_id, value) on update cascade on delete cascade
);
create index account_sharers_value on account_sharers (service_id, value, joined_at);

-- The remote groups that one person should be in, whoever else shares the account.
create function own_groups(sid uuid, uid uuid) returns uuid[] language plpgsql stable parallel safe as $$
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

-- The remote groups that an account should be in: those of the person, or of all who share it.
create or replace function desired_groups(sid uuid, uid uuid) returns uuid[] language plpgsql stable parallel safe as $$
declare
  shared text;
begin
  select value into shared from shared_accounts where service_id = sid and lead_user_id = uid;
  if shared is null then
    return own_groups(sid, uid);
  end if;
  return (
    select coalesce(array_agg(distinct g order by g), '{}')
    from account_sharers s cross join lateral unnest(own_groups(sid, s.user_id)) g
    where s.service_id = sid and s.value = shared);
end $$;
`;
