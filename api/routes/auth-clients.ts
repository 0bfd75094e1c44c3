import { z } from 'zod';
import {
  addClient,
  alterClient,
  alterOneself,
  clientsOfProvider,
  linkClient,
  ownClient,
  registerClient,
} from '../../auth/clients';
import { listClients, readClient } from '../../store/auth-clients';
import { resolveUser } from '../../store/users';
import { clientRef, clientSchema, packageBody, providerName, resolveClient, roleName, showClient } from '../auth-views';
import { userRef, uuid } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { Problem } from '../problem';
import { route } from '../route';
import { queuedResponse, WRITE_PROBLEMS, writeAnswer } from '../write-answer';
import type { Acting } from '../../auth/clients';
import type { ClientRecord } from '../../store/auth-clients';
import type { Answer, RequestFacts, Route } from '../route';

const tags = ['clients'];
const params = { client: clientRef };
const shown = { 200: { description: 'The client', schema: clientSchema } };
const altered = { ...shown, ...queuedResponse };
const made = { 201: { description: 'The client', schema: clientSchema }, ...queuedResponse };
const bodyNote = 'The body is flat and goes to the authentication provider; what does not fit answers 400.';

/** @throws Problem not-found when it went away meanwhile */
function answerOf(status: 200 | 201): (client: ClientRecord | undefined) => Answer {
  return (client) => {
    if (client === undefined) throw new Problem('not-found', 'The client has gone meanwhile.');
    return { status, body: showClient(client) };
  };
}

function acting({ context, principal }: Pick<RequestFacts, 'context' | 'principal'>): Acting {
  return { identity: context.identity, principal };
}

/** One of our own keys of a flat body. @throws Problem invalid-package */
function textOf<T>(schema: z.ZodType<T>, value: unknown, key: string): T | undefined {
  if (value === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Problem('invalid-package', `/${key} is not valid.`, {
    errors: [{ pointer: `/${key}`, detail: 'does not fit' }],
  });
}

const create = route({
  method: 'post',
  path: '/v1/auth/clients/create',
  acl: 'auth.clients.create',
  problems: ['invalid-package', 'not-grantable', ...WRITE_PROBLEMS],
  summary: 'Adds a client',
  description:
    `${bodyNote} Three keys are Muster's own: \`provider\`, \`user\` (the person it belongs to), and \`roles\`, which the caller ` +
    'must hold. The local provider takes `username`, `password`, `roles`, `acl`, `metadata`.',
  tags,
  body: packageBody,
  responses: made,
  async handler({ body, ...request }) {
    const { provider, user, ...rest } = body;
    const reference = textOf(userRef, user, 'user');
    const written = await addClient(acting(request), {
      provider: textOf(providerName, provider, 'provider'),
      userId: reference === undefined ? undefined : await resolveUser(request.context.db, reference),
      body: rest,
    });
    return writeAnswer(request, written, answerOf(201));
  },
});

const register = route({
  method: 'post',
  path: '/v1/auth/clients/register',
  acl: 'public',
  problems: ['invalid-package', ...WRITE_PROBLEMS],
  summary: 'Somebody adds a client for themselves',
  description: `${bodyNote} Off unless the installation switches it on; the client gets no roles.`,
  tags,
  body: packageBody,
  responses: made,
  async handler({ body, ...request }) {
    const { provider, ...rest } = body;
    const written = await registerClient(acting(request), textOf(providerName, provider, 'provider'), rest);
    return writeAnswer(request, written, answerOf(201));
  },
});

const readSelf = route({
  method: 'get',
  path: '/v1/auth/clients',
  acl: 'auth.self.read',
  problems: ['conflict'],
  summary: "Shows the caller's own client",
  tags,
  responses: shown,
  async handler({ principal, context }) {
    return { status: 200, body: showClient(await ownClient(context, principal)) };
  },
});

const updateSelf = route({
  method: 'post',
  path: '/v1/auth/clients',
  acl: 'auth.self.update',
  problems: ['invalid-package', 'wrong-credentials', ...WRITE_PROBLEMS],
  summary: "Alters the caller's own client, e.g. its password",
  description: `${bodyNote} The local provider takes \`currentPassword\` and \`password\`.`,
  tags,
  body: packageBody,
  responses: altered,
  async handler({ body, ...request }) {
    return writeAnswer(request, await alterOneself(acting(request), body), answerOf(200));
  },
});

const list = route({
  method: 'get',
  path: '/v1/auth/clients/all',
  acl: 'auth.clients.read',
  summary: 'Lists clients that Muster knows, the oldest first',
  tags,
  query: { ...pageQuery, role: roleName.optional(), provider: providerName.optional() },
  responses: { 200: { description: 'A page', schema: pageOf(clientSchema) } },
  async handler({ query, context, url }) {
    const after = readCursor(query.cursor, uuid);
    const { role, provider, limit } = query;
    const rows = await listClients(context.db, { role, provider, after, limit: limit + 1 });
    return pageAnswer({ url }, { rows, limit, show: showClient, keyOf: (row) => row.id });
  },
});

const listAtProvider = route({
  method: 'get',
  path: '/v1/auth/providers/{provider}/clients',
  acl: 'auth.clients.read',
  problems: ['not-offered', 'provider-failed', 'provider-unavailable'],
  summary: 'Lists clients as the provider itself does',
  tags,
  params: { provider: providerName },
  responses: {
    200: {
      description: 'What each `toDict` of the provider says',
      schema: z.object({ items: z.array(z.record(z.string(), z.unknown())) }),
    },
  },
  async handler({ params: { provider }, context }) {
    const clients = await clientsOfProvider(context.identity, provider);
    return { status: 200, body: { items: clients.map((client) => client.toDict()) } };
  },
});

const readOne = route({
  method: 'get',
  path: '/v1/auth/clients/{client}',
  acl: 'auth.clients.{client}.read',
  summary: 'Shows a client',
  tags,
  params,
  responses: shown,
  async handler({ params: { client }, context }) {
    return { status: 200, body: showClient(await resolveClient(context, client)) };
  },
});

const update = route({
  method: 'post',
  path: '/v1/auth/clients/{client}',
  acl: 'auth.clients.{client}.update',
  problems: ['invalid-package', 'not-grantable', ...WRITE_PROBLEMS],
  summary: 'Alters a client',
  description: `${bodyNote} The local provider takes \`password\`, \`acl\`, \`metadata\`. The caller must hold all that the client holds.`,
  tags,
  params,
  body: packageBody,
  responses: altered,
  async handler({ params: { client }, body, ...request }) {
    const written = await alterClient(acting(request), await resolveClient(request.context, client), body);
    return writeAnswer(request, written, answerOf(200));
  },
});

const link = route({
  method: 'put',
  path: '/v1/auth/clients/{client}/user',
  acl: 'auth.clients.{client}.user.update',
  problems: ['not-grantable'],
  summary: 'Says which person the login belongs to; null = none',
  tags,
  params,
  body: z.strictObject({ user: userRef.nullable() }),
  responses: shown,
  async handler({ params: { client }, body, ...request }) {
    const { db } = request.context;
    const record = await resolveClient(request.context, client);
    const userId = body.user === null ? null : await resolveUser(db, body.user);
    await linkClient(acting(request), record, userId);
    return { status: 200, body: showClient(await readClient(db, record.id)) };
  },
});

export const authClientRoutes: readonly Route[] = [
  create,
  register,
  readSelf,
  updateSelf,
  list,
  listAtProvider,
  readOne,
  update,
  link,
];
