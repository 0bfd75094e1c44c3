import { z } from 'zod';
import { passwordPurpose } from '../../config/service-secrets';
import { listOperations, operationEvents, readOperation, waitForOperation } from '../../store/operations';
import { claimSecret } from '../../store/passwords';
import { oneLine, serviceName, timestamp, userRef, uuid } from '../fields';
import { operationSchema, operationStatus, showOperation } from '../operation-answer';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { preferenceApplied } from '../prefer';
import { Problem } from '../problem';
import { resolveAccountHolder, resolveService } from '../references';
import { route } from '../route';
import type { ApiContext } from '../context';
import type { Route } from '../route';

const eventSchema = z
  .object({
    id: z.number().int(),
    at: timestamp,
    step: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event', description: 'one step that was done' });

const list = route({
  method: 'get',
  path: '/v1/operations',
  acl: 'provisioning.operations.read',
  summary: 'Lists operations, newest first',
  tags: ['operations'],
  query: {
    ...pageQuery,
    service: serviceName.optional(),
    user: userRef.optional(),
    status: operationStatus.optional(),
    kind: oneLine(64).optional(),
    actor: oneLine(300).optional().meta({ description: 'who asked: `client:admin`, `user:<id>`' }),
  },
  responses: { 200: { description: 'A page', schema: pageOf(operationSchema) } },
  async handler({ query, context, url }) {
    const after = readCursor(query.cursor, uuid);
    const rows = await listOperations(context.db, {
      serviceId: query.service === undefined ? undefined : (await resolveService(context, query.service)).id,
      userId: query.user === undefined ? undefined : await resolveAccountHolder(context, query.user),
      status: query.status,
      kind: query.kind,
      actor: query.actor,
      after,
      limit: query.limit + 1,
    });
    return pageAnswer(
      { url },
      { rows, limit: query.limit, show: (row) => showOperation(row, context), keyOf: (row) => row.id },
    );
  },
});

/** The person whose account an operation is about. */
async function personOf({ db }: ApiContext, params: Readonly<Record<string, unknown>>): Promise<string | undefined> {
  return (await readOperation(db, String(params['operationId'])))?.userId ?? undefined;
}

const read = route({
  method: 'get',
  path: '/v1/operations/{operationId}',
  acl: 'provisioning.operations.{operationId}.read',
  own: { acl: 'self.me.operations.read', ownerOf: personOf },
  summary: 'Shows an operation with its steps',
  description: 'With `Prefer: wait=N` the answer comes when the operation has ended, at the latest after N seconds.',
  tags: ['operations'],
  params: { operationId: uuid },
  responses: {
    200: {
      description: 'The operation',
      schema: z.object({ operation: operationSchema, events: z.array(eventSchema) }),
    },
  },
  async handler({ params, context, waitMs, signal }) {
    const { operationId } = params;
    const operation =
      waitMs === undefined
        ? await readOperation(context.db, operationId)
        : await waitForOperation(context.db, operationId, { timeoutMs: waitMs, signal });
    if (operation === undefined) throw new Problem('not-found', `There is no operation ${operationId}.`);
    const events = await operationEvents(context.db, operationId);
    return {
      status: 200,
      headers: waitMs === undefined ? {} : preferenceApplied(waitMs),
      body: { operation: showOperation(operation, context), events },
    };
  },
});

const secret = route({
  method: 'post',
  path: '/v1/operations/{operationId}/secret',
  acl: 'provisioning.operations.{operationId}.secret',
  own: { acl: 'self.me.operations.secret', ownerOf: personOf },
  summary: 'Shows the one-time secret of an operation, once',
  description: 'Only within 15 minutes after the operation has succeeded. A second request answers 410.',
  tags: ['operations'],
  params: { operationId: uuid },
  secret: true,
  responses: { 200: { description: 'The secret', schema: z.object({ secret: z.string() }) } },
  async handler({ params, context }) {
    const operation = await readOperation(context.db, params.operationId);
    const { sealed } = await claimSecret(context.db, params.operationId);
    const purpose = passwordPurpose(operation?.serviceId ?? '', operation?.userId ?? '');
    return { status: 200, body: { secret: context.sealer.open(sealed, purpose) } };
  },
});

export const operationRoutes: readonly Route[] = [list, read, secret];
