import { z } from 'zod';
import { route } from '../route';
import type { Route } from '../route';

const menu = route({
  method: 'get',
  path: '/v1/menu',
  acl: 'self.menu.read',
  summary: 'Menu items that modules registered',
  tags: ['my services'],
  responses: {
    200: {
      description: 'In their order',
      schema: z.object({
        items: z.array(z.object({ label: z.string(), url: z.string(), order: z.number().optional() })),
      }),
    },
  },
  async handler({ context }) {
    return { status: 200, body: { items: context.registry.menuItems() } };
  },
});

export const menuRoutes: readonly Route[] = [menu];
