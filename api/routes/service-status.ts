import { z } from 'zod';
import { abilitiesOf } from '../../hooks/service-hooks';
import { readStanding } from '../../store/standing';
import { serviceName } from '../fields';
import { Problem } from '../problem';
import { resolveService } from '../references';
import { route } from '../route';
import { showStanding, standingSchema } from '../standing-views';
import type { Route } from '../route';

const params = { name: serviceName } as const;

const status = route({
  method: 'get',
  path: '/v1/services/{name}/status',
  acl: 'provisioning.services.{name}.status.read',
  summary: 'Shows how a service stands',
  tags: ['services'],
  params,
  responses: { 200: { description: 'The status', schema: standingSchema } },
  async handler({ params: { name }, context }) {
    return { status: 200, body: showStanding(await readStanding(context.db, name)) };
  },
});

const reportSchema = z
  .object({
    ok: z.boolean(),
    missing: z.array(z.string()).meta({ description: 'sentences an operator can act on' }),
    remote: z.string().optional().meta({ description: 'product and version of the far side' }),
  })
  .meta({ id: 'ConnectionReport' });

const test = route({
  method: 'post',
  path: '/v1/services/{name}/test',
  acl: 'provisioning.services.{name}.test',
  summary: 'Tests the connection; changes nothing',
  description: 'Runs in a worker. The answer is 200 also when something is missing: see `ok`.',
  tags: ['services'],
  params,
  responses: { 200: { description: 'What was found', schema: reportSchema } },
  async handler({ params: { name }, context }) {
    const service = await resolveService(context, name);
    if (!abilitiesOf(context.registry, service).manager.includes('testConnection')) {
      throw new Problem('not-supported', `The service ${name} has no connection test.`);
    }
    const { ok, missing, remote } = await context.flow.callManager(service.name, 'testConnection');
    return { status: 200, body: { ok, missing, ...(remote === undefined ? {} : { remote }) } };
  },
});

export const serviceStatusRoutes: readonly Route[] = [status, test];
