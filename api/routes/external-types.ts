import { z } from 'zod';
import { typeSecretsId } from '../../auth/external/context';
import { listConnectedUsers } from '../../store/external-accounts';
import {
  deleteExternalType,
  findExternalType,
  listExternalTypes,
  putExternalType,
  readExternalType,
} from '../../store/external-types';
import type { ExternalTypeRecord } from '../../store/external-types';
import { oneLine, serviceName, timestamp, uuid } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { Problem } from '../problem';
import { route } from '../route';
import { changeConfig, shownConfig } from '../service-config';
import type { Route } from '../route';

const tags = ['external accounts'];
const oneType = serviceName.meta({ description: 'name of the type, e.g. `discord`' });

const typeSchema = z
  .object({
    type: z.string(),
    plugin: z.string(),
    title: z.string().nullable(),
    enabled: z.boolean(),
    config: z.record(z.string(), z.unknown()).meta({ description: 'secrets are shown as `{"sealed": true}`' }),
    redirectUrl: z.string().meta({ description: 'to be registered at the other side, exactly so' }),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'ExternalType' });

function show(publicUrl: string, record: ExternalTypeRecord): z.input<typeof typeSchema> {
  const { type, plugin, title, enabled, createdAt, updatedAt } = record;
  const redirectUrl = `${publicUrl}/v1/external/${type}/callback`;
  return { type, plugin, title, enabled, config: shownConfig(record), redirectUrl, createdAt, updatedAt };
}

const list = route({
  method: 'get',
  path: '/v1/external',
  acl: 'auth.external.read',
  summary: 'The configured types of external accounts, and the plug-ins for more',
  tags,
  responses: {
    200: {
      description: 'Types and plug-ins',
      schema: z.object({
        items: z.array(typeSchema),
        plugins: z.array(z.object({ plugin: z.string(), title: z.string() })),
      }),
    },
  },
  async handler({ context }) {
    const types = await listExternalTypes(context.db);
    const plugins = [...context.externalPlugins.values()].map(({ plugin, title }) => ({ plugin, title }));
    return { status: 200, body: { items: types.map((type) => show(context.publicUrl, type)), plugins } };
  },
});

const read = route({
  method: 'get',
  path: '/v1/external/{type}/config',
  acl: 'auth.external.{type}.config.read',
  summary: 'How a type is configured',
  tags,
  params: { type: oneType },
  responses: { 200: { description: 'The type', schema: typeSchema } },
  async handler({ params, context }) {
    return { status: 200, body: show(context.publicUrl, await readExternalType(context.db, params.type)) };
  },
});

const put = route({
  method: 'put',
  path: '/v1/external/{type}/config',
  acl: 'auth.external.{type}.config.update',
  summary: 'Configures a type, anew or for the first time',
  description: 'A secret given as `{"sealed": true}` stays as it is. Workers take it up at once.',
  tags,
  params: { type: oneType },
  body: z.strictObject({
    plugin: serviceName.optional().meta({ description: 'default: the one named as the type' }),
    title: oneLine(255).nullable().optional(),
    enabled: z.boolean().default(true),
    config: z.record(z.string().max(200), z.unknown()),
  }),
  responses: { 200: { description: 'The type', schema: typeSchema } },
  async handler({ params: { type }, body, context }) {
    const before = await findExternalType(context.db, type);
    const name = body.plugin ?? before?.plugin ?? type;
    const plugin = context.externalPlugins.get(name);
    if (plugin === undefined)
      throw new Problem('not-acceptable-value', `There is no plug-in ${name}.`, {
        errors: [{ pointer: '/plugin', detail: 'is not loaded' }],
      });
    const kept = before?.plugin === name ? { config: {}, sealedConfig: before.sealedConfig } : undefined;
    const parts = changeConfig({
      connector: { kind: name, config: plugin.config, secrets: plugin.secrets },
      sealer: context.sealer,
      serviceId: typeSecretsId(type),
      given: onlyNamed(body.config, plugin.secrets ?? []),
      ...(kept === undefined ? {} : { before: kept }),
    });
    const { enabled, title = null } = body;
    const record = await putExternalType(context.db, { type, plugin: name, title, enabled, ...parts });
    return { status: 200, body: show(context.publicUrl, record) };
  },
});

/** Everything is replaced: a secret that is not named goes. */
function onlyNamed(
  given: Readonly<Record<string, unknown>>,
  secrets: readonly string[],
): Readonly<Record<string, unknown>> {
  return { ...Object.fromEntries(secrets.map((key) => [key, null])), ...given };
}

const remove = route({
  method: 'delete',
  path: '/v1/external/{type}/config',
  acl: 'auth.external.{type}.config.delete',
  summary: 'Forgets a type that nobody has linked any more',
  tags,
  params: { type: oneType },
  responses: { 204: { description: 'It is gone' } },
  async handler({ params, context }) {
    await deleteExternalType(context.db, params.type);
    return { status: 204 };
  },
});

const connectedSchema = z.object({
  user: z.object({ id: uuid, username: z.string() }),
  remoteId: z.string().nullable(),
  remoteName: z.string().nullable(),
  problem: z.string().nullable(),
  linkedAt: timestamp,
});

const users = route({
  method: 'get',
  path: '/v1/external/{type}/users',
  acl: 'auth.external.{type}.users.read',
  summary: 'Who has linked an account of this type',
  tags,
  params: { type: oneType },
  query: pageQuery,
  responses: { 200: { description: 'A page', schema: pageOf(connectedSchema) } },
  async handler({ params, query, context, url }) {
    await readExternalType(context.db, params.type);
    const after = readCursor(query.cursor, uuid);
    const rows = await listConnectedUsers(context.db, { type: params.type, after, limit: query.limit + 1 });
    const shown = (row: (typeof rows)[number]): z.input<typeof connectedSchema> => ({
      user: { id: row.userId, username: row.username },
      remoteId: row.remoteId,
      remoteName: row.remoteName,
      problem: row.broken,
      linkedAt: row.createdAt,
    });
    return pageAnswer({ url }, { rows, limit: query.limit, show: shown, keyOf: (row) => row.userId });
  },
});

export const externalTypeRoutes: readonly Route[] = [list, read, put, remove, users];
