import { z } from 'zod';
import { listChanges, readChange } from '../../store/change-list';
import { changeOutcome, changeProgress, changeStatus } from '../../store/change-progress';
import { timestamp, uuid } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { Problem } from '../problem';
import { route } from '../route';
import type { ChangeRecord } from '../../store/change-list';
import type { Route } from '../route';

const kind = z.enum(['people', 'group', 'state', 'grant', 'service']);
const count = z.number().int();

const changeSchema = z
  .object({
    id: count,
    kind: kind.meta({ description: 'whom it concerns' }),
    subject: z.object({
      userId: uuid.optional(),
      groupId: uuid.optional(),
      stateId: uuid.optional(),
      serviceId: uuid.optional(),
    }),
    reasons: z.array(z.string()),
    operation: z.string().nullable(),
    operationId: uuid.nullable(),
    actor: z.string(),
    reason: z.string().nullable(),
    users: count.meta({ description: 'people that the change itself names' }),
    committedAt: timestamp,
    expandedAt: timestamp.nullable().meta({ description: 'null: not every account that it concerns is known yet' }),
  })
  .meta({ id: 'Change' });

const detailSchema = changeSchema
  .extend({
    status: z.enum(['running', 'waiting', 'succeeded', 'failed']),
    outcome: z.string().meta({ description: 'in words' }),
    progress: z.object({ accounts: count, done: count, running: count, waiting: count, failed: count, staged: count }),
  })
  .meta({ id: 'ChangeDetail' });

function show(change: ChangeRecord): z.input<typeof changeSchema> {
  const { id, subject, reasons, operation, operationId, actor, reason, users, committedAt, expandedAt } = change;
  return {
    id,
    kind: change.kind,
    subject,
    reasons: [...reasons],
    operation,
    operationId,
    actor,
    reason,
    users,
    committedAt,
    expandedAt,
  };
}

const list = route({
  method: 'get',
  path: '/v1/changes',
  acl: 'organisation.changes.read',
  summary: 'Lists committed changes, newest first',
  tags: ['changes'],
  query: { ...pageQuery, kind: kind.optional() },
  responses: { 200: { description: 'A page', schema: pageOf(changeSchema) } },
  async handler({ query, context, url }) {
    const { limit, cursor } = query;
    const rows = await listChanges(context.db, {
      kind: query.kind,
      after: readCursor(cursor, z.number().int()),
      limit: limit + 1,
    });
    return pageAnswer({ url }, { rows, limit, show, keyOf: (row) => row.id });
  },
});

const changeId = z
  .string()
  .regex(/^\d{1,15}$/, 'must be the number of a change')
  .transform(Number)
  .meta({ override: { type: 'integer' } });

const read = route({
  method: 'get',
  path: '/v1/changes/{changeId}',
  acl: 'organisation.changes.{changeId}.read',
  summary: 'Shows a change and how far its accounts have come',
  tags: ['changes'],
  params: { changeId },
  responses: { 200: { description: 'The change', schema: detailSchema } },
  async handler({ params, context: { db } }) {
    const change = await readChange(db, params.changeId);
    const [found] = await changeProgress(db, [params.changeId]);
    if (change === undefined || found === undefined)
      throw new Problem('not-found', `There is no change ${params.changeId}.`);
    const { accounts, done, running, waiting, failed, staged } = found;
    const progress = { accounts, done, running, waiting, failed, staged };
    return {
      status: 200,
      body: { ...show(change), status: changeStatus(found), outcome: changeOutcome(found), progress },
    };
  },
});

export const changeRoutes: readonly Route[] = [list, read];
