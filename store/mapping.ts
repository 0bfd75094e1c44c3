import { uuidv7 } from 'uuidv7';
import { mapGroups } from '../domain/mapping';
import type { MappedGroup, MappingRules, MappingSource } from '../domain/mapping';
import { candidateName } from '../domain/names';
import type { CleanRules } from '../domain/names';
import type { Queryable } from './database';
import { oneRow } from './database';

interface KnownGroup {
  readonly id: string;
  readonly origin: string;
  readonly name: string;
  readonly mapped: boolean;
}

/**
 * Brings the remote groups of a service, and the arrows that lead to them, up to what its rules say now. A remote group
 * keeps its identity through renames of its source; one that is no longer mapped stays, emptied, and is never deleted here.
 */
export async function refreshMapping(
  client: Queryable,
  serviceId: string,
  rules: CleanRules | undefined,
): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtextextended('mapping:' || $1, 0))`, [serviceId]);
  const mapping = await client.query<{ mapping: MappingRules }>(`select mapping from services where id = $1`, [
    serviceId,
  ]);
  const sources = await client.query<MappingSource & { [key: string]: unknown }>(
    `select 'group' as kind, id, name from groups union all select 'state', id, name from states order by kind, id`,
  );
  const mapped = mapGroups(oneRow(mapping).mapping, sources.rows);
  const groups = await placeGroups(client, { serviceId, mapped, rules });
  await placeArrows(client, { serviceId, mapped }, groups);
}

interface Placing {
  readonly serviceId: string;
  readonly mapped: readonly MappedGroup[];
  readonly rules: CleanRules | undefined;
}

/** Answers remote group ids by origin. */
async function placeGroups(client: Queryable, placing: Placing): Promise<ReadonlyMap<string, string>> {
  const known = await client.query<KnownGroup & { [key: string]: unknown }>(
    `select id, origin, name, mapped from remote_groups where service_id = $1 order by created_at, id`,
    [placing.serviceId],
  );
  const byOrigin = new Map(known.rows.map((group) => [group.origin, group]));
  const wanted = new Map(placing.mapped.map((group) => [group.origin, group.remoteName]));
  const names = assignNames(wanted, known.rows, placing.rules);
  const ids = new Map<string, string>();
  for (const [origin, name] of names) {
    const group = byOrigin.get(origin);
    ids.set(origin, group?.id ?? uuidv7());
    if (group === undefined)
      await insertGroup(client, { id: ids.get(origin), serviceId: placing.serviceId, origin, name });
    else if (group.name !== name || !group.mapped) await changeGroup(client, group.id, name);
  }
  const unmapped = known.rows.filter((group) => group.mapped && !names.has(group.origin)).map((group) => group.id);
  await client.query(
    `update remote_groups set mapped = false, updated_at = clock_timestamp() where id = any($1::uuid[])`,
    [unmapped],
  );
  return ids;
}

/** One name for each wanted group. A group that has a fitting name keeps it; the next one gets a suffix, so two never share one. */
function assignNames(
  wanted: ReadonlyMap<string, string>,
  known: readonly KnownGroup[],
  rules: CleanRules | undefined,
): ReadonlyMap<string, string> {
  const kept = known.filter((group) => !wanted.has(group.origin));
  const taken = new Set(kept.map((group) => group.name));
  const names = new Map<string, string>();
  const order = [...known.map((group) => group.origin).filter((origin) => wanted.has(origin)), ...wanted.keys()];
  for (const origin of new Set(order)) {
    const name = firstFree(wanted.get(origin) ?? '', taken, rules);
    if (name === '') continue;
    taken.add(name);
    names.set(origin, name);
  }
  return names;
}

function firstFree(name: string, taken: ReadonlySet<string>, rules: CleanRules | undefined): string {
  for (let attempt = 0; ; attempt += 1) {
    const candidate = candidateName(name, attempt, rules);
    if (candidate === '' || !taken.has(candidate)) return candidate;
  }
}

async function insertGroup(
  client: Queryable,
  group: {
    readonly id: string | undefined;
    readonly serviceId: string;
    readonly origin: string;
    readonly name: string;
  },
): Promise<void> {
  await client.query(
    `insert into remote_groups (id, service_id, origin, name, wanted_version) values ($1, $2, $3, $4, nextval('version_seq'))`,
    [group.id, group.serviceId, group.origin, group.name],
  );
}

async function changeGroup(client: Queryable, id: string, name: string): Promise<void> {
  await client.query(
    `update remote_groups set name = $2, mapped = true, wanted_version = nextval('version_seq'), updated_at = clock_timestamp(),
       next_try = case when attention = 'waiting' then next_try end, attention = case when attention = 'waiting' then attention end
     where id = $1`,
    [id, name],
  );
}

async function placeArrows(
  client: Queryable,
  { serviceId, mapped }: Pick<Placing, 'serviceId' | 'mapped'>,
  groups: ReadonlyMap<string, string>,
): Promise<void> {
  const arrows = mapped.flatMap((group) => {
    const id = groups.get(group.origin);
    return id === undefined ? [] : [{ kind: group.source.kind, source: group.source.id, group: id, rule: group.rule }];
  });
  await client.query(
    `with wanted as (
       select * from jsonb_to_recordset($2::jsonb) w (kind text, source uuid, "group" uuid, rule text)
     ), gone as (
       delete from group_sources gs where gs.service_id = $1 and not exists (
         select from wanted w where w.kind = gs.source_kind and w.source = gs.source_id and w."group" = gs.remote_group_id)
     )
     insert into group_sources (service_id, source_kind, source_id, remote_group_id, rule)
     select distinct on (kind, source, "group") $1::uuid, kind, source, "group", rule from wanted
     on conflict (service_id, source_kind, source_id, remote_group_id) do update set rule = excluded.rule`,
    [serviceId, JSON.stringify(arrows)],
  );
}
