import { z } from 'zod';
import { listNotifications, markRead, readNotification } from '../../store/notifications';
import { queryFlag, timestamp, userRef, uuid } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
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

export const notificationRoutes: readonly Route[] = [list, read];
