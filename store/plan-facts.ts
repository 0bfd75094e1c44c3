import type { Queryable } from './database';
import type { ExplainedGrant } from './explain-sentences';

/** What a plan tells beside the decisions: names instead of ids, and who granted what. */
export interface PlanFacts {
  readonly groupNames: ReadonlyMap<string, string>;
  /** By user: one grant that gives the right. */
  readonly grants: ReadonlyMap<string, readonly ExplainedGrant[]>;
  /** Users whose days of grace are over. */
  readonly graceOver: ReadonlySet<string>;
}

interface AccountFacts extends ExplainedGrant {
  readonly [column: string]: unknown;
  readonly userId: string;
  readonly grantId: string | null;
  readonly graceOver: boolean;
}

/** Reads them for some accounts of one service. */
export async function readPlanFacts(db: Queryable, serviceId: string, userIds: readonly string[]): Promise<PlanFacts> {
  const groupNames = await readGroupNames(db, serviceId);
  const found = await db.query<AccountFacts>(
    `select a.user_id as "userId", g.id, g.id as "grantId", coalesce(a.delete_at <= clock_timestamp(), false) as "graceOver",
       case when g.user_id is not null then 'user' when g.group_id is not null then 'group' else 'state' end as kind,
       coalesce(u.username, gr.name, st.name) as subject, g.created_by as "grantedBy", g.created_at as "grantedAt"
     from accounts a
     left join grants g on g.id = entitling_grant(a.service_id, a.user_id)
     left join users u on u.id = g.user_id
     left join groups gr on gr.id = g.group_id
     left join states st on st.id = g.state_id
     where a.service_id = $1 and a.user_id = any($2::uuid[])`,
    [serviceId, userIds],
  );
  const granted = found.rows.filter((row) => row.grantId !== null);
  return {
    groupNames,
    grants: new Map(granted.map((row) => [row.userId, [row]])),
    graceOver: new Set(found.rows.filter((row) => row.graceOver).map((row) => row.userId)),
  };
}

/** Names of the remote groups of a service, by id. */
export async function readGroupNames(db: Queryable, serviceId: string): Promise<ReadonlyMap<string, string>> {
  const found = await db.query<{ id: string; name: string }>(
    `select id, name from remote_groups where service_id = $1`,
    [serviceId],
  );
  return new Map(found.rows.map(({ id, name }) => [id, name]));
}
