import { z } from 'zod';
import { abilitiesOf } from '../../hooks/service-hooks';
import { readStanding } from '../../store/standing';
import { serviceName } from '../fields';
import { Problem } from '../problem';
import { resolveService } from '../references';
import { route } from '../route';
import { showStanding, standingSchema } from '../standing-views';
import { recentStandings } from '../standings';
import type { Queryable } from '../../store/database';
import type { CountedStanding } from '../../store/standing';
import type { Route } from '../route';

const params = { name: serviceName } as const;

/** Who may read it may see the service. */
export const STATUS_ACL = 'provisioning.services.{name}.status.read';

const status = route({
  method: 'get',
  path: '/v1/services/{name}/status',
  acl: STATUS_ACL,
  summary: 'Shows how a service stands',
  tags: ['services'],
  params,
  query: {
    figures: z.enum(['exact', 'recent']).default('exact').meta({
      description: 'recent: accounts are not counted for this answer, the figures are those of the overview',
    }),
  },
  responses: { 200: { description: 'The status', schema: standingSchema } },
  async handler({ params: { name }, query: { figures }, context: { db } }) {
    const counted = figures === 'recent' ? await recentlyCounted(db, name) : undefined;
    return { status: 200, body: showStanding(await readStanding(db, name, counted)) };
  },
});

/** undefined: one that was added a moment ago is not counted yet. */
async function recentlyCounted(db: Queryable, name: string): Promise<CountedStanding | undefined> {
  const { services } = await recentStandings(db);
  return services.find(({ service }) => service.name === name);
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
