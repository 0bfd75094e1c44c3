import { z } from 'zod';
import { openData, unlink } from '../../auth/external/linking';
import { listExternalAccounts } from '../../store/external-accounts';
import { readAuthorization } from '../../store/external-authorizations';
import { listExternalTypes } from '../../store/external-types';
import { resolveUser } from '../../store/users';
import { beginAuthorization, usableAccount } from '../external-requests';
import { authorizationSchema, linkedSchema, showAuthorization, showLinked, startSchema } from '../external-views';
import { serviceName, userRef, uuid } from '../fields';
import { Problem } from '../problem';
import { localPath } from '../return-path';
import { route } from '../route';
import type { Route } from '../route';

const tags = ['external accounts'];
const oneType = serviceName.meta({ description: 'configured type, e.g. `discord`' });

const list = route({
  method: 'get',
  path: '/v1/users/{user}/external',
  acl: 'auth.users.{user}.external.read',
  summary: 'Types of external accounts, and which of them the person has linked',
  tags,
  params: { user: userRef },
  responses: { 200: { description: 'The types', schema: z.object({ items: z.array(linkedSchema) }) } },
  async handler({ params, context }) {
    const userId = await resolveUser(context.db, params.user);
    const [types, accounts] = await Promise.all([
      listExternalTypes(context.db),
      listExternalAccounts(context.db, userId),
    ]);
    const linked = new Map(accounts.map((account) => [account.type, account]));
    const shown = types.filter((type) => type.enabled || linked.has(type.type));
    return { status: 200, body: { items: shown.map((type) => showLinked(context, type, linked.get(type.type))) } };
  },
});

function beginRoute(method: 'post' | 'put'): Route {
  const isNew = method === 'post';
  return route({
    method,
    path: '/v1/users/{user}/external/{type}',
    acl: `auth.users.{user}.external.{type}.${isNew ? 'create' : 'edit'}`,
    summary: isNew ? 'Begins to link an account' : 'Begins to change what is linked, where the plug-in can',
    description: 'Answers where the person must go, or a code for there. What the body holds, the plug-in says.',
    tags,
    params: { user: userRef, type: oneType },
    query: { returnTo: localPath.optional() },
    body: z.json().meta({ override: {} }),
    bodyOptional: true,
    secret: true,
    responses: { 201: { description: 'Where to go', schema: startSchema } },
    async handler({ params, query, body, ...request }) {
      const userId = await resolveUser(request.context.db, params.user);
      return beginAuthorization(request, {
        userId,
        type: params.type,
        verb: method,
        body,
        returnTo: query.returnTo,
      });
    },
  });
}

const read = route({
  method: 'get',
  path: '/v1/users/{user}/external/{type}',
  acl: 'auth.users.{user}.external.{type}.read',
  summary: 'The credential of a linked account, refreshed if it is about to end',
  tags,
  params: { user: userRef, type: oneType },
  secret: true,
  responses: {
    200: {
      description: 'What the plug-in keeps',
      schema: z.object({ type: z.string(), data: z.record(z.string(), z.unknown()) }),
    },
  },
  async handler({ params, context }) {
    const key = { userId: await resolveUser(context.db, params.user), type: params.type };
    const account = await usableAccount(context, key);
    return { status: 200, body: { type: key.type, data: openData(context, account) } };
  },
});

const remove = route({
  method: 'delete',
  path: '/v1/users/{user}/external/{type}',
  acl: 'auth.users.{user}.external.{type}.delete',
  summary: 'Unlinks an account; what can be revoked at the other side is then revoked',
  tags,
  params: { user: userRef, type: oneType },
  responses: { 204: { description: 'It is unlinked' } },
  async handler({ params, context, principal }) {
    const key = { userId: await resolveUser(context.db, params.user), type: params.type };
    const changeId = await unlink(context, key, principal.actor);
    if (changeId === undefined) throw new Problem('not-found', `No ${key.type} account is linked to this person.`);
    await context.flow.changed(changeId);
    await context.flow.externalUnlinked(key.userId);
    return { status: 204 };
  },
});

const progress = route({
  method: 'get',
  path: '/v1/users/{user}/external/{type}/authorizations/{authorizationId}',
  acl: 'auth.users.{user}.external.{type}.authorizations.read',
  summary: 'How far an authorization is',
  tags,
  params: { user: userRef, type: oneType, authorizationId: uuid },
  responses: { 200: { description: 'The authorization', schema: authorizationSchema } },
  async handler({ params, context }) {
    const userId = await resolveUser(context.db, params.user);
    const row = await readAuthorization(context.db, params.authorizationId);
    if (row === undefined || row.userId !== userId || row.type !== params.type)
      throw new Problem('not-found', `There is no such authorization of this person.`);
    return { status: 200, body: showAuthorization(row) };
  },
});

export const externalAccountRoutes: readonly Route[] = [
  list,
  beginRoute('post'),
  beginRoute('put'),
  read,
  remove,
  progress,
];
