import { z } from 'zod';
import { abilitiesOf } from '../../hooks/service-hooks';
import { serviceFigures } from '../../store/figures';
import { latestPlan } from '../../store/first-run';
import { readService } from '../../store/services';
import { serviceName } from '../fields';
import { Problem } from '../problem';
import { resolveService } from '../references';
import { route } from '../route';
import { pausedSchema, showPause } from '../service-views';
import type { ApiContext } from '../context';
import type { Route } from '../route';

const params = { name: serviceName } as const;
const count = z.number().int();

const statusSchema = z
  .object({
    service: z.string(),
    enabled: z.boolean(),
    paused: pausedSchema,
    firstPlan: z
      .object({
        id: z.string().nullable().meta({ description: 'the sync to look at and to approve; null: not made yet' }),
        accounts: count.meta({ description: 'accounts that it would change' }),
        stale: z.boolean().meta({ description: 'too much has become due since: a new one is made by itself' }),
      })
      .nullable()
      .meta({ description: 'where the first run waits for a person' }),
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
      body: {
        ...counts,
        enabled: service.enabled,
        paused: showPause(service),
        firstPlan: service.firstRun === 'plan' ? await firstPlan(context, service.id) : null,
      },
    };
  },
});

const NO_PLAN = { id: null, accounts: 0, stale: false } as const;

async function firstPlan({ db }: Pick<ApiContext, 'db'>, serviceId: string) {
  return (await latestPlan(db, serviceId)) ?? NO_PLAN;
}

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
