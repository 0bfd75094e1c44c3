import { z } from 'zod';
import { unexpandedChanges } from '../../store/figures';
import { timestamp } from '../fields';
import { route } from '../route';
import { showStanding, standingSchema } from '../standing-views';
import { recentStandings } from '../standings';
import type { Route } from '../route';

const overview = route({
  method: 'get',
  path: '/v1/overview',
  acl: 'provisioning.overview.read',
  summary: 'Shows how every service stands',
  description: 'By name; at most 2 seconds old. One service at this very moment: GET /v1/services/{name}/status.',
  tags: ['services'],
  responses: {
    200: {
      description: 'All services',
      schema: z.object({
        at: timestamp,
        unexpandedChanges: z
          .number()
          .int()
          .meta({ description: 'committed changes of which it is not yet known whom they concern' }),
        items: z.array(standingSchema),
      }),
    },
  },
  async handler({ context: { db } }) {
    const [{ at, services }, changes] = await Promise.all([recentStandings(db), unexpandedChanges(db)]);
    return { status: 200, body: { at, unexpandedChanges: changes, items: services.map(showStanding) } };
  },
});

export const overviewRoutes: readonly Route[] = [overview];
