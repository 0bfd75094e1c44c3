import { z } from 'zod';
import { resumeService } from '../../store/engine-services';
import { FIRST_RUN } from '../../store/first-run';
import { drainService, pauseByHand } from '../../store/pauses';
import { readService } from '../../store/services';
import { reasonText, serviceName } from '../fields';
import { operationAnswer, operationResponses } from '../operation-answer';
import { Problem } from '../problem';
import { route } from '../route';
import { serviceSchema, showService } from '../service-views';
import type { Route } from '../route';

const params = { name: serviceName } as const;
const body = z.strictObject({ reason: reasonText.optional() });

const pause = route({
  method: 'post',
  path: '/v1/services/{name}/pause',
  acl: 'provisioning.services.{name}.pause',
  summary: 'Stops all work on a service; nothing is lost',
  description: 'It lasts until somebody resumes the service. What is being written at this moment comes to its end.',
  tags: ['services'],
  params,
  body,
  bodyOptional: true,
  responses: { 200: { description: 'The service', schema: serviceSchema } },
  async handler({ params: { name }, body: given, context, principal }) {
    const { id } = await readService(context.db, name);
    await pauseByHand(context.db, { serviceId: id, actor: principal.actor, reason: given?.reason });
    return { status: 200, body: await showService(context, await readService(context.db, name)) };
  },
});

const drain = route({
  method: 'post',
  path: '/v1/services/{name}/drain',
  acl: 'provisioning.services.{name}.drain',
  summary: 'Pauses a service, and tells when nothing runs on it any more',
  description: 'The operation succeeds when what was running has ended; resuming the service cancels it.',
  tags: ['services'],
  params,
  body,
  bodyOptional: true,
  responses: operationResponses(),
  async handler({ params: { name }, body: given, ...request }) {
    const { context, principal } = request;
    const { id } = await readService(context.db, name);
    const drained = { serviceId: id, actor: principal.actor, reason: given?.reason };
    return operationAnswer(request, await drainService(context.db, drained));
  },
});

const resume = route({
  method: 'post',
  path: '/v1/services/{name}/resume',
  acl: 'provisioning.services.{name}.resume',
  summary: 'Goes on after a pause, whoever began it',
  description:
    'What waited only because the service was away is tried at once. A first run that waits for its plan is not a pause: 409.',
  tags: ['services'],
  params,
  body,
  bodyOptional: true,
  responses: { 200: { description: 'The service', schema: serviceSchema } },
  async handler({ params: { name }, body: given, context, principal }) {
    const { id, pausedReason } = await readService(context.db, name);
    if (pausedReason === FIRST_RUN) {
      throw new Problem(
        'conflict',
        `The first run of ${name} waits for a person: approve its plan (GET /v1/services/${name}/status names it), or set \`firstRun\` to \`write\`.`,
      );
    }
    const by = `${principal.actor}${given?.reason === undefined ? '' : `: ${given.reason}`}`;
    if (await resumeService(context.db, id, { actor: by })) await context.flow.serviceOpened();
    return { status: 200, body: await showService(context, await readService(context.db, name)) };
  },
});

export const servicePauseRoutes: readonly Route[] = [pause, drain, resume];
