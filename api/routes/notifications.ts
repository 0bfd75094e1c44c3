import { z } from 'zod';
import { countUnread, listNotifications, markAllRead, markRead, readNotification } from '../../store/notifications';
import { queryFlag, timestamp, userRef, uuid } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { Problem } from '../problem';
import { resolveAccountHolder } from '../references';
import { route } from '../route';
import type { NotificationRecord } from '../../store/notifications';
import type { Route } from '../route';

const notificationSchema = z
  .object({
    id: uuid,
    recipient: z.object({ userId: uuid.nullable() }).meta({ description: '`userId` null: the operators' }),
    level: z.enum(['info', 'success', 'warning', 'danger']),
    title: z.string(),
    text: z.string(),
    service: z.string().nullable(),
    createdAt: timestamp,
    readAt: timestamp.nullable(),
  })
  .meta({ id: 'Notification' });

function show(record: NotificationRecord): z.input<typeof notificationSchema> {
  const { id, userId, level, title, text, serviceName, createdAt, readAt } = record;
  return { id, recipient: { userId }, level, title, text, service: serviceName, createdAt, readAt };
}

const list = route({
  method: 'get',
  path: '/v1/notifications',
  acl: 'system.notifications.read',
  summary: 'Lists notifications, newest first',
  tags: ['notifications'],
  query: {
    ...pageQuery,
    recipient: z
      .union([z.literal('operators'), userRef])
      .optional()
      .meta({ description: "`operators`, or a person; absent: everybody's" }),
    unread: queryFlag.optional(),
  },
  responses: { 200: { description: 'A page', schema: pageOf(notificationSchema) } },
  async handler({ query, context, url }) {
    const after = readCursor(query.cursor, uuid);
    const userId = await recipientOf(query.recipient, (reference) => resolveAccountHolder(context, reference));
    const rows = await listNotifications(context.db, { userId, unread: query.unread, after, limit: query.limit + 1 });
    return pageAnswer({ url }, { rows, limit: query.limit, show, keyOf: (row) => row.id });
  },
});

/** null: the operators; undefined: everybody. */
async function recipientOf(
  recipient: string | undefined,
  resolve: (reference: string) => Promise<string>,
): Promise<string | null | undefined> {
  if (recipient === undefined) return undefined;
  return recipient === 'operators' ? null : resolve(recipient);
}

const read = route({
  method: 'post',
  path: '/v1/notifications/{notificationId}/read',
  acl: 'system.notifications.{notificationId}.update',
  summary: 'Marks a notification as read',
  description: 'Marking it again changes nothing.',
  tags: ['notifications'],
  params: { notificationId: uuid },
  responses: { 200: { description: 'The notification', schema: notificationSchema } },
  async handler({ params, context }) {
    await markRead(context.db, params.notificationId);
    return { status: 200, body: show(await readNotification(context.db, params.notificationId)) };
  },
});

const own = route({
  method: 'get',
  path: '/v1/users/{user}/notifications',
  acl: 'self.{user}.notifications.read',
  summary: 'What a person is told, newest first',
  tags: ['notifications'],
  params: { user: userRef },
  query: { ...pageQuery, unread: queryFlag.optional() },
  responses: {
    200: { description: 'A page', schema: pageOf(notificationSchema).extend({ unread: z.number().int() }) },
  },
  async handler({ params, query, context, url }) {
    const userId = await resolveAccountHolder(context, params.user);
    const after = readCursor(query.cursor, uuid);
    const { unread, limit } = query;
    const rows = await listNotifications(context.db, { userId, unread, after, limit: limit + 1 });
    const { body } = pageAnswer({ url }, { rows, limit, show, keyOf: (row) => row.id });
    return { status: 200, body: { ...body, unread: await countUnread(context.db, userId) } };
  },
});

const readOwn = route({
  method: 'post',
  path: '/v1/users/{user}/notifications/{notificationId}/read',
  acl: 'self.{user}.notifications.update',
  summary: 'The person has read a notification',
  tags: ['notifications'],
  params: { user: userRef, notificationId: uuid },
  responses: { 204: { description: 'It is marked' } },
  async handler({ params, context }) {
    const userId = await resolveAccountHolder(context, params.user);
    const found = await readNotification(context.db, params.notificationId);
    if (found.userId !== userId) throw new Problem('not-found', 'There is no such notification.');
    await markRead(context.db, found.id);
    return { status: 204 };
  },
});

const readAll = route({
  method: 'post',
  path: '/v1/users/{user}/notifications/read',
  acl: 'self.{user}.notifications.update',
  summary: 'The person has read all their notifications',
  tags: ['notifications'],
  params: { user: userRef },
  responses: { 204: { description: 'They are marked' } },
  async handler({ params, context }) {
    await markAllRead(context.db, await resolveAccountHolder(context, params.user));
    return { status: 204 };
  },
});

export const notificationRoutes: readonly Route[] = [list, read, own, readOwn, readAll];
