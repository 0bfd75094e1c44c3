/**
 * What convergence asks of the accounts of one service, by their persons, must not be answered from the index by username: with
 * statistics that lag behind the planner took it, and read the whole service for each batch. And a person's state is found out once.
 */
export const sql = `
drop index accounts_username;
create index accounts_username on accounts (service_id, username) include (user_id);
-- Lease and intent change no indexed column: with room on its page such a write touches no index.
alter table accounts set (fillfactor = 70);

create function entitling_grant(sid uuid, uid uuid, state uuid) returns uuid language plpgsql stable parallel safe as $$
begin
  return (
    select id from (
      select g.id from grants g where g.service_id = sid and g.user_id = uid
      union all
      -- From the person's few groups to their grants, whatever the statistics say: offset 0 keeps this order.
      select g.id from (select group_id from members where user_id = uid offset 0) m
      cross join lateral (select id from grants where group_id = m.group_id and service_id = sid offset 0) g
      union all
      select g.id from grants g where g.service_id = sid and g.state_id = state
    ) g
    order by id limit 1);
end $$;

create or replace function entitling_grant(sid uuid, uid uuid) returns uuid language plpgsql stable parallel safe as $$
begin
  return entitling_grant(sid, uid, effective_state(uid));
end $$;

create function own_groups(sid uuid, uid uuid, state uuid) returns uuid[] language plpgsql stable parallel safe as $$
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
      where gs.service_id = sid and gs.source_kind = 'state' and gs.source_id = state
    ) g);
end $$;

create or replace function own_groups(sid uuid, uid uuid) returns uuid[] language plpgsql stable parallel safe as $$
begin
  return own_groups(sid, uid, effective_state(uid));
end $$;

-- The remote groups that an account should be in: those of the person, or of all who share it.
create function desired_groups(sid uuid, uid uuid, state uuid) returns uuid[] language plpgsql stable parallel safe as $$
declare
  shared text;
begin
  select value into shared from shared_accounts where service_id = sid and lead_user_id = uid;
  if shared is null then
    return own_groups(sid, uid, state);
  end if;
  return (
    select coalesce(array_agg(distinct g order by g), '{}')
    from account_sharers s cross join lateral unnest(own_groups(sid, s.user_id)) g
    where s.service_id = sid and s.value = shared);
end $$;

create or replace function desired_groups(sid uuid, uid uuid) returns uuid[] language plpgsql stable parallel safe as $$
begin
  return desired_groups(sid, uid, effective_state(uid));
end $$;
`;
