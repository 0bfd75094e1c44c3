import { z } from 'zod';
import { reportProgress } from '../domain/sync-progress';
import { readSync } from '../store/syncs';
import { timestamp, uuid } from './fields';
import { temporalLink } from './operation-answer';
import { Problem } from './problem';
import type { Sync } from '../store/syncs';
import type { ApiContext } from './context';

export const syncKind = z.enum(['groups', 'nicknames', 'accounts', 'validate', 'full', 'due']).meta({
  description:
    '`due`: what is due already; the others look at every account of the scope; `full` of everything is first compared with what the service lists',
});

export const syncStatus = z.enum(['queued', 'staging', 'running', 'paused', 'succeeded', 'failed', 'cancelled']);

export const progressSchema = z
  .object({
    done: z.number().int().meta({ description: 'accounts that have their outcome' }),
    ratePerSecond: z.number().nullable().meta({ description: 'in the last 30 s; null = it does not run' }),
    overallPerSecond: z.number().nullable().meta({ description: 'since it began, pauses left out' }),
    endsAt: timestamp.nullable().meta({ description: 'if it goes on like this; null = nobody can say' }),
    waitsFor: z.enum(['its turn', 'resume', 'the service is paused', 'the service asked to wait']).nullable(),
  })
  .meta({ id: 'SyncProgress' });

export const syncSchema = z
  .object({
    id: uuid,
    service: z.string(),
    kind: syncKind,
    scope: z.record(z.string(), z.unknown()),
    dryRun: z.boolean().meta({ description: 'a plan: nothing is written, see `links.plan`' }),
    status: syncStatus,
    actor: z.string(),
    reason: z.string().nullable(),
    total: z.number().int().meta({ description: '= succeeded + unchanged + skipped + failed, once it has ended' }),
    succeeded: z.number().int().meta({ description: 'changed; of a plan: would be changed' }),
    unchanged: z.number().int(),
    skipped: z.number().int(),
    failed: z.number().int(),
    progress: progressSchema,
    retryOf: uuid.nullable().meta({ description: 'the sync whose failed accounts it tries again' }),
    planOf: uuid.nullable().meta({ description: 'the plan that it executes' }),
    error: z.string().nullable().meta({ description: 'why it failed as a whole' }),
    createdAt: timestamp,
    startedAt: timestamp.nullable(),
    finishedAt: timestamp.nullable(),
    links: z.object({
      self: z.string(),
      items: z.string(),
      events: z.string(),
      plan: z.string().optional(),
      reconciliation: z.string().optional().meta({ description: 'the comparison that a full sync begins with' }),
      temporal: z.string().optional(),
    }),
  })
  .meta({ id: 'Sync' });

/** Accounts that have their outcome. */
export function doneOf(sync: Sync): number {
  return sync.succeeded + sync.unchanged + sync.skipped + sync.failed;
}

export function showProgress(sync: Sync): z.input<typeof progressSchema> {
  const { leftMs, ...report } = reportProgress({ ...sync, done: doneOf(sync) });
  return { ...report, endsAt: leftMs === null ? null : new Date(Date.now() + leftMs) };
}

/** A sync as the API shows it. */
export function showSync(
  sync: Sync,
  context: Pick<ApiContext, 'temporalUiUrl' | 'temporalNamespace'>,
): z.input<typeof syncSchema> {
  const {
    serviceId: _id,
    reconciliationId,
    workflowId,
    scope,
    pace: _pace,
    revision: _revision,
    signalDue: _signal,
    ...rest
  } = sync;
  const self = `/v1/services/${sync.service}/syncs/${sync.id}`;
  const temporal = temporalLink(workflowId, context);
  return {
    ...rest,
    scope: { ...scope },
    progress: showProgress(sync),
    links: {
      self,
      items: `${self}/items`,
      events: `${self}/events`,
      ...(sync.dryRun ? { plan: `${self}/plan` } : {}),
      ...(reconciliationId === null
        ? {}
        : { reconciliation: `/v1/services/${sync.service}/reconciliations/${reconciliationId}` }),
      ...(temporal === undefined ? {} : { temporal }),
    },
  };
}

/** The sync of this service. @throws Problem not-found */
export async function readOwnSync(context: ApiContext, service: string, syncId: string): Promise<Sync> {
  const sync = await readSync(context.db, syncId);
  if (sync === undefined || sync.service !== service)
    throw new Problem('not-found', `The service ${service} has no sync ${syncId}.`);
  return sync;
}
