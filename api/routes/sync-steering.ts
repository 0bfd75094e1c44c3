import { z } from 'zod';
import { approvePlan, cancelSync, pauseSync, resumeSync, retrySync } from '../../store/sync-steering';
import { reasonText, serviceName, uuid } from '../fields';
import { operationAnswer, operationResponses } from '../operation-answer';
import { route } from '../route';
import { readOwnSync, showSync, syncSchema } from '../sync-views';
import type { Database } from '../../store/database';
import type { RequestedSync } from '../../store/syncs';
import type { ApiContext } from '../context';
import type { Answer, RequestFacts, Route } from '../route';

const one = { name: serviceName, syncId: uuid } as const;
const follow = z.strictObject({ reason: reasonText.optional() });

async function shown(context: ApiContext, name: string, syncId: string): Promise<Answer> {
  return { status: 202, body: showSync(await readOwnSync(context, name, syncId), context) };
}

/** Steers a sync of this service, and answers how it is then. */
async function steered(
  context: ApiContext,
  { name, syncId }: { readonly name: string; readonly syncId: string },
  steer: (db: Database, syncId: string) => Promise<unknown>,
): Promise<Answer> {
  await readOwnSync(context, name, syncId);
  await steer(context.db, syncId);
  await context.flow.syncSteered(syncId);
  return shown(context, name, syncId);
}

const cancel = route({
  method: 'post',
  path: '/v1/services/{name}/syncs/{syncId}/cancel',
  acl: 'provisioning.services.{name}.syncs.{syncId}.cancel',
  summary: 'Cancels a sync',
  description:
    'A queued one ends at once; a live one within seconds, after the accounts that it is at. What is due all the same (a change that the sync had not reached) is still done, by the sweep.',
  tags: ['syncs'],
  params: one,
  responses: { 202: { description: 'It is cancelled, or will be', schema: syncSchema } },
  async handler({ params: { name, syncId }, context }) {
    await readOwnSync(context, name, syncId);
    if ((await cancelSync(context.db, syncId)) === 'to be stopped') await context.flow.syncSteered(syncId);
    return shown(context, name, syncId);
  },
});

const pause = route({
  method: 'post',
  path: '/v1/services/{name}/syncs/{syncId}/pause',
  acl: 'provisioning.services.{name}.syncs.{syncId}.pause',
  summary: 'Pauses a sync that has begun',
  description:
    'It stops within seconds, after the accounts that it is at, and keeps its turn: what is queued behind it waits. Changes made since it began are still done.',
  tags: ['syncs'],
  params: one,
  responses: { 202: { description: 'It is paused', schema: syncSchema } },
  handler: ({ params, context }) => steered(context, params, pauseSync),
});

const resume = route({
  method: 'post',
  path: '/v1/services/{name}/syncs/{syncId}/resume',
  acl: 'provisioning.services.{name}.syncs.{syncId}.resume',
  summary: 'Lets a paused sync go on where it stopped',
  tags: ['syncs'],
  params: one,
  responses: { 202: { description: 'It goes on', schema: syncSchema } },
  handler: ({ params, context }) => steered(context, params, resumeSync),
});

const retry = route({
  method: 'post',
  path: '/v1/services/{name}/syncs/{syncId}/retry',
  acl: 'provisioning.services.{name}.syncs.{syncId}.retry',
  summary: 'Tries the accounts again that failed in a sync',
  description: 'A new sync over exactly these accounts, in the same order; its `retryOf` leads back.',
  tags: ['syncs'],
  params: one,
  body: follow,
  bodyOptional: true,
  responses: operationResponses({ sync: syncSchema, joined: z.boolean() }),
  async handler({ params: { name, syncId }, body, ...facts }) {
    await readOwnSync(facts.context, name, syncId);
    const { actor } = facts.principal;
    const requested = await retrySync(facts.context.db, { syncId, actor, reason: body?.reason });
    return syncAnswer(facts, name, requested);
  },
});

const approve = route({
  method: 'post',
  path: '/v1/services/{name}/syncs/{syncId}/approve',
  acl: 'provisioning.services.{name}.syncs.{syncId}.approve',
  summary: 'Executes a plan',
  description:
    'A new sync over exactly the accounts that the plan would change. Each is decided anew: one that has changed since is made as it should be now, and its item says so. The guard holds as ever.',
  tags: ['syncs'],
  params: one,
  body: follow,
  bodyOptional: true,
  responses: operationResponses({ sync: syncSchema, joined: z.boolean() }),
  async handler({ params: { name, syncId }, body, ...facts }) {
    await readOwnSync(facts.context, name, syncId);
    const { actor } = facts.principal;
    const requested = await approvePlan(facts.context.db, { syncId, actor, reason: body?.reason });
    return syncAnswer(facts, name, requested);
  },
});

/** Sends a requested sync on its way and answers with it. */
export async function syncAnswer(facts: RequestFacts, name: string, requested: RequestedSync): Promise<Answer> {
  const { context } = facts;
  await context.flow.syncRequested(name, requested.syncId);
  const sync = showSync(await readOwnSync(context, name, requested.syncId), context);
  return operationAnswer(facts, requested.operationId, { sync, joined: requested.joined });
}

export const syncSteeringRoutes: readonly Route[] = [cancel, pause, resume, retry, approve];
