import { z } from 'zod';
import { configForm, managerAbilities } from '../../sdk/index';
import { Problem } from '../problem';
import { route } from '../route';
import type { Connector } from '../../sdk/index';
import type { Route } from '../route';

const connectorSchema = z
  .object({
    kind: z.string(),
    title: z.string(),
    abilities: z.array(z.string()).meta({ description: 'what its manager can do; empty without one' }),
    membership: z.enum(['by account', 'by group', 'none']).meta({ description: 'where members of groups are kept' }),
    secrets: z.array(z.string()).meta({ description: 'keys of the configuration that are sealed and never shown' }),
  })
  .meta({ id: 'Connector' });

const formSchema = connectorSchema
  .extend({
    config: z.record(z.string(), z.unknown()).meta({
      description: 'JSON Schema of the configuration, for a form. Secrets are `writeOnly`.',
    }),
  })
  .meta({ id: 'ConnectorForm' });

const list = route({
  method: 'get',
  path: '/v1/connectors',
  acl: 'provisioning.connectors.read',
  summary: 'Kinds of services that can be configured',
  tags: ['services'],
  responses: { 200: { description: 'By kind', schema: z.object({ items: z.array(connectorSchema) }) } },
  async handler({ context }) {
    const sorted = [...context.registry.list()].sort((one, other) => (one.kind < other.kind ? -1 : 1));
    return { status: 200, body: { items: sorted.map(show) } };
  },
});

const read = route({
  method: 'get',
  path: '/v1/connectors/{kind}',
  acl: 'provisioning.connectors.{kind}.read',
  summary: 'Shows a kind of service, and its configuration as a form',
  tags: ['services'],
  params: { kind: z.string().regex(/^[a-z0-9-]{1,60}$/) },
  responses: { 200: { description: 'The connector', schema: formSchema } },
  async handler({ params: { kind }, context }) {
    const connector = context.registry.get(kind);
    if (connector === undefined) throw new Problem('not-found', `There is no connector ${kind}.`);
    return { status: 200, body: { ...show(connector), config: configForm(connector) } };
  },
});

function show({ kind, title, manager, secrets }: Connector): z.input<typeof connectorSchema> {
  return {
    kind,
    title,
    abilities: [...managerAbilities(manager)],
    membership: manager?.membership ?? 'none',
    secrets: [...(secrets ?? [])],
  };
}

export const connectorRoutes: readonly Route[] = [list, read];
