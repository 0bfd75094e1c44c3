import { z } from 'zod';
import { readOperation, waitForOperation } from '../store/operations';
import { timestamp, uuid } from './fields';
import { Problem } from './problem';
import { preferenceApplied } from './prefer';
import type { Operation } from '../store/operations';
import type { ApiContext } from './context';
import type { Answer, RequestFacts, Responses } from './route';

export const operationStatus = z.enum(['running', 'waiting', 'succeeded', 'failed', 'cancelled', 'superseded']);

const progressSchema = z.object({
  accounts: z.number().int(),
  done: z.number().int(),
  waiting: z.number().int(),
  failed: z.number().int(),
  staged: z.number().int().meta({ description: 'wait for a person: see the guard of the service' }),
});

export const operationSchema = z
  .object({
    id: uuid,
    kind: z.string().meta({ description: 'what was asked, e.g. `createAccount`, `import`, `addMember`' }),
    status: operationStatus,
    outcome: z.string().nullable().meta({ description: 'what came of it, in words' }),
    service: z.string().nullable(),
    user: z.object({ id: uuid, username: z.string().nullable() }).nullable(),
    actor: z.string().meta({ description: 'who asked' }),
    reason: z.string().nullable(),
    progress: progressSchema.nullable(),
    detail: z.record(z.string(), z.unknown()),
    secretReady: z.boolean().meta({ description: 'POST to `links.secret` shows it, once' }),
    changeId: z.number().int().nullable(),
    syncId: uuid.nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
    finishedAt: timestamp.nullable(),
    links: z.object({
      self: z.string(),
      secret: z.string().optional(),
      temporal: z.string().optional().meta({ description: "its workflow in Temporal's web UI" }),
    }),
  })
  .meta({ id: 'Operation' });

/** An operation as the API shows it. */
export function showOperation(operation: Operation, context: ApiContext): z.input<typeof operationSchema> {
  const self = `/v1/operations/${operation.id}`;
  const temporal = temporalLink(operation.workflowId, context);
  return {
    id: operation.id,
    kind: operation.kind,
    status: operation.status,
    outcome: operation.outcome,
    service: operation.service,
    user: operation.userId === null ? null : { id: operation.userId, username: operation.username },
    actor: operation.actor,
    reason: operation.reason,
    progress: operation.progress,
    detail: operation.detail,
    secretReady: operation.secretReady,
    changeId: operation.changeId,
    syncId: operation.syncId,
    createdAt: operation.createdAt,
    updatedAt: operation.updatedAt,
    finishedAt: operation.finishedAt,
    links: {
      self,
      ...(operation.secretReady ? { secret: `${self}/secret` } : {}),
      ...(temporal === undefined ? {} : { temporal }),
    },
  };
}

/** Where the workflow is shown in Temporal's web UI; undefined without a workflow or without a UI. */
export function temporalLink(
  workflowId: string | null,
  context: Pick<ApiContext, 'temporalUiUrl' | 'temporalNamespace'>,
): string | undefined {
  if (workflowId === null || context.temporalUiUrl === undefined) return undefined;
  const base = context.temporalUiUrl.replace(/\/+$/, '');
  return `${base}/namespaces/${encodeURIComponent(context.temporalNamespace)}/workflows/${encodeURIComponent(workflowId)}`;
}

/**
 * The answers of a route that starts work. `extra` are fields beside `operation`.
 *
 * @example
 * responses: operationResponses({ user: userSchema })
 */
export function operationResponses(extra: Readonly<Record<string, z.ZodType>> = {}): Responses {
  const schema = z.object({ operation: operationSchema, ...extra });
  return {
    202: {
      description: 'Accepted: the change is committed, its work has been started. Location leads to the operation.',
      schema,
    },
    200: { description: 'With `Prefer: wait`: the operation has ended, see `operation.status`', schema },
  };
}

/**
 * Answers a request that has started work: 202 with Location, or, after `Prefer: wait=N`, 200 when the operation ended in
 * time. `extra` are the fields named to `operationResponses`.
 */
export async function operationAnswer(
  request: Pick<RequestFacts, 'context' | 'waitMs' | 'signal'>,
  operationId: string,
  extra: Readonly<Record<string, unknown>> = {},
): Promise<Answer> {
  const { context, waitMs, signal } = request;
  const operation =
    waitMs === undefined
      ? await readOperation(context.db, operationId)
      : await waitForOperation(context.db, operationId, { timeoutMs: waitMs, signal });
  if (operation === undefined) throw new Problem('not-found', `There is no operation ${operationId}.`);
  const hasEnded = operation.status !== 'running' && operation.status !== 'waiting';
  return {
    status: waitMs !== undefined && hasEnded ? 200 : 202,
    headers: {
      Location: `/v1/operations/${operationId}`,
      ...(waitMs === undefined ? {} : preferenceApplied(waitMs)),
    },
    body: { operation: showOperation(operation, context), ...extra },
  };
}
