import { z } from 'zod';
import { resumeService } from '../../store/engine-services';
import { deleteService } from '../../store/service-removal';
import {
  createService,
  DEFAULT_SETTINGS,
  listServices,
  newServiceId,
  readService,
  updateService,
} from '../../store/services';
import { serviceName } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { Problem } from '../problem';
import { route } from '../route';
import { changeConfig } from '../service-config';
import { learnService } from '../service-facts';
import { checkFormats, serviceFields, serviceSchema, showService } from '../service-views';
import { reasonQuery, writtenAnswer, writtenBy, writtenResponses } from '../written';
import type { FirstRun } from '../../domain/words';
import type { Connector } from '../../sdk/index';
import type { ServiceRecord, ServiceSettings } from '../../store/services';
import type { ApiContext } from '../context';
import type { Answer, RequestFacts, Route } from '../route';
import type { ServiceFields } from '../service-views';

const params = { name: serviceName } as const;

function requireConnector(context: Pick<ApiContext, 'registry'>, kind: string): Connector {
  const connector = context.registry.get(kind);
  if (connector !== undefined) return connector;
  const loaded = context.registry
    .list()
    .map((known) => known.kind)
    .join(', ');
  throw new Problem(
    'not-acceptable-value',
    `There is no connector ${kind}; loaded are: ${loaded === '' ? 'none' : loaded}.`,
    {
      errors: [{ pointer: '/connector', detail: 'must be the kind of a loaded connector' }],
    },
  );
}

interface Altering {
  readonly context: Pick<ApiContext, 'registry' | 'sealer'>;
  readonly fields: ServiceFields;
  readonly serviceId: string;
  readonly connector: string;
  readonly before: ServiceSettings | undefined;
}

/** The settings after a request. A new service's configuration is checked even when none was given. */
function settingsAfter({ context, fields, serviceId, connector, before }: Altering): ServiceSettings {
  const { config: given, ...others } = fields;
  const settings = {
    ...(before ?? DEFAULT_SETTINGS),
    ...Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined)),
  };
  if (before !== undefined && given === undefined) return settings;
  const stored = changeConfig({
    connector: requireConnector(context, connector),
    sealer: context.sealer,
    serviceId,
    given: given ?? {},
    ...(before === undefined ? {} : { before }),
  });
  return { ...settings, ...stored };
}

/** What only calls hooks cannot be planned: nobody but the hook knows what it would do. */
function firstRunOf(connector: Connector): FirstRun {
  return connector.manager === undefined ? 'write' : 'plan';
}

const list = route({
  method: 'get',
  path: '/v1/services',
  acl: 'provisioning.services.read',
  summary: 'Lists services by name',
  tags: ['services'],
  query: pageQuery,
  responses: { 200: { description: 'A page', schema: pageOf(serviceSchema) } },
  async handler({ query: { limit, cursor }, context, url }) {
    const rows = await listServices(context.db, { after: readCursor(cursor, z.string()), limit: limit + 1 });
    const shown = new Map<string, z.input<typeof serviceSchema>>();
    for (const row of rows.slice(0, limit)) shown.set(row.id, await showService(context, row));
    const show = (row: ServiceRecord): z.input<typeof serviceSchema> =>
      shown.get(row.id) as z.input<typeof serviceSchema>;
    return pageAnswer({ url }, { rows, limit, show, keyOf: (row) => row.name });
  },
});

const create = route({
  method: 'post',
  path: '/v1/services',
  acl: 'provisioning.services.create',
  summary: 'Adds a service',
  description:
    'No restart is needed. People get accounts when they have a grant (POST /v1/grants). Its first run is a plan: nothing is written there before one is approved, unless `firstRun` is `write`.',
  tags: ['services'],
  query: reasonQuery,
  body: z.strictObject({
    name: serviceName,
    connector: z.string().max(100).meta({ description: 'kind, e.g. `postgres`' }),
    ...serviceFields,
  }),
  responses: writtenResponses({ service: serviceSchema }),
  async handler({ body: { name, connector, ...fields }, query, ...request }) {
    const { context } = request;
    checkFormats(fields);
    const serviceId = newServiceId();
    const firstRun = fields.firstRun ?? firstRunOf(requireConnector(context, connector));
    const given = { ...fields, firstRun };
    const settings = settingsAfter({ context, fields: given, serviceId, connector, before: undefined });
    const { record, change } = await createService(
      context.db,
      { id: serviceId, name, connector, settings },
      writtenBy(request, query.reason),
    );
    await learnService(context, name);
    return writtenAnswer(request, change, { service: await showService(context, record) });
  },
});

const read = route({
  method: 'get',
  path: '/v1/services/{name}',
  acl: 'provisioning.services.{name}.read',
  summary: 'Shows a service, with what it can do',
  tags: ['services'],
  params,
  responses: { 200: { description: 'The service', schema: serviceSchema } },
  async handler({ params: { name }, context }) {
    return { status: 200, body: await showService(context, await readService(context.db, name)) };
  },
});

interface Update {
  readonly name: string;
  readonly fields: ServiceFields;
  readonly reason: string | undefined;
  readonly operation?: string;
}

async function alter(request: RequestFacts, { name, fields, reason, operation }: Update): Promise<Answer> {
  const { context } = request;
  checkFormats(fields);
  const update = {
    name,
    alter: (before: ServiceRecord) =>
      settingsAfter({ context, fields, serviceId: before.id, connector: before.connector, before }),
    ...(operation === undefined ? {} : { operation }),
  };
  const { record, change } = await updateService(context.db, update, writtenBy(request, reason));
  if (change !== undefined) await learnService(context, name);
  if (fields.config !== undefined) await tryAgain(context, record);
  if (fields.firstRun === 'write') await context.flow.serviceOpened();
  return writtenAnswer(request, change, { service: await showService(context, await readService(context.db, name)) });
}

/** A pause that Muster itself began over the old configuration says nothing about the new one. */
async function tryAgain(
  { db, flow }: Pick<ApiContext, 'db' | 'flow'>,
  { id, pausedReason }: ServiceRecord,
): Promise<void> {
  const isOurs = pausedReason !== null && pausedReason !== 'operator' && pausedReason !== 'guard';
  if (isOurs && (await resumeService(db, id, { reason: pausedReason }))) await flow.serviceOpened();
}

const update = route({
  method: 'patch',
  path: '/v1/services/{name}',
  acl: 'provisioning.services.{name}.update',
  summary: 'Alters a service: configuration, mapping, name formats, limits',
  description: 'Fields that are not sent stay as they are, also single keys of `config` and every secret.',
  tags: ['services'],
  params,
  query: reasonQuery,
  body: z.strictObject(serviceFields),
  responses: writtenResponses({ service: serviceSchema }),
  handler: ({ params: { name }, body, query, ...request }) =>
    alter(request, { name, fields: body, reason: query.reason }),
});

const remove = route({
  method: 'delete',
  path: '/v1/services/{name}',
  acl: 'provisioning.services.{name}.delete',
  summary: 'Deletes a service on which no account is left',
  description: 'Disable it first and wait until its accounts are taken away; before that the answer is 409.',
  tags: ['services'],
  params,
  responses: { 204: { description: 'It is gone' } },
  async handler({ params: { name }, context }) {
    await deleteService(context.db, name);
    return { status: 204 };
  },
});

const enable = route({
  method: 'post',
  path: '/v1/services/{name}/enable',
  acl: 'provisioning.services.{name}.enable',
  summary: 'Switches a service on: whoever is entitled gets an account',
  tags: ['services'],
  params,
  query: reasonQuery,
  responses: writtenResponses({ service: serviceSchema }),
  handler: ({ params: { name }, query, ...request }) =>
    alter(request, { name, fields: { enabled: true }, reason: query.reason, operation: 'enableService' }),
});

const disable = route({
  method: 'post',
  path: '/v1/services/{name}/disable',
  acl: 'provisioning.services.{name}.disable',
  summary: 'Switches a service off: its accounts are taken away, as far as its guard allows',
  description: 'To only stop the work on it, pause it.',
  tags: ['services'],
  params,
  query: reasonQuery,
  responses: writtenResponses({ service: serviceSchema }),
  handler: ({ params: { name }, query, ...request }) =>
    alter(request, { name, fields: { enabled: false }, reason: query.reason, operation: 'disableService' }),
});

export const serviceRoutes: readonly Route[] = [list, create, read, update, remove, enable, disable];
