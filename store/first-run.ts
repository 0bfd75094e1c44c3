import type { FirstRun } from '../domain/words';
import type { Queryable } from './database';
import { StoreError } from './errors';
import { notifyOperators } from './notify';

/** Why a service stands still whose first run is a plan that nobody has approved. Any other pause is told of first. */
export const FIRST_RUN = 'first run';

/** Columns of `services`: why nothing is written there, whoever keeps it. */
export const PAUSED_REASON = `coalesce(paused_reason, case when first_run = 'plan' then '${FIRST_RUN}' end)`;
export const PAUSED_DETAIL = `case when paused_reason is null and first_run = 'plan'
  then 'nothing is written before a person has approved its plan' else paused_detail end`;

/** Kinds of plans that look at everything; of one that looks at less nobody can tell what the first run would do. */
const WHOLE = `y.dry_run and y.scope = '{}' and y.kind in ('due', 'full', 'accounts', 'validate')`;

/** So many accounts may have become due since a plan was made: a tenth of what it would do, and always this. */
const ALWAYS_DUE_SINCE = 10;

const DUE_SINCE = `(select count(*)::integer from accounts a where a.service_id = y.service_id and a.wanted_version <> a.applied_version
  and a.wanted_version > y.staged_version)`;
const IS_STALE = `${DUE_SINCE} > greatest(${ALWAYS_DUE_SINCE}, y.succeeded / 10)`;

/** How long a plan that has become stale is kept: who sets a service up changes it again and again. */
const PLAN_AT_MOST_EVERY = `interval '1 minute'`;

export interface FirstRunChange {
  readonly serviceId: string;
  readonly service: string;
  readonly mode: FirstRun;
  readonly actor: string;
  readonly reason?: string | undefined;
  /** The plan that was approved, if it was one. */
  readonly planId?: string | undefined;
}

/** Keeps who has opened a service for writing, or closed it until its next plan. Part of the transaction that does so. */
export async function recordFirstRun(client: Queryable, change: FirstRunChange): Promise<void> {
  const { serviceId, service, mode, actor, reason = null, planId = null } = change;
  await client.query(`update services set first_run_told = false where id = $1`, [serviceId]);
  await client.query(
    `insert into events (service_id, step, data)
     values ($1, $2, jsonb_strip_nulls(jsonb_build_object('actor', $3::text, 'reason', $4::text, 'plan', $5::text)))`,
    [serviceId, mode === 'write' ? 'first run approved' : 'first run planned', actor, reason, planId],
  );
  await client.query(
    `update notifications set read_at = clock_timestamp() where dedupe_key = 'first-run/' || $1 and read_at is null`,
    [service],
  );
}

/**
 * Opens a service whose first run waits for this plan. A plan of some accounts opens nothing: only they are done.
 * @throws StoreError conflict (the plan is stale: too much has become due since)
 */
export async function openByPlan(
  client: Queryable,
  approval: { readonly planId: string; readonly actor: string; readonly reason?: string | undefined },
): Promise<void> {
  const found = await client.query<{ id: string; name: string; whole: boolean; since: number; stale: boolean }>(
    `select s.id, s.name, ${WHOLE} as whole, ${DUE_SINCE} as since, ${IS_STALE} as stale
     from syncs y join services s on s.id = y.service_id where y.id = $1 and s.first_run = 'plan' for update of s`,
    [approval.planId],
  );
  const service = found.rows[0];
  if (service === undefined || !service.whole) return;
  if (service.stale) {
    throw new StoreError(
      'conflict',
      `${service.since} accounts have become due since this plan was made, so it does not say what would be done. Ask for a new one.`,
    );
  }
  await client.query(`update services set first_run = 'write', updated_at = clock_timestamp() where id = $1`, [
    service.id,
  ]);
  await recordFirstRun(client, { ...approval, serviceId: service.id, service: service.name, mode: 'write' });
}

export interface FirstRunService {
  readonly id: string;
  readonly name: string;
}

/** Services whose first run needs a plan: something is due, and no plan says what would be done about it. */
export async function firstRunsToPlan(db: Queryable): Promise<readonly FirstRunService[]> {
  const found = await db.query<FirstRunService & { [key: string]: unknown }>(
    `select s.id, s.name from services s
     where s.first_run = 'plan'
       and exists (select from accounts a where a.service_id = s.id and a.wanted_version <> a.applied_version)
       and not exists (select from syncs y where y.service_id = s.id and ${WHOLE} and (y.finished_at is null
         or y.created_at > clock_timestamp() - ${PLAN_AT_MOST_EVERY} or (y.status = 'succeeded' and not ${IS_STALE})))
     order by s.name`,
  );
  return found.rows;
}

/** Tells the operators, once for each service, that its first plan can be looked at. Answers how many. */
export async function tellFirstPlans(db: Queryable): Promise<number> {
  const found = await db.query<FirstRunService & { readonly title: string; [key: string]: unknown }>(
    `select s.id, s.name, coalesce(s.title, s.name) as title from services s
     where s.first_run = 'plan' and not s.first_run_told
       and exists (select from syncs y where y.service_id = s.id and ${WHOLE} and y.status = 'succeeded' and y.succeeded > 0)`,
  );
  for (const service of found.rows) await tellOne(db, service);
  return found.rows.length;
}

async function tellOne(db: Queryable, service: FirstRunService & { readonly title: string }): Promise<void> {
  const plan = await latestPlan(db, service.id);
  if (plan === undefined) return;
  const { name } = service;
  await notifyOperators(db, {
    level: 'warning',
    title: `${service.title}: its first run waits for you`,
    text: `A plan says what would be done to ${plan.accounts} accounts of ${name}; nothing is written before you approve it. See muster sync ${name} --plan ${plan.id}, then muster sync ${name} --approve ${plan.id}`,
    serviceName: name,
    dedupeKey: `first-run/${name}`,
  });
  await db.query(`update services set first_run_told = true where id = $1`, [service.id]);
}

export interface FirstPlan {
  readonly id: string;
  /** Accounts that it would change. */
  readonly accounts: number;
  /** Too much has become due since: it cannot be approved, and a new one is made by itself. */
  readonly stale: boolean;
}

/** The newest plan of everything that can be looked at; undefined = there is none yet. */
export async function latestPlan(db: Queryable, serviceId: string): Promise<FirstPlan | undefined> {
  const found = await db.query<FirstPlan & { [key: string]: unknown }>(
    `select y.id, y.succeeded as accounts, ${IS_STALE} as stale from syncs y
     where y.service_id = $1 and ${WHOLE} and y.status = 'succeeded' order by y.id desc limit 1`,
    [serviceId],
  );
  return found.rows[0];
}
