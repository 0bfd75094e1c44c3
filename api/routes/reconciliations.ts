import { z } from 'zod';
import { abilitiesOf } from '../../hooks/service-hooks';
import {
  beginReconciliation,
  listReconciliationItems,
  listReconciliations,
  readReconciliation,
} from '../../store/reconciliations';
import { oneLine, reasonText, serviceName, timestamp, uuid } from '../fields';
import { temporalLink } from '../operation-answer';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { Problem } from '../problem';
import { resolveService } from '../references';
import { route } from '../route';
import type { Reconciliation, ReconciliationItem } from '../../store/reconciliations';
import type { ApiContext } from '../context';
import type { Route } from '../route';

const params = { name: serviceName } as const;
const one = { name: serviceName, reconciliationId: uuid } as const;
const count = z.number().int();

const reconciliationSchema = z
  .object({
    id: uuid,
    service: z.string(),
    mode: z.enum(['report', 'repair']),
    status: z.enum(['running', 'succeeded', 'failed']),
    actor: z.string(),
    reason: z.string().nullable(),
    accounts: count.meta({ description: 'accounts that the service listed' }),
    groups: count.meta({ description: 'groups that the service listed' }),
    found: z.record(z.string(), count).meta({ description: 'differences by kind' }),
    repaired: count.meta({ description: 'accounts and groups that were made due to be put right' }),
    error: z.string().nullable(),
    createdAt: timestamp,
    finishedAt: timestamp.nullable(),
    links: z.object({ self: z.string(), items: z.string(), temporal: z.string().optional() }),
  })
  .meta({ id: 'Reconciliation', description: 'what a service lists, compared with what Muster knows' });

const itemSchema = z
  .object({
    kind: z.string().meta({
      description:
        '`missing` there, `unknown` to Muster, ours but `not recorded`, wrong `name`, `enabled` or `groups`, `group missing`, `group name`, `group not recorded`',
    }),
    user: z.object({ id: uuid, username: z.string().nullable() }).nullable(),
    remoteId: z.string().nullable(),
    remoteName: z.string().nullable(),
    expected: z.record(z.string(), z.unknown()).nullable(),
    actual: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: 'ReconciliationItem' });

function show(run: Reconciliation, context: ApiContext): z.input<typeof reconciliationSchema> {
  const { serviceId: _serviceId, phase: _phase, cursor: _cursor, workflowId, found, ...rest } = run;
  const self = `/v1/services/${run.service}/reconciliations/${run.id}`;
  const temporal = temporalLink(workflowId, context);
  const links = { self, items: `${self}/items`, ...(temporal === undefined ? {} : { temporal }) };
  return { ...rest, found: { ...found }, links };
}

function showItem(item: ReconciliationItem): z.input<typeof itemSchema> {
  const { kind, userId, username, remoteId, remoteName, expected, actual } = item;
  const user = userId === null ? null : { id: userId, username };
  return { kind, user, remoteId, remoteName, expected, actual };
}

async function readOwn(context: ApiContext, service: string, id: string): Promise<Reconciliation> {
  const run = await readReconciliation(context.db, id);
  if (run === undefined || run.service !== service)
    throw new Problem('not-found', `The service ${service} has no reconciliation ${id}.`);
  return run;
}

const request = route({
  method: 'post',
  path: '/v1/services/{name}/reconciliations',
  acl: 'provisioning.services.{name}.reconciliations.create',
  summary: 'Compares what a service lists with what Muster knows',
  description:
    '`report` changes nothing. `repair` makes exactly those accounts due that differ; the guard is asked as ever, and accounts and groups that are not ours are never touched. One that is running is answered instead of a second.',
  tags: ['reconciliations'],
  params,
  body: z.strictObject({ mode: z.enum(['report', 'repair']).default('report'), reason: reasonText.optional() }),
  responses: { 202: { description: 'It runs', schema: reconciliationSchema } },
  async handler({ params: { name }, body: { mode, reason }, context, principal }) {
    const service = await resolveService(context, name);
    if (!abilitiesOf(context.registry, service).manager.includes('listAccounts'))
      throw new Problem('not-supported', `The service ${name} cannot list its accounts.`);
    const { actor } = principal;
    const id = await beginReconciliation(context.db, { serviceId: service.id, service: name, mode, actor, reason });
    await context.flow.reconciliationRequested(name, id);
    const body = show(await readOwn(context, name, id), context);
    return { status: 202, headers: { location: body.links.self }, body };
  },
});

const list = route({
  method: 'get',
  path: '/v1/services/{name}/reconciliations',
  acl: 'provisioning.services.{name}.reconciliations.read',
  summary: 'Lists comparisons with the service, newest first',
  tags: ['reconciliations'],
  params,
  query: pageQuery,
  responses: { 200: { description: 'A page', schema: pageOf(reconciliationSchema) } },
  async handler({ params: { name }, query: { limit, cursor }, context, url }) {
    const after = readCursor(cursor, uuid);
    const service = await resolveService(context, name);
    const rows = await listReconciliations(context.db, { serviceId: service.id, after, limit: limit + 1 });
    return pageAnswer({ url }, { rows, limit, show: (row) => show(row, context), keyOf: (row) => row.id });
  },
});

const read = route({
  method: 'get',
  path: '/v1/services/{name}/reconciliations/{reconciliationId}',
  acl: 'provisioning.services.{name}.reconciliations.read',
  summary: 'Shows one comparison',
  tags: ['reconciliations'],
  params: one,
  responses: { 200: { description: 'The comparison', schema: reconciliationSchema } },
  async handler({ params: { name, reconciliationId }, context }) {
    return { status: 200, body: show(await readOwn(context, name, reconciliationId), context) };
  },
});

const items = route({
  method: 'get',
  path: '/v1/services/{name}/reconciliations/{reconciliationId}/items',
  acl: 'provisioning.services.{name}.reconciliations.read',
  summary: 'Lists the differences that a comparison found',
  tags: ['reconciliations'],
  params: one,
  query: { ...pageQuery, kind: oneLine(40).optional().meta({ description: 'only these' }) },
  responses: { 200: { description: 'A page', schema: pageOf(itemSchema) } },
  async handler({ params: { name, reconciliationId }, query: { limit, cursor, kind }, context, url }) {
    const after = readCursor(cursor, z.number().int());
    const { id } = await readOwn(context, name, reconciliationId);
    const rows = await listReconciliationItems(context.db, { id, kind, after, limit: limit + 1 });
    return pageAnswer({ url }, { rows, limit, show: showItem, keyOf: (row) => row.seq });
  },
});

export const reconciliationRoutes: readonly Route[] = [request, list, read, items];
