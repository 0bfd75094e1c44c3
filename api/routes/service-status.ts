import { z } from 'zod';
import { abilitiesOf } from '../../hooks/service-hooks';
import { serviceFigures } from '../../store/figures';
import { readService } from '../../store/services';
import { serviceName } from '../fields';
import { Problem } from '../problem';
import { resolveService } from '../references';
import { route } from '../route';
import { pausedSchema, showPause } from '../service-views';
import type { Route } from '../route';

const params = { name: serviceName } as const;
const count = z.number().int();

const statusSchema = z
  .object({
    service: z.string(),
    enabled: z.boolean(),
    paused: pausedSchema,
    due: count.meta({ description: 'accounts to be worked on now' }),
    waiting: count.meta({ description: 'accounts whose next try lies ahead' }),
    running: count.meta({ description: 'accounts that a worker writes at this moment' }),
    failed: count.meta({ description: 'accounts that the service refuses; a person must act' }),
    staged: count.meta({ description: 'removals that wait for a decision' }),
    groups: count.meta({ description: 'remote groups that are there' }),
    memberships: count.meta({ description: 'memberships that were set' }),
    accounts: z.object({ none: count, pending: count, active: count, disabled: count, removed: count }),
  })
  .meta({ id: 'ServiceStatus' });

const status = route({
  method: 'get',
  path: '/v1/services/{name}/status',
  acl: 'provisioning.services.{name}.status.read',
  summary: 'Shows how a service stands',
  tags: ['services'],
  params,
  responses: { 200: { description: 'The status', schema: statusSchema } },
  async handler({ params: { name }, context }) {
    const service = await readService(context.db, name);
    const [figures] = await serviceFigures(context.db, service.id);
    if (figures === undefined) throw new Problem('not-found', `There is no service ${name}.`);
    const { paused: _paused, ...counts } = figures;
    return {
      status: 200,
      body: { ...counts, enabled: service.enabled, paused: showPause(service) },
    };
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
