import type { Membership } from '../domain/words';
import { oneRow } from './database';
import type { Queryable } from './database';

export interface ExplainedGroup {
  readonly id: string;
  readonly name: string;
  /** Because of which groups and states of the person, and by which rule of the mapping; empty when it is not wanted (any more). */
  readonly because: readonly { readonly kind: 'group' | 'state'; readonly name: string; readonly rule: string }[];
}

export interface ExplainedGroups {
  readonly membership: Membership;
  readonly desired: readonly ExplainedGroup[];
  /** null: never written. */
  readonly applied: readonly ExplainedGroup[] | null;
  /** Names still to be added and removed. */
  readonly missing: readonly string[];
  readonly surplus: readonly string[];
}

/** What groups the account should have, has, and why. `appliedIds` null = never written. */
export async function explainGroups(
  db: Queryable,
  account: { readonly serviceId: string; readonly userId: string },
  appliedIds: readonly string[] | null,
): Promise<ExplainedGroups> {
  const service = await db.query<{ membership: Membership }>(`select membership from services where id = $1`, [
    account.serviceId,
  ]);
  const groups = await readGroups(db, account, appliedIds ?? []);
  const applied = new Set(appliedIds);
  const show = ({ id, name, because }: ExplainedGroup): ExplainedGroup => ({ id, name, because });
  return {
    membership: oneRow(service).membership,
    desired: groups.filter((group) => group.desired).map(show),
    applied: appliedIds === null ? null : groups.filter((group) => applied.has(group.id)).map(show),
    missing: groups.filter((group) => group.desired && !applied.has(group.id)).map((group) => group.name),
    surplus: groups.filter((group) => !group.desired && applied.has(group.id)).map((group) => group.name),
  };
}

async function readGroups(
  db: Queryable,
  account: { readonly serviceId: string; readonly userId: string },
  appliedIds: readonly string[],
): Promise<readonly (ExplainedGroup & { readonly desired: boolean })[]> {
  const found = await db.query<ExplainedGroup & { desired: boolean; [key: string]: unknown }>(
    `with wanted as materialized (select unnest(desired_groups($1, $2)) as id)
     select r.id, r.name, r.id in (select id from wanted) as desired,
       (select coalesce(json_agg(json_build_object('kind', gs.source_kind, 'name', coalesce(g.name, st.name), 'rule', gs.rule)
          order by gs.source_kind, coalesce(g.name, st.name)), '[]')
        from group_sources gs
        left join groups g on gs.source_kind = 'group' and g.id = gs.source_id
        left join states st on gs.source_kind = 'state' and st.id = gs.source_id
        where gs.remote_group_id = r.id
          and (gs.source_kind = 'group' and exists (select from members m where m.group_id = gs.source_id and m.user_id = $2)
            or gs.source_kind = 'state' and gs.source_id = effective_state($2))) as because
     from remote_groups r
     where r.service_id = $1 and (r.id in (select id from wanted) or r.id = any($3::uuid[]))
     order by r.name`,
    [account.serviceId, account.userId, appliedIds],
  );
  return found.rows;
}
