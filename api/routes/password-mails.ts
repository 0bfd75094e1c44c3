import { z } from 'zod';
import { loginPurpose } from '../../auth/mail/deliver';
import { inviteUser } from '../../auth/mail/invite';
import { newMailId, queuePasswordReset } from '../../store/mails';
import { resolveUser } from '../../store/users';
import { oneLine, userRef } from '../fields';
import { operationAnswer, operationResponses } from '../operation-answer';
import { Problem } from '../problem';
import { route } from '../route';
import type { Route } from '../route';

const tags = ['authentication'];

const reset = route({
  method: 'post',
  path: '/v1/auth/password/reset',
  acl: 'public',
  summary: 'Asks for a mail with a link for a new password',
  description:
    'Always answers 204, after the same time: whether there is such a login is found out later, by a worker.',
  tags,
  body: z.strictObject({ login: oneLine(320).meta({ description: 'name of the login, or mail address' }) }),
  secret: true,
  responses: { 204: { description: 'Heard' } },
  async handler({ body, context }) {
    const id = newMailId();
    await queuePasswordReset(context.db, id, context.sealer.seal(body.login, loginPurpose(id)));
    await context.flow.mailQueued(id);
    return { status: 204 };
  },
});

const invite = route({
  method: 'post',
  path: '/v1/users/{user}/invitation',
  acl: 'auth.users.{user}.invitation.create',
  summary: 'Makes a login for a person, and sends them a link for their first password',
  description: 'Again, while they have no password: another link. The login has the rights of an ordinary person.',
  tags,
  params: { user: userRef },
  responses: operationResponses(),
  async handler({ params, ...request }) {
    const { context, principal } = request;
    if (!context.mailEnabled)
      throw new Problem('not-supported', 'No mail server is configured: set MUSTER_SMTP_URL and MUSTER_MAIL_FROM.');
    const userId = await resolveUser(context.db, params.user);
    const { mailId, operationId } = await inviteUser(context.db, { userId, actor: principal.actor });
    await context.flow.mailQueued(mailId);
    return operationAnswer(request, operationId);
  },
});

export const passwordMailRoutes: readonly Route[] = [reset, invite];
