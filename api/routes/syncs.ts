import { STEPS } from '../../domain/decide';
import { z } from 'zod';
import { listSyncItems } from '../../store/sync-items';
import { listSyncs, requestSync } from '../../store/syncs';
import { reasonText, searchText, serviceName, timestamp, userRef, uuid } from '../fields';
import { operationResponses } from '../operation-answer';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { Problem } from '../problem';
import { resolveService, resolveUsers } from '../references';
import { route } from '../route';
import { readOwnSync, showSync, syncKind, syncSchema } from '../sync-views';
import { syncAnswer } from './sync-steering';
import type { AccountView } from '../../domain/plan-account';
import type { ListedItem } from '../../store/sync-items';
import type { SyncScope } from '../../store/syncs';
import type { ApiContext } from '../context';
import type { Route } from '../route';

const params = { name: serviceName } as const;
const one = { name: serviceName, syncId: uuid } as const;

const accountStatus = z.enum(['none', 'pending', 'active', 'disabled', 'removed']);
const attention = z.enum(['waiting', 'rejected', 'staged', 'held', 'action required']);
const outcome = z.enum(['succeeded', 'unchanged', 'skipped', 'failed']);

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
    dryRun: z
      .boolean()
      .optional()
      .meta({ description: 'only a plan of what would be done, at `links.plan`; it waits for no other sync' }),
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
    const { kind, dryRun, reason } = body;
    const wanted = { serviceId: service.id, kind, scope, dryRun, actor: principal.actor, reason };
    return syncAnswer(facts, service.name, await requestSync(context.db, wanted));
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
    return pageAnswer(
      { url },
      { rows, limit: query.limit, show: (row) => showSync(row, context), keyOf: (row) => row.id },
    );
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
    return { status: 200, body: showSync(await readOwnSync(context, name, syncId), context) };
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

const planStep = z.enum(STEPS);

const viewSchema = z
  .object({
    status: accountStatus,
    name: z.string().nullable(),
    nickname: z.string().nullable(),
    displayName: z.string().nullable(),
    email: z.string().nullable(),
    attributes: z.record(z.string(), z.unknown()),
    groups: z.array(z.string()).nullable().meta({ description: 'null = not known, or not set per account' }),
  })
  .nullable()
  .meta({ description: 'null = there is no account' });

const plannedSchema = z
  .object({
    seq: z.number().int(),
    user: z.object({ id: uuid, username: z.string().nullable() }),
    outcome: outcome.nullable().meta({ description: '`succeeded`: it would be changed; null = not looked at yet' }),
    reason: z.string().nullable(),
    steps: z.array(planStep),
    before: viewSchema,
    after: viewSchema,
    why: z.string().nullable(),
    guard: z.array(z.enum(['removal', 'disable', 'group removal'])),
  })
  .meta({ id: 'PlannedAccount' });

function showPlanned(item: ListedItem): z.input<typeof plannedSchema> {
  const { seq, userId, username, outcome: found, reason, planned } = item;
  const { steps, before, after, why, guard } = planned ?? NOTHING_PLANNED;
  const user = { id: userId, username };
  return {
    seq,
    user,
    outcome: found,
    reason,
    steps: [...steps],
    before: view(before),
    after: view(after),
    why,
    guard: [...guard],
  };
}

const NOTHING_PLANNED = { steps: [], before: null, after: null, why: null, guard: [] } as const;

function view(account: AccountView | null): z.input<typeof viewSchema> {
  return account === null ? null : { ...account, groups: account.groups === null ? null : [...account.groups] };
}

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
    await readOwnSync(context, name, syncId);
    const rows = await listSyncItems(context.db, { syncId, outcome: query.outcome, after, limit: query.limit + 1 });
    return pageAnswer(
      { url },
      {
        rows,
        limit: query.limit,
        show: ({ userId, username, planned: _planned, ...row }) => ({ ...row, user: { id: userId, username } }),
        keyOf: (row) => row.seq,
      },
    );
  },
});

const plan = route({
  method: 'get',
  path: '/v1/services/{name}/syncs/{syncId}/plan',
  acl: 'provisioning.services.{name}.syncs.{syncId}.read',
  summary: 'Lists what a plan would do to each account',
  description: 'Only of a sync with `dryRun`. POST to `.../approve` executes it; each account is decided anew then.',
  tags: ['syncs'],
  params: one,
  query: { ...pageQuery, step: planStep.optional(), outcome: outcome.optional() },
  responses: { 200: { description: 'A page', schema: pageOf(plannedSchema) } },
  async handler({ params: { name, syncId }, query, context, url }) {
    const after = readCursor(query.cursor, z.number().int());
    const sync = await readOwnSync(context, name, syncId);
    if (!sync.dryRun) throw new Problem('not-found', 'This sync is no plan.');
    const { outcome: only, step, limit } = query;
    const rows = await listSyncItems(context.db, { syncId, outcome: only, step, after, limit: limit + 1 });
    return pageAnswer({ url }, { rows, limit, show: showPlanned, keyOf: (row) => row.seq });
  },
});

export const syncRoutes: readonly Route[] = [request, list, read, items, plan];
