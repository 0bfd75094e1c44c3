import { z } from 'zod';
import { groupsOfUser } from '../../store/groups';
import { listUsers } from '../../store/user-list';
import { createUser, deleteUser, readUser, resolveUser, updateUser } from '../../store/users';
import { queryFlag, searchText, timestamp, userRef, uuid } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { Problem } from '../problem';
import { route } from '../route';
import { reasonQuery, writtenAnswer, writtenBy, writtenResponses } from '../written';
import type { UserRecord } from '../../store/users';
import type { Route } from '../route';

const attributes = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]))
  .meta({ description: 'at most 50; text, numbers, booleans, null or lists of text' });

const userSchema = z
  .object({
    id: uuid,
    externalId: z.string().nullable().meta({ description: "the source's own stable key" }),
    username: z.string(),
    displayName: z.string(),
    email: z.string().nullable(),
    active: z.boolean(),
    attributes,
    sourceState: z.string().nullable().meta({ description: 'the state that the source set' }),
    state: z
      .string()
      .nullable()
      .meta({ description: 'the state that counts: the highest priority whose rule applies' }),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'User' });

const detailSchema = userSchema
  .extend({ groups: z.array(z.object({ id: uuid, name: z.string() })) })
  .meta({ id: 'UserDetail' });

const fields = {
  externalId: z.string().max(200).nullable().optional(),
  displayName: z.string().max(500).optional().meta({ description: 'a new person without one is shown by username' }),
  email: z.string().max(320).nullable().optional(),
  active: z.boolean().optional(),
  attributes: attributes.optional().meta({ description: 'all of them: what is not named goes' }),
  state: z.string().max(100).nullable().optional().meta({ description: 'name of a state; null = none of their own' }),
} as const;

const username = z.string().max(200).meta({ description: 'unique, whatever the case' });

/** As the API shows a person; rows carry nothing that must not be seen. */
function showUser(user: UserRecord): z.input<typeof userSchema> {
  const { id, externalId, displayName, email, active, sourceState, state, createdAt, updatedAt } = user;
  return {
    id,
    externalId,
    username: user.username,
    displayName,
    email,
    active,
    attributes: showAttributes(user),
    sourceState,
    state,
    createdAt,
    updatedAt,
  };
}

function showAttributes(user: UserRecord): z.input<typeof attributes> {
  return user.attributes as z.input<typeof attributes>;
}

const list = route({
  method: 'get',
  path: '/v1/users',
  acl: 'organisation.users.read',
  summary: 'Lists people by username',
  tags: ['users'],
  query: {
    ...pageQuery,
    q: searchText.optional().meta({ description: 'part of the username, display name or e-mail address' }),
    active: queryFlag.optional(),
    state: searchText.optional().meta({ description: 'name of the state that counts' }),
  },
  responses: { 200: { description: 'A page', schema: pageOf(userSchema) } },
  async handler({ query, context, url }) {
    const { limit, cursor, q, active, state } = query;
    const rows = await listUsers(context.db, {
      q,
      active,
      state,
      after: readCursor(cursor, z.string()),
      limit: limit + 1,
    });
    return pageAnswer({ url }, { rows, limit, show: showUser, keyOf: (row) => row.username });
  },
});

const create = route({
  method: 'post',
  path: '/v1/users',
  acl: 'organisation.users.create',
  summary: 'Adds a person',
  tags: ['users'],
  query: reasonQuery,
  body: z.strictObject({ username, ...fields }),
  responses: writtenResponses({ user: userSchema }),
  async handler({ body, query, ...request }) {
    const { record, change } = await createUser(request.context.db, body, writtenBy(request, query.reason));
    return writtenAnswer(request, change, { user: showUser(record) });
  },
});

const read = route({
  method: 'get',
  path: '/v1/users/{user}',
  acl: 'organisation.users.{user}.read',
  summary: 'Shows a person with their groups',
  tags: ['users'],
  params: { user: userRef },
  responses: { 200: { description: 'The person', schema: detailSchema } },
  async handler({ params, context }) {
    const user = await readUser(context.db, await resolveUser(context.db, params.user));
    if (user === undefined) throw new Problem('not-found', 'The person was deleted at this moment.');
    return { status: 200, body: { ...showUser(user), groups: await groupsOfUser(context.db, user.id) } };
  },
});

const update = route({
  method: 'patch',
  path: '/v1/users/{user}',
  acl: 'organisation.users.{user}.update',
  summary: 'Alters a person: profile, name, state, activity',
  description: 'Fields that are not sent stay as they are.',
  tags: ['users'],
  params: { user: userRef },
  query: reasonQuery,
  body: z.strictObject({ username: username.optional(), ...fields }),
  responses: writtenResponses({ user: userSchema }),
  async handler({ params, body, query, ...request }) {
    const { db } = request.context;
    const id = await resolveUser(db, params.user);
    const { record, change } = await updateUser(db, id, { fields: body, by: writtenBy(request, query.reason) });
    return writtenAnswer(request, change, { user: showUser(record) });
  },
});

const remove = route({
  method: 'delete',
  path: '/v1/users/{user}',
  acl: 'organisation.users.{user}.delete',
  summary: 'Deletes a person; their accounts are taken away',
  tags: ['users'],
  params: { user: userRef },
  query: reasonQuery,
  responses: writtenResponses({ user: userSchema }),
  async handler({ params, query, ...request }) {
    const { db } = request.context;
    const { record, change } = await deleteUser(
      db,
      await resolveUser(db, params.user),
      writtenBy(request, query.reason),
    );
    return writtenAnswer(request, change, { user: showUser(record) });
  },
});

export const userRoutes: readonly Route[] = [list, create, read, update, remove];
