import { z } from 'zod';
import { permissionList } from '../acl';
import { listAudit } from '../../store/audit';
import { oneLine, searchText, timestamp, uuid } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { route } from '../route';
import type { AuditRecord } from '../../store/audit';
import type { Route } from '../route';

const outcome = z.enum(['done', 'refused', 'failed']);

const entrySchema = z
  .object({
    id: uuid,
    at: timestamp,
    outcome,
    actor: z.string(),
    client: uuid.nullable(),
    action: z.string().meta({ description: 'method and template of the route' }),
    target: z.string().meta({ description: 'ids and names of services in its path' }),
    detail: z.string().meta({ description: 'of a refusal: its problem code' }),
    address: z.string(),
    requestId: z.string(),
    count: z.number().int().meta({ description: 'so often within the minute' }),
  })
  .meta({ id: 'AuditEntry' });

function showEntry({ clientId, ...entry }: AuditRecord): z.input<typeof entrySchema> {
  const { id, at, actor, action, target, detail, address, requestId, count } = entry;
  return { id, at, outcome: entry.outcome, actor, client: clientId, action, target, detail, address, requestId, count };
}

const trail = route({
  method: 'get',
  path: '/v1/audit',
  acl: 'system.audit.read',
  summary: 'Lists refusals and administrative acts, newest first',
  tags: ['audit'],
  query: {
    ...pageQuery,
    actor: oneLine(300).optional(),
    outcome: outcome.optional(),
    q: searchText.optional().meta({ description: 'part of the action, of its target or of its detail' }),
  },
  responses: { 200: { description: 'A page', schema: pageOf(entrySchema) } },
  async handler({ query, context, url }) {
    const after = readCursor(query.cursor, uuid);
    const { actor, q, limit } = query;
    const rows = await listAudit(context.db, { actor, q, outcome: query.outcome, after, limit: limit + 1 });
    return pageAnswer({ url }, { rows, limit, show: showEntry, keyOf: (row) => row.id });
  },
});

/** The audit trail, and the list of all permissions (its own included). */
export function auditRoutes(others: readonly Route[]): readonly Route[] {
  const permissions = route({
    method: 'get',
    path: '/v1/auth/permissions',
    acl: 'auth.permissions.read',
    summary: 'Lists the permission of every route',
    tags: ['roles'],
    responses: {
      200: {
        description: 'In the order of the routes',
        schema: z.object({ items: z.array(z.object({ permission: z.string(), route: z.string() })) }),
      },
    },
    handler: async () => ({ status: 200, body: { items: [...permissionList([...others, ...own])] } }),
  });
  const own: readonly Route[] = [trail, permissions];
  return own;
}
