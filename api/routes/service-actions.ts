import { z } from 'zod';
import { requestAction, requireAction } from '../account-actions';
import { reasonText, serviceName, userRef, uuid } from '../fields';
import { operationAnswer, operationSchema } from '../operation-answer';
import { Problem } from '../problem';
import { toProblem } from '../problems';
import { resolveService, resolveUsers } from '../references';
import { route } from '../route';
import { requestSync } from '../../store/syncs';
import type { EngineService } from '../../store/engine-services';
import type { SyncKind } from '../../store/syncs';
import type { AdminAction } from '../../hooks/service-hooks';
import type { Answer, RequestFacts, Route } from '../route';

/** A password is for one person and is never chosen by a list: `setPassword` has its own route. */
const ACTIONS = [
  'createAccount',
  'deleteAccount',
  'validateUser',
  'updateGroups',
  'updateProfile',
  'syncNickname',
  'resetPassword',
] as const satisfies readonly AdminAction[];
type Action = (typeof ACTIONS)[number];

/** Actions that one bulk run does for many people: cheaper at the far side than one by one. */
const BULK: Readonly<Partial<Record<Action, SyncKind>>> = {
  updateGroups: 'groups',
  syncNickname: 'nicknames',
  validateUser: 'validate',
};

const body = z.strictObject({
  action: z.enum(ACTIONS),
  users: z.array(userRef).min(1).max(1000).meta({ description: 'one or many people' }),
  reason: reasonText.optional(),
});
type Body = z.output<typeof body>;

const resultSchema = z.object({
  user: z.string().meta({ description: 'as given' }),
  operationId: uuid.optional(),
  problem: z.object({ type: z.string(), detail: z.string() }).optional(),
});

const answerSchema = z.object({
  operation: operationSchema
    .optional()
    .meta({ description: 'one for all, when one person was given or a bulk run does it' }),
  results: z.array(resultSchema).optional().meta({ description: 'otherwise: one for each person, in order' }),
});

const run = route({
  method: 'post',
  path: '/v1/services/{name}/actions',
  acl: 'provisioning.services.{name}.actions.create',
  summary: 'Runs an admin action on one or many people',
  description:
    'What the service can do stands in `actions` of GET /v1/services/{name}; what it cannot do answers 501. For many people the bulk way is preferred where there is one.',
  tags: ['services'],
  params: { name: serviceName },
  body,
  responses: {
    202: { description: 'Accepted', schema: answerSchema },
    200: { description: 'With `Prefer: wait`: the operation has ended', schema: answerSchema },
  },
  async handler({ params: { name }, body: wanted, ...facts }) {
    const service = await resolveService(facts.context, name);
    requireAction(facts.context, service, wanted.action);
    const [first, ...others] = wanted.users;
    if (first === undefined) throw new Problem('invalid-body', 'Name at least one person.');
    if (others.length === 0) {
      const { action, reason } = wanted;
      return operationAnswer(facts, await requestAction(facts, { service: name, user: first, action, reason }));
    }
    const kind = BULK[wanted.action];
    return kind === undefined ? oneByOne(facts, service, wanted) : inBulk(facts, service, { ...wanted, kind });
  },
});

async function inBulk(
  facts: RequestFacts,
  service: EngineService,
  wanted: Body & { readonly kind: SyncKind },
): Promise<Answer> {
  const { context, principal } = facts;
  const userIds = await resolveUsers(context, wanted.users);
  const request = {
    serviceId: service.id,
    kind: wanted.kind,
    scope: { userIds },
    actor: principal.actor,
    reason: wanted.reason,
  };
  const requested = await requestSync(context.db, request);
  await context.flow.syncRequested(service.name, requested.syncId);
  return operationAnswer(facts, requested.operationId);
}

/** One person's refusal must not undo what the others got: each has a result of their own. */
async function oneByOne(facts: RequestFacts, service: EngineService, wanted: Body): Promise<Answer> {
  const results: z.input<typeof resultSchema>[] = [];
  for (const user of wanted.users) {
    try {
      const { action, reason } = wanted;
      results.push({ user, operationId: await requestAction(facts, { service: service.name, user, action, reason }) });
    } catch (error) {
      const problem = toProblem(error);
      if (problem.code === 'internal' || problem.code === 'database-unavailable') throw error;
      results.push({ user, problem: { type: `/problems/${problem.code}`, detail: problem.detail } });
    }
  }
  return { status: 202, body: { results } };
}

export const serviceActionRoutes: readonly Route[] = [run];
