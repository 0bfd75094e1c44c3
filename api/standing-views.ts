import { z } from 'zod';
import { timestamp, uuid } from './fields';
import { pausedSchema, showPause } from './service-views';
import { syncKind, syncStatus } from './sync-views';
import type { ServiceStanding } from '../store/standing';

const count = z.number().int();

const guardLeft = z.object({
  limit: count.meta({ description: 'so many within 24 hours' }),
  left: count.meta({ description: 'of them not used up' }),
});

const limitUse = z
  .object({
    route: z.string().nullable().meta({ description: 'null: every call' }),
    limit: count,
    windowMs: z.number(),
    source: z.enum(['set', 'told', 'guessed']).meta({ description: 'by an operator, by the service, by its refusals' }),
    used: count.nullable().meta({ description: 'null: not counted, calls are spread evenly' }),
    free: count.nullable(),
    blockedMs: z.number().meta({ description: 'the service asked to wait so long; 0: it is open' }),
    nextInMs: z.number().meta({ description: 'until the next call is allowed' }),
  })
  .meta({ id: 'LimitUse' });

export const standingSchema = z
  .object({
    service: z.string(),
    title: z.string().nullable(),
    connector: z.string(),
    enabled: z.boolean(),
    paused: pausedSchema,
    firstPlan: z
      .object({
        id: z.string().nullable().meta({ description: 'the sync to look at and to approve; null: not made yet' }),
        accounts: count.meta({ description: 'accounts that it would change' }),
        stale: z.boolean().meta({ description: 'too much has become due since: a new one is made by itself' }),
      })
      .nullable()
      .meta({ description: 'where the first run waits for a person' }),
    due: count.meta({ description: 'accounts to be worked on now' }),
    oldestDue: z
      .object({ user: z.object({ id: uuid, username: z.string() }), since: timestamp.nullable() })
      .nullable()
      .meta({ description: 'who has been due for longest, and about since when' }),
    waiting: count.meta({ description: 'accounts whose next try lies ahead' }),
    running: count.meta({ description: 'accounts that a worker writes at this moment' }),
    failed: count.meta({ description: 'accounts that the service refuses; a person must act' }),
    staged: count.meta({ description: 'removals that wait for a decision' }),
    groups: count.meta({ description: 'remote groups that are there' }),
    memberships: count.meta({ description: 'memberships that were set' }),
    accounts: z.object({ none: count, pending: count, active: count, disabled: count, removed: count }),
    limits: z.array(limitUse).meta({ description: 'what holds now; empty: no limit is known' }),
    slots: z
      .object({ cap: count, held: count })
      .nullable()
      .meta({ description: 'calls at the same time over all workers; null: no cap' }),
    guard: z.object({ removal: guardLeft, 'group removal': guardLeft }),
    syncs: z
      .array(z.object({ id: uuid, kind: syncKind, dryRun: z.boolean(), status: syncStatus, total: count, done: count }))
      .meta({ description: 'that have not ended, the oldest first' }),
  })
  .meta({ id: 'ServiceStatus' });

const NO_PLAN = { id: null, accounts: 0, stale: false } as const;

/** How a service stands, as the API shows it. */
export function showStanding(standing: ServiceStanding): z.input<typeof standingSchema> {
  const { service, figures, oldestDue, firstPlan } = standing;
  const { paused: _paused, ...counts } = figures;
  return {
    ...counts,
    title: service.title,
    connector: service.connector,
    enabled: service.enabled,
    paused: showPause(service),
    firstPlan: firstPlan === undefined ? null : (firstPlan ?? NO_PLAN),
    oldestDue:
      oldestDue === undefined
        ? null
        : { user: { id: oldestDue.userId, username: oldestDue.username }, since: oldestDue.since },
    limits: standing.limits.map((limit) => ({ ...limit })),
    slots: standing.slots ?? null,
    guard: standing.guard,
    syncs: standing.syncs.map(({ id, kind, dryRun, status, total, done }) => ({
      id,
      kind,
      dryRun,
      status,
      total,
      done,
    })),
  };
}
