import { z } from 'zod';
import { listSyncItems } from '../../store/sync-items';
import { cancelSync, listSyncs, readSync, requestSync } from '../../store/syncs';
import { reasonText, searchText, serviceName, timestamp, userRef, uuid } from '../fields';
import { operationAnswer, operationResponses, temporalLink } from '../operation-answer';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { Problem } from '../problem';
import { resolveService, resolveUsers } from '../references';
import { route } from '../route';
import type { Sync, SyncScope } from '../../store/syncs';
import type { ApiContext } from '../context';
import type { Route } from '../route';

const params = { name: serviceName } as const;
const one = { name: serviceName, syncId: uuid } as const;

export const syncKind = z
  .enum(['groups', 'nicknames', 'accounts', 'validate', 'full', 'due'])
  .meta({ description: '`due`: what is due already; the others look at every account of the scope' });

const accountStatus = z.enum(['none', 'pending', 'active', 'disabled', 'removed']);
const attention = z.enum(['waiting', 'rejected', 'staged', 'held', 'action required']);
const outcome = z.enum(['succeeded', 'unchanged', 'skipped', 'failed']);

const syncSchema = z
  .object({
    id: uuid,
    service: z.string(),
    kind: syncKind,
    scope: z.record(z.string(), z.unknown()),
    status: z.enum(['queued', 'staging', 'running', 'paused', 'succeeded', 'failed', 'cancelled']),
    actor: z.string(),
    reason: z.string().nullable(),
    total: z.number().int().meta({ description: '= succeeded + unchanged + skipped + failed, once it has ended' }),
    succeeded: z.number().int(),
    unchanged: z.number().int(),
    skipped: z.number().int(),
    failed: z.number().int(),
    createdAt: timestamp,
    startedAt: timestamp.nullable(),
    finishedAt: timestamp.nullable(),
    links: z.object({ self: z.string(), items: z.string(), temporal: z.string().optional() }),
  })
  .meta({ id: 'Sync' });

function show(sync: Sync, context: ApiContext): z.input<typeof syncSchema> {
  const { serviceId: _serviceId, dryRun: _dryRun, workflowId, scope, ...rest } = sync;
  const self = `/v1/services/${sync.service}/syncs/${sync.id}`;
  const temporal = temporalLink(workflowId, context);
  return {
    ...rest,
    scope: { ...scope },
    links: { self, items: `${self}/items`, ...(temporal === undefined ? {} : { temporal }) },
  };
}

async function readOwn(context: ApiContext, service: string, syncId: string): Promise<Sync> {
  const sync = await readSync(context.db, syncId);
  if (sync === undefined || sync.service !== service)
    throw new Problem('not-found', `The service ${service} has no sync ${syncId}.`);
  return sync;
}

const request = route({
  method: 'post',
  path: '/v1/services/{name}/syncs',
  acl: 'provisioning.services.{name}.syncs.create',
  summary: 'Requests a bulk sync',
  description:
    'It joins one with the same kind and scope that has not ended, else it queues: one at a time per service.',
  tags: ['syncs'],
  params,
  body: z.strictObject({
    kind: syncKind,
    users: z.array(userRef).min(1).max(10_000).optional().meta({ description: 'only these people' }),
    filter: z
      .strictObject({ status: accountStatus.optional(), attention: attention.optional(), q: searchText.optional() })
      .optional()
      .meta({ description: 'only accounts like this' }),
    reason: reasonText.optional(),
  }),
  responses: operationResponses({ sync: syncSchema, joined: z.boolean() }),
  async handler({ params: { name }, body, ...facts }) {
    const { context, principal } = facts;
    const service = await resolveService(context, name);
    if (body.users !== undefined && body.filter !== undefined) {
      throw new Problem('invalid-body', 'Give `users` or `filter`, not both.', {
        errors: [{ pointer: '/filter', detail: 'not beside users' }],
      });
    }
    const scope = await scopeOf(context, body);
    const wanted = { serviceId: service.id, kind: body.kind, scope, actor: principal.actor, reason: body.reason };
    const requested = await requestSync(context.db, wanted);
    await context.flow.syncRequested(service.name, requested.syncId);
    const sync = show(await readOwn(context, service.name, requested.syncId), context);
    return operationAnswer(facts, requested.operationId, { sync, joined: requested.joined });
  },
});

interface ScopeBody {
  readonly users?: readonly string[] | undefined;
  readonly filter?: Readonly<Record<string, unknown>> | undefined;
}

async function scopeOf(context: ApiContext, body: ScopeBody): Promise<SyncScope> {
  if (body.users !== undefined) return { userIds: await resolveUsers(context, body.users) };
  return body.filter === undefined ? {} : { filter: body.filter };
}

const list = route({
  method: 'get',
  path: '/v1/services/{name}/syncs',
  acl: 'provisioning.services.{name}.syncs.read',
  summary: 'Lists the syncs of a service, newest first',
  tags: ['syncs'],
  params,
  query: pageQuery,
  responses: { 200: { description: 'A page', schema: pageOf(syncSchema) } },
  async handler({ params: { name }, query, context, url }) {
    const after = readCursor(query.cursor, uuid);
    const service = await resolveService(context, name);
    const rows = await listSyncs(context.db, { serviceId: service.id, after, limit: query.limit + 1 });
    return pageAnswer({ url }, { rows, limit: query.limit, show: (row) => show(row, context), keyOf: (row) => row.id });
  },
});

const read = route({
  method: 'get',
  path: '/v1/services/{name}/syncs/{syncId}',
  acl: 'provisioning.services.{name}.syncs.{syncId}.read',
  summary: 'Shows a sync with its totals',
  tags: ['syncs'],
  params: one,
  responses: { 200: { description: 'The sync', schema: syncSchema } },
  async handler({ params: { name, syncId }, context }) {
    return { status: 200, body: show(await readOwn(context, name, syncId), context) };
  },
});

const itemSchema = z
  .object({
    seq: z.number().int(),
    user: z.object({ id: uuid, username: z.string().nullable() }),
    outcome: outcome.nullable(),
    reason: z.string().nullable(),
    finishedAt: timestamp.nullable(),
  })
  .meta({ id: 'SyncItem' });

const items = route({
  method: 'get',
  path: '/v1/services/{name}/syncs/{syncId}/items',
  acl: 'provisioning.services.{name}.syncs.{syncId}.read',
  summary: 'Lists the accounts of a sync and what came of each',
  tags: ['syncs'],
  params: one,
  query: { ...pageQuery, outcome: z.union([outcome, z.literal('open')]).optional() },
  responses: { 200: { description: 'A page', schema: pageOf(itemSchema) } },
  async handler({ params: { name, syncId }, query, context, url }) {
    const after = readCursor(query.cursor, z.number().int());
    await readOwn(context, name, syncId);
    const rows = await listSyncItems(context.db, { syncId, outcome: query.outcome, after, limit: query.limit + 1 });
    return pageAnswer(
      { url },
      {
        rows,
        limit: query.limit,
        show: ({ userId, username, ...row }) => ({ ...row, user: { id: userId, username } }),
        keyOf: (row) => row.seq,
      },
    );
  },
});

const cancel = route({
  method: 'post',
  path: '/v1/services/{name}/syncs/{syncId}/cancel',
  acl: 'provisioning.services.{name}.syncs.{syncId}.cancel',
  summary: 'Cancels a sync',
  description: 'A queued one ends at once; a live one ends when its running chunks have.',
  tags: ['syncs'],
  params: one,
  responses: { 202: { description: 'It is cancelled, or will be', schema: syncSchema } },
  async handler({ params: { name, syncId }, context }) {
    await readOwn(context, name, syncId);
    if ((await cancelSync(context.db, syncId)) === 'to be stopped') await context.flow.syncCancelled(name, syncId);
    return { status: 202, body: show(await readOwn(context, name, syncId), context) };
  },
});

export const syncRoutes: readonly Route[] = [request, list, read, items, cancel];
