/** Bulk that is far behind persons asks again when its own share is due: it stayed away until theirs were used up. */
export const sql = `
create or replace function take_permits(
  sid uuid, bucket_name text, bulk boolean, amount integer, pace jsonb,
  known_tokens integer[], believed_ms double precision[], known_ms double precision[]
) returns table (now_ms double precision, wait_ms double precision, at_ms double precision[], used_tokens integer[])
language plpgsql as $$
declare
  b budgets;
  interval_ms constant double precision := (pace ->> 'intervalMs')::double precision;
  tolerance constant double precision := (pace ->> 'toleranceMs')::double precision;
  win constant double precision := (pace ->> 'windowMs')::double precision;
  tokens constant integer := (pace ->> 'tokens')::integer;
  settle constant double precision := (pace ->> 'settleMs')::double precision;
  ahead constant double precision := (pace ->> case when bulk then 'bulkAheadMs' else 'personAheadMs' end)::double precision;
  furthest constant double precision := (pace ->> 'bulkDueAheadMs')::double precision;
  patience constant double precision := (pace ->> 'bulkPatienceMs')::double precision;
  closed double precision;
  next_ms double precision;
  moment double precision;
  free integer[];
begin
  select * into b from budgets where service_id = sid and bucket = bucket_name for update;
  if not found then
    insert into budgets (service_id, bucket) values (sid, bucket_name) on conflict do nothing;
    select * into strict b from budgets where service_id = sid and bucket = bucket_name for update;
  end if;
  select extract(epoch from blocked_until) * 1000 into closed from services where id = sid;
  now_ms := extract(epoch from clock_timestamp()) * 1000;
  if cardinality(b.log) <> tokens or b.window_ms <> win then
    -- Another limit: what was given under the old one may still count for a whole window.
    if b.taken > 0 and tokens > 0 then b.next_free := greatest(b.next_free, now_ms + win); end if;
    b.log := array_fill(0::double precision, array[tokens]);
    b.window_ms := win;
  end if;
  for i in 1 .. cardinality(known_tokens) loop
    -- Only where the token was not given again meanwhile.
    if b.log[known_tokens[i] + 1] = believed_ms[i] then b.log[known_tokens[i] + 1] := known_ms[i]; end if;
  end loop;
  next_ms := greatest(b.next_free, now_ms - tolerance, b.blocked_until, coalesce(closed, 0));
  if tokens > 0 then
    -- The tokens that are free first.
    amount := least(amount, tokens);
    select array_agg(f.place) into free from
      (select u.place::integer from unnest(b.log) with ordinality u (arrived, place) order by u.arrived, u.place limit amount) f;
    moment := greatest(next_ms, b.log[free[1]] + win);
  else
    moment := next_ms;
  end if;
  at_ms := '{}';
  used_tokens := '{}';
  wait_ms := 0;
  if moment > now_ms + ahead and not (bulk and b.bulk_due <= now_ms and moment <= now_ms + furthest) then
    wait_ms := moment - now_ms - ahead;
    -- Far behind persons bulk's next permit is the one of its own share.
    if bulk and wait_ms > patience and moment <= now_ms + furthest and b.bulk_due > now_ms then
      wait_ms := least(wait_ms, greatest(patience, b.bulk_due - now_ms));
    end if;
  else
    for i in 1 .. amount loop
      moment := next_ms;
      if tokens > 0 then moment := greatest(moment, b.log[free[i]] + win); end if;
      exit when i > 1 and moment > now_ms + ahead;
      at_ms := at_ms || moment;
      used_tokens := used_tokens || coalesce(free[i] - 1, 0);
      if tokens > 0 then b.log[free[i]] := moment + settle; end if;
      next_ms := greatest(next_ms, moment - tolerance) + interval_ms;
      b.taken := b.taken + 1;
    end loop;
    b.next_free := next_ms;
    if bulk then b.bulk_due := now_ms + interval_ms / (pace ->> 'bulkShare')::double precision; end if;
  end if;
  update budgets set taken = b.taken, next_free = b.next_free, bulk_due = b.bulk_due, log = b.log, window_ms = b.window_ms,
    version = b.version + 1 where service_id = sid and bucket = bucket_name;
  return next;
end $$;
`;
