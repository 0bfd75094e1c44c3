import { z } from 'zod';
import { wantNotificationMails, wantsNotificationMails } from '../../store/mails';
import { resolveUser } from '../../store/users';
import { userRef } from '../fields';
import { route } from '../route';
import type { Route } from '../route';

const tags = ['notifications'];
const path = '/v1/users/{user}/mails';
const params = { user: userRef };
const preferences = z.strictObject({
  notifications: z.boolean().meta({ description: 'by mail as well; links for a password come in any case' }),
});

const read = route({
  method: 'get',
  path,
  acl: 'self.{user}.mails.read',
  summary: 'Shows which mails a person wants',
  tags,
  params,
  responses: { 200: { description: 'What they want', schema: preferences } },
  async handler({ params: { user }, context: { db } }) {
    return { status: 200, body: { notifications: await wantsNotificationMails(db, await resolveUser(db, user)) } };
  },
});

const update = route({
  method: 'put',
  path,
  acl: 'self.{user}.mails.update',
  summary: 'Says which mails a person wants',
  tags,
  params,
  body: preferences,
  responses: { 200: { description: 'What they want now', schema: preferences } },
  async handler({ params: { user }, body, context: { db } }) {
    await wantNotificationMails(db, await resolveUser(db, user), body.notifications);
    return { status: 200, body };
  },
});

export const mailPreferenceRoutes: readonly Route[] = [read, update];
