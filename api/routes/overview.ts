import { z } from 'zod';
import { unexpandedChanges } from '../../store/figures';
import { permissionOf } from '../acl';
import { timestamp } from '../fields';
import { route } from '../route';
import { showStanding, standingSchema } from '../standing-views';
import { recentStandings } from '../standings';
import { STATUS_ACL } from './service-status';
import type { Route } from '../route';

const overview = route({
  method: 'get',
  path: '/v1/overview',
  acl: 'provisioning.overview.read',
  summary: 'Shows how every service stands',
  description:
    'By name; a second or two old (`at`), more where counting takes long. One service at this very moment: GET /v1/services/{name}/status.',
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

const own = route({
  method: 'get',
  path: '/v1/overview/own',
  acl: 'authenticated',
  summary: 'Shows how those services stand whose status the caller may read',
  description: 'As GET /v1/overview, for who does not run all of them.',
  tags: ['services'],
  responses: {
    200: { description: 'Their services', schema: z.object({ at: timestamp, items: z.array(standingSchema) }) },
  },
  async handler({ principal, context: { db } }) {
    const { at, services } = await recentStandings(db);
    const visible = services.filter(({ service }) =>
      principal.may(permissionOf({ acl: STATUS_ACL }, { name: service.name })),
    );
    return { status: 200, body: { at, items: visible.map(showStanding) } };
  },
});

export const overviewRoutes: readonly Route[] = [overview, own];
