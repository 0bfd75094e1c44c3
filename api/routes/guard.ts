import { z } from 'zod';
import { approveStaged, listStaged, rejectStaged } from '../../store/guard-decisions';
import { readService } from '../../store/services';
import { reasonText, serviceName, timestamp, uuid } from '../fields';
import { operationAnswer, operationResponses } from '../operation-answer';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { Problem } from '../problem';
import { resolveService } from '../references';
import { route } from '../route';
import type { GuardDecision, StagedTaking } from '../../store/guard-decisions';
import type { Answer, RequestFacts, Route } from '../route';

const params = { name: serviceName } as const;

const stagedSchema = z
  .object({
    id: uuid,
    user: z.object({ id: uuid, username: z.string() }),
    kind: z.enum(['removal', 'disable', 'group removal']),
    groups: z.array(z.string()).meta({ description: 'remote groups that would be taken, for group removals' }),
    stagedAt: timestamp,
    change: z.object({ id: z.number().int(), actor: z.string().nullable(), reason: z.string().nullable() }).nullable(),
    decision: z.enum(['approved', 'rejected', 'cancelled']).nullable(),
    decidedAt: timestamp.nullable(),
    decidedBy: z.string().nullable(),
    decisionReason: z.string().nullable(),
  })
  .meta({ id: 'StagedRemoval', description: 'something the guard holds back until a person decides' });

function show(staged: StagedTaking): z.input<typeof stagedSchema> {
  const { id, userId, username, kind, groups, stagedAt, changeId, changeActor, changeReason, ...decision } = staged;
  const { decision: verdict, decidedAt, decidedBy, decisionReason } = decision;
  return {
    id,
    user: { id: userId, username },
    kind,
    groups: [...groups],
    stagedAt,
    change: changeId === null ? null : { id: changeId, actor: changeActor, reason: changeReason },
    decision: verdict,
    decidedAt,
    decidedBy,
    decisionReason,
  };
}

const list = route({
  method: 'get',
  path: '/v1/services/{name}/guard',
  acl: 'provisioning.services.{name}.guard.read',
  summary: 'Lists what the guard has staged, oldest first',
  tags: ['guard'],
  params,
  query: {
    ...pageQuery,
    show: z.enum(['open', 'all']).default('open').meta({ description: '`open`: what waits for a decision' }),
  },
  responses: { 200: { description: 'A page', schema: pageOf(stagedSchema) } },
  async handler({ params: { name }, query, context, url }) {
    const after = readCursor(query.cursor, uuid);
    const service = await resolveService(context, name);
    const rows = await listStaged(context.db, {
      serviceId: service.id,
      show: query.show,
      after,
      limit: query.limit + 1,
    });
    return pageAnswer({ url }, { rows, limit: query.limit, show, keyOf: (row) => row.id });
  },
});

const decisionBody = z.strictObject({
  ids: z
    .union([z.literal('all'), z.array(uuid).min(1).max(10_000)])
    .meta({ description: '`all` that is staged at this moment, or exactly these' }),
  reason: reasonText,
});

type Decide = typeof approveStaged;

function decisionRoute(verb: 'approve' | 'reject', summary: string, decide: Decide): Route {
  return route({
    method: 'post',
    path: `/v1/services/{name}/guard/${verb}`,
    acl: `provisioning.services.{name}.guard.${verb}`,
    summary,
    description: 'Rows that are not open any more are named in `notOpen`; when none was open the answer is 409.',
    tags: ['guard'],
    params,
    body: decisionBody,
    responses: operationResponses({ decided: z.number().int(), notOpen: z.array(uuid) }),
    async handler({ params: { name }, body, ...request }) {
      const service = await resolveService(request.context, name);
      const { actor } = request.principal;
      return answerDecision(request, decide, {
        name,
        serviceId: service.id,
        ids: body.ids,
        actor,
        reason: body.reason,
      });
    },
  });
}

async function answerDecision(
  request: RequestFacts,
  decide: Decide,
  { name, ...decision }: GuardDecision & { readonly name: string },
): Promise<Answer> {
  const { decided, notOpen, changeId, operationId } = await decide(request.context.db, decision);
  if (changeId === null || operationId === null) throw new Problem('conflict', 'None of these waits for a decision.');
  await request.context.flow.changed(changeId);
  if ((await readService(request.context.db, name)).guard.pause === true) await request.context.flow.serviceOpened();
  return operationAnswer(request, operationId, { decided, notOpen });
}

export const guardRoutes: readonly Route[] = [
  list,
  decisionRoute('approve', 'Lets staged removals happen', approveStaged),
  decisionRoute('reject', 'Keeps what was to be removed, until the entitlement is next confirmed', rejectStaged),
];
