import { actionButton } from '../forms';
import { html } from '../html';
import { ME } from '../my-person';
import { page } from '../page';
import { pager } from '../table';
import { NOTIFICATIONS } from '../texts/person';
import { time } from '../time';
import type { Html } from '../html';
import type { Paged } from '../table';
import type { PageDefinition, PageRequest, Visitor } from '../page';

interface Notification {
  readonly id: string;
  readonly level: 'info' | 'success' | 'warning' | 'danger';
  readonly title: string;
  readonly text: string;
  readonly createdAt: string;
  readonly readAt: string | null;
}

const LIST = 'GET /v1/users/{user}/notifications';
const LOOKS: Readonly<Record<Notification['level'], string>> = {
  info: '',
  success: 'good',
  warning: 'warn',
  danger: 'bad',
};

const list = page({
  method: 'get',
  path: '/my/notifications',
  needs: LIST,
  needsParams: ME,
  async handler(request) {
    const { api, query, url, visitor } = request;
    const found = await api.read<Paged<Notification> & { readonly unread: number }>(LIST, {
      params: ME,
      query: { cursor: query.get('cursor') ?? undefined },
    });
    const all =
      found.unread > 0 &&
      html`<div class="row">
        ${actionButton(visitor, { action: '/my/notifications/read', label: NOTIFICATIONS.readAll })}
      </div>`;
    const shown =
      found.items.length === 0
        ? html`<p class="empty">${NOTIFICATIONS.none}</p>`
        : html`${all}
            <ul class="plain">
              ${found.items.map((one) => show(one, visitor))}
            </ul>
            ${pager(url, found.cursor)}`;
    return { kind: 'page', title: NOTIFICATIONS.title, main: html`${shown}${await mails(request)}` };
  },
});

const WISHES = 'PUT /v1/users/{user}/mails';

/** Whether they also come by mail, where there is a mail server. */
async function mails({ api, visitor, context }: PageRequest): Promise<Html> {
  if (!context.mailEnabled || !(await api.may(WISHES, ME))) return html``;
  const { notifications: comes } = await api.read<{ readonly notifications: boolean }>('GET /v1/users/{user}/mails', {
    params: ME,
  });
  const button = actionButton(visitor, {
    action: '/my/notifications/mails',
    label: comes ? NOTIFICATIONS.mailsEnd : NOTIFICATIONS.mailsBegin,
    fields: { notifications: String(!comes) },
  });
  return html`<h2>${NOTIFICATIONS.mails}</h2>
    <div class="row"><span>${comes ? NOTIFICATIONS.mailsCome : NOTIFICATIONS.mailsNone}</span> ${button}</div>`;
}

const wishMails = page({
  method: 'post',
  path: '/my/notifications/mails',
  needs: 'signed in',
  async handler({ api, form }) {
    await api.call(WISHES, { params: ME, body: { notifications: form.get('notifications') === 'true' } });
    return { kind: 'redirect', to: '/my/notifications', said: 'saved' };
  },
});

function show({ id, level, title, text, createdAt, readAt }: Notification, visitor: Visitor): Html {
  const isNew = readAt === null;
  return html`<li class="card">
    <h2><bdi>${title}</bdi> ${isNew && html`<span class="tag ${LOOKS[level]}">${NOTIFICATIONS.isNew}</span>`}</h2>
    <p>${text}</p>
    <div class="soft row">
      ${time(createdAt)}
      ${
        isNew &&
        actionButton(visitor, { action: `/my/notifications/${id}/read`, label: NOTIFICATIONS.read, about: title })
      }
    </div>
  </li>`;
}

const readOne = page({
  method: 'post',
  path: '/my/notifications/{id}/read',
  needs: 'signed in',
  async handler({ api, params: { id = '' } }) {
    await api.call('POST /v1/users/{user}/notifications/{notificationId}/read', {
      params: { ...ME, notificationId: id },
    });
    return { kind: 'redirect', to: '/my/notifications', said: 'read' };
  },
});

const readAll = page({
  method: 'post',
  path: '/my/notifications/read',
  needs: 'signed in',
  async handler({ api }) {
    await api.call('POST /v1/users/{user}/notifications/read', { params: ME });
    return { kind: 'redirect', to: '/my/notifications', said: 'read' };
  },
});

export const myNotificationPages: readonly PageDefinition[] = [list, readOne, readAll, wishMails];
