import type { MappedGroup, MappingSource } from '../domain/mapping';
import type { Queryable } from './database';
import { oneRow } from './database';

/** Somebody whose memberships other rules would change. Names are those of the rules, not yet cleaned for the service. */
export interface MovedPerson {
  readonly userId: string;
  readonly username: string;
  readonly gains: readonly string[];
  readonly loses: readonly string[];
}

export interface MovedPeople {
  /** People with an account whose memberships would change. */
  readonly people: number;
  readonly gained: number;
  readonly lost: number;
  /** The first 20 by username. */
  readonly examples: readonly MovedPerson[];
}

/** Every group and state that a mapping may name, by kind and name. */
export async function mappingSources(db: Queryable): Promise<readonly MappingSource[]> {
  const found = await db.query<MappingSource & { [key: string]: unknown }>(
    `select 'group' as kind, id, name from groups union all select 'state', id, name from states order by kind, name`,
  );
  return found.rows;
}

const ARROWS = `jsonb_to_recordset($SIDE::jsonb) as r (kind text, source uuid, origin text, name text)`;

/** Whose memberships at the service differ between two mappings: only members of what leads elsewhere are looked at. */
export async function movedPeople(
  db: Queryable,
  serviceId: string,
  sides: { readonly before: readonly MappedGroup[]; readonly after: readonly MappedGroup[] },
): Promise<MovedPeople> {
  const found = await db.query<MovedPeople & { [key: string]: unknown }>(
    `with before as materialized (select * from ${ARROWS.replace('$SIDE', '$2')}),
     after as materialized (select * from ${ARROWS.replace('$SIDE', '$3')}),
     differing as materialized (
       (select kind, source, origin from before except select kind, source, origin from after)
       union all (select kind, source, origin from after except select kind, source, origin from before)
     ), concerned as materialized (
       select a.user_id, a.username from accounts a
       where a.service_id = $1 and a.status in ('pending', 'active') and not a.orphan and (
         exists (select from members m join differing d on d.kind = 'group' and d.source = m.group_id where m.user_id = a.user_id)
         or (exists (select from differing where kind = 'state')
           and effective_state(a.user_id) in (select source from differing where kind = 'state')))
     ), sources as materialized (
       select c.user_id, 'group' as kind, m.group_id as source from concerned c join members m on m.user_id = c.user_id
       union all
       select user_id, 'state', effective_state(user_id) from concerned
         where exists (select from before where kind = 'state') or exists (select from after where kind = 'state')
     ), was as (select distinct user_id, origin, name from sources join before using (kind, source)),
     will as (select distinct user_id, origin, name from sources join after using (kind, source)),
     moves as materialized (
       select coalesce(was.user_id, will.user_id) as user_id,
         array_agg(will.name order by will.name) filter (where was.user_id is null) as gains,
         array_agg(was.name order by was.name) filter (where will.user_id is null) as loses
       from was full join will on was.user_id = will.user_id and was.origin = will.origin
       where was.user_id is null or will.user_id is null group by 1
     )
     select count(*)::integer as people, coalesce(sum(cardinality(gains)), 0)::integer as gained,
       coalesce(sum(cardinality(loses)), 0)::integer as lost,
       coalesce((select json_agg(e) from (
         select m.user_id as "userId", c.username, coalesce(m.gains, '{}') as gains, coalesce(m.loses, '{}') as loses
         from moves m join concerned c using (user_id) order by c.username, m.user_id limit 20) e), '[]') as examples
     from moves`,
    [serviceId, arrowsOf(sides.before), arrowsOf(sides.after)],
  );
  return oneRow(found);
}

function arrowsOf(mapped: readonly MappedGroup[]): string {
  return JSON.stringify(
    mapped.map(({ source, origin, remoteName }) => ({
      kind: source.kind,
      source: source.id,
      origin,
      name: remoteName,
    })),
  );
}
