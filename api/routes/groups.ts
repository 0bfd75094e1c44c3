import { z } from 'zod';
import {
  addMembers,
  createGroup,
  deleteGroup,
  groupIdByName,
  listGroups,
  listMembers,
  readGroup,
  removeMembers,
  renameGroup,
} from '../../store/groups';
import { resolveUser } from '../../store/users';
import { namedRef, searchText, timestamp, userRef, uuid } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { Problem } from '../problem';
import { route } from '../route';
import { reasonQuery, writtenAnswer, writtenBy, writtenResponses } from '../written';
import type { Database } from '../../store/database';
import type { GroupRecord, MemberRecord } from '../../store/groups';
import type { Route } from '../route';

const groupSchema = z
  .object({ id: uuid, name: z.string(), members: z.number().int(), createdAt: timestamp })
  .meta({ id: 'Group' });

const memberSchema = z
  .object({ id: uuid, username: z.string(), displayName: z.string(), active: z.boolean(), addedAt: timestamp })
  .meta({ id: 'Member' });

const name = z.string().max(200).meta({ description: 'unique, whatever the case' });
const params = { group: namedRef.meta({ description: 'id, or `name:Engine Room`' }) } as const;
const memberParams = { ...params, user: userRef } as const;

function showGroup({ id, name: groupName, members, createdAt }: GroupRecord): z.input<typeof groupSchema> {
  return { id, name: groupName, members, createdAt };
}

function showMember({ id, username, displayName, active, addedAt }: MemberRecord): z.input<typeof memberSchema> {
  return { id, username, displayName, active, addedAt };
}

/** The id of the group that a path names. @throws Problem not-found */
export async function resolveGroup(db: Database, reference: string): Promise<string> {
  if (reference.startsWith('name:')) return groupIdByName(db, reference.slice('name:'.length));
  const group = await readGroup(db, reference);
  if (group === undefined) throw new Problem('not-found', `There is no group ${reference}.`);
  return group.id;
}

const list = route({
  method: 'get',
  path: '/v1/groups',
  acl: 'organisation.groups.read',
  summary: 'Lists groups by name',
  tags: ['groups'],
  query: { ...pageQuery, q: searchText.optional().meta({ description: 'part of the name' }) },
  responses: { 200: { description: 'A page', schema: pageOf(groupSchema) } },
  async handler({ query: { limit, cursor, q }, context, url }) {
    const rows = await listGroups(context.db, { q, after: readCursor(cursor, z.string()), limit: limit + 1 });
    return pageAnswer({ url }, { rows, limit, show: showGroup, keyOf: (row) => row.name });
  },
});

const create = route({
  method: 'post',
  path: '/v1/groups',
  acl: 'organisation.groups.create',
  summary: 'Adds a group',
  tags: ['groups'],
  query: reasonQuery,
  body: z.strictObject({ name }),
  responses: writtenResponses({ group: groupSchema }),
  async handler({ body, query, ...request }) {
    const { record, change } = await createGroup(request.context.db, body.name, writtenBy(request, query.reason));
    return writtenAnswer(request, change, { group: showGroup(record) });
  },
});

const read = route({
  method: 'get',
  path: '/v1/groups/{group}',
  acl: 'organisation.groups.{group}.read',
  summary: 'Shows a group',
  tags: ['groups'],
  params,
  responses: { 200: { description: 'The group', schema: groupSchema } },
  async handler({ params: { group }, context }) {
    const record = await readGroup(context.db, await resolveGroup(context.db, group));
    if (record === undefined) throw new Problem('not-found', `There is no group ${group}.`);
    return { status: 200, body: showGroup(record) };
  },
});

const rename = route({
  method: 'patch',
  path: '/v1/groups/{group}',
  acl: 'organisation.groups.{group}.update',
  summary: 'Renames a group, also at the services',
  tags: ['groups'],
  params,
  query: reasonQuery,
  body: z.strictObject({ name: name.optional() }),
  responses: writtenResponses({ group: groupSchema }),
  async handler({ params: { group }, body, query, ...request }) {
    const { db } = request.context;
    const id = await resolveGroup(db, group);
    const before = await readGroup(db, id);
    const { record, change } = await renameGroup(db, id, {
      name: body.name ?? before?.name ?? '',
      by: writtenBy(request, query.reason),
    });
    return writtenAnswer(request, change, { group: showGroup(record) });
  },
});

const remove = route({
  method: 'delete',
  path: '/v1/groups/{group}',
  acl: 'organisation.groups.{group}.delete',
  summary: 'Deletes a group with its memberships and grants',
  tags: ['groups'],
  params,
  query: reasonQuery,
  responses: writtenResponses({ group: groupSchema }),
  async handler({ params: { group }, query, ...request }) {
    const { db } = request.context;
    const { record, change } = await deleteGroup(db, await resolveGroup(db, group), writtenBy(request, query.reason));
    return writtenAnswer(request, change, { group: showGroup(record) });
  },
});

const members = route({
  method: 'get',
  path: '/v1/groups/{group}/members',
  acl: 'organisation.groups.{group}.members.read',
  summary: 'Lists the members of a group by username',
  tags: ['groups'],
  params,
  query: pageQuery,
  responses: { 200: { description: 'A page', schema: pageOf(memberSchema) } },
  async handler({ params: { group }, query: { limit, cursor }, context, url }) {
    const groupId = await resolveGroup(context.db, group);
    const rows = await listMembers(context.db, groupId, { after: readCursor(cursor, z.string()), limit: limit + 1 });
    return pageAnswer({ url }, { rows, limit, show: showMember, keyOf: (row) => row.username });
  },
});

const addMember = route({
  method: 'put',
  path: '/v1/groups/{group}/members/{user}',
  acl: 'organisation.groups.{group}.members.{user}.create',
  summary: 'Puts a person into a group',
  tags: ['groups'],
  params: memberParams,
  query: reasonQuery,
  responses: writtenResponses({ added: z.boolean() }),
  async handler({ params: { group, user }, query, ...request }) {
    const { db } = request.context;
    const groupId = await resolveGroup(db, group);
    const userIds = [await resolveUser(db, user)];
    const { change } = await addMembers(db, { groupId, userIds, by: writtenBy(request, query.reason) });
    return writtenAnswer(request, change, { added: change !== undefined });
  },
});

const removeMember = route({
  method: 'delete',
  path: '/v1/groups/{group}/members/{user}',
  acl: 'organisation.groups.{group}.members.{user}.delete',
  summary: 'Takes a person out of a group',
  tags: ['groups'],
  params: memberParams,
  query: reasonQuery,
  responses: writtenResponses({ removed: z.boolean() }),
  async handler({ params: { group, user }, query, ...request }) {
    const { db } = request.context;
    const groupId = await resolveGroup(db, group);
    const userIds = [await resolveUser(db, user)];
    const { change } = await removeMembers(db, { groupId, userIds, by: writtenBy(request, query.reason) });
    return writtenAnswer(request, change, { removed: change !== undefined });
  },
});

export const groupRoutes: readonly Route[] = [list, create, read, rename, remove, members, addMember, removeMember];
