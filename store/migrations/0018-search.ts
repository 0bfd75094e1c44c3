/** What lists and searches of hundreds of thousands of rows read by. */
export const sql = `
-- Finding a part of a text needs the extension pg_trgm, which comes with PostgreSQL and which the owner of a database may add.
-- Where the server does not have it, the same searches read all rows; once it has, call this function again.
create function make_search_indexes() returns boolean language plpgsql as $$
declare
  home text;
begin
  begin
    create extension if not exists pg_trgm;
  exception when undefined_file or feature_not_supported or insufficient_privilege then
    return false;
  end;
  select quote_ident(n.nspname) into home from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm';
  execute format('create index if not exists users_search on users
    using gin (username %1$s.gin_trgm_ops, display_name %1$s.gin_trgm_ops, email %1$s.gin_trgm_ops)', home);
  execute format('create index if not exists accounts_search on accounts
    using gin (username %1$s.gin_trgm_ops, remote_name %1$s.gin_trgm_ops)', home);
  execute format('create index if not exists audit_search on audit
    using gin (action %1$s.gin_trgm_ops, target %1$s.gin_trgm_ops, detail %1$s.gin_trgm_ops)', home);
  return true;
end $$;
select make_search_indexes();

create index users_source_state on users (source_state_id) where source_state_id is not null;
create index users_inactive on users (lower(username)) where not active;
create index operations_service on operations (service_id, id desc) where service_id is not null;
create index sync_items_failed on sync_items (sync_id, seq) where outcome = 'failed';
`;
