import { actionButton, field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { pager, table } from '../table';
import { SHARED } from '../texts/operator';
import { GROUPS } from '../texts/operator-organisation';
import { time } from '../time';
import { act, asked, number, personLink, tag, to, typed } from './parts';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { Paged } from '../table';

interface Group {
  readonly id: string;
  readonly name: string;
  readonly members: number;
  readonly createdAt: string;
}

interface Member {
  readonly id: string;
  readonly username: string;
  readonly displayName: string;
  readonly active: boolean;
  readonly addedAt: string;
}

const list = page({
  method: 'get',
  path: '/operator/groups',
  needs: 'GET /v1/groups',
  async handler(request) {
    const { api, query, url, isPart, visitor } = request;
    const found = await api.read<Paged<Group>>('GET /v1/groups', { query: asked(query, ['cursor', 'q']) });
    const rows = html`<div id="groups">
      ${table({
        caption: GROUPS.caption,
        rows: found.items,
        empty: GROUPS.none,
        columns: [
          {
            label: SHARED.name,
            show: (row) => html`<a href="${to`/operator/groups/${row.id}`}"><bdi>${row.name}</bdi></a>`,
          },
          { label: GROUPS.members, kind: 'number', show: (row) => number(row.members) },
          { label: SHARED.created, show: (row) => time(row.createdAt) },
        ],
      })}${pager(url, found.cursor)}
    </div>`;
    if (isPart) return { kind: 'part', html: rows };
    const filters = html`<form
      method="get"
      class="filters"
      role="search"
      hx-get=""
      hx-target="#groups"
      hx-swap="outerHTML"
      hx-trigger="submit, input delay:300ms from:#field-q"
    >
      ${field({ name: 'q', label: GROUPS.search, type: 'search', value: query.get('q') ?? '' })}
      <button type="submit">${SHARED.search}</button>
    </form>`;
    const mayAdd = await api.may('POST /v1/groups');
    const add = mayAdd && nameForm(visitor, { action: '/operator/groups', label: GROUPS.add, value: '' });
    return { kind: 'page', title: GROUPS.title, main: html`${filters}${rows}${add}` };
  },
});

function nameForm(
  visitor: PageRequest['visitor'],
  of: { readonly action: string; readonly label: string; readonly value: string; readonly hint?: string },
): Html {
  const { action, label, value, hint } = of;
  const body = html`${field({ name: 'name', label: GROUPS.name, value, isRequired: true, ...(hint === undefined ? {} : { hint }) })}<button
      type="submit"
    >
      ${label}
    </button>`;
  return postForm({ action, visitor, look: 'filters', body });
}

const add = page({
  method: 'post',
  path: '/operator/groups',
  needs: 'POST /v1/groups',
  async handler({ api, form }) {
    const { group } = await api.read<{ readonly group: Group }>('POST /v1/groups', {
      body: { name: typed(form, 'name') ?? '' },
    });
    return { kind: 'redirect', to: to`/operator/groups/${group.id}`, said: 'saved' };
  },
});

const shown = page({
  method: 'get',
  path: '/operator/groups/{group}',
  needs: 'GET /v1/groups/{group}',
  async handler(request) {
    const { api, params, query, url } = request;
    const { group: id = '' } = params;
    const [group, found] = await Promise.all([
      api.read<Group>('GET /v1/groups/{group}', { params: { group: id } }),
      api.read<Paged<Member>>('GET /v1/groups/{group}/members', {
        params: { group: id },
        query: asked(query, ['cursor']),
      }),
    ]);
    const main = html`${await buttons(request, group)}${await memberTable(request, group, found)}
    ${pager(url, found.cursor)}${await memberForm(request, group)}`;
    return { kind: 'page', title: group.name, main, trail: [{ label: GROUPS.title, url: '/operator/groups' }] };
  },
});

async function buttons({ api, visitor }: PageRequest, { id: group, name }: Group): Promise<Html> {
  const mayRename = await api.may('PATCH /v1/groups/{group}', { group });
  const mayDelete = await api.may('DELETE /v1/groups/{group}', { group });
  const url = to`/operator/groups/${group}`;
  return html`<div class="row">
    ${
      mayRename &&
      html`<details>
        <summary class="button">${GROUPS.rename}</summary>
        ${nameForm(visitor, { action: `${url}/rename`, label: GROUPS.rename, value: name, hint: GROUPS.renameHint })}
      </details>`
    }
    ${
      mayDelete &&
      actionButton(visitor, {
        action: `${url}/delete`,
        label: GROUPS.remove,
        look: 'danger',
        confirm: GROUPS.removeAsk(name),
      })
    }
    <a class="button" href="${to`/operator/grants?group=${group}`}">${GROUPS.grants}</a>
  </div>`;
}

async function memberTable(
  { api, visitor }: PageRequest,
  { id: group, name }: Group,
  found: Paged<Member>,
): Promise<Html> {
  const may = await Promise.all(
    found.items.map(({ id: user }) => api.may('DELETE /v1/groups/{group}/members/{user}', { group, user })),
  );
  const removable = new Set(found.items.filter((_member, index) => may[index]).map(({ id }) => id));
  return table({
    caption: GROUPS.membersCaption(name),
    rows: found.items,
    empty: GROUPS.membersNone,
    columns: [
      { label: SHARED.user, show: (row) => personLink(row) },
      {
        label: SHARED.name,
        show: (row) => html`<bdi>${row.displayName}</bdi> ${!row.active && tag(GROUPS.inactive, 'warn')}`,
      },
      { label: GROUPS.since, show: (row) => time(row.addedAt) },
      {
        label: SHARED.actions,
        kind: 'actions',
        show: (row) =>
          removable.has(row.id) &&
          actionButton(visitor, {
            action: to`/operator/groups/${group}/members/remove`,
            label: GROUPS.takeOut,
            about: row.username,
            fields: { user: row.id },
          }),
      },
    ],
  });
}

async function memberForm({ api, visitor }: PageRequest, { id: group }: Group): Promise<Html> {
  if (!(await api.may('PUT /v1/groups/{group}/members/{user}', { group, user: 'username:anybody' }))) return html``;
  const body = html`${field({ name: 'user', label: GROUPS.member, hint: GROUPS.memberHint, isRequired: true })}<button
      type="submit"
    >
      ${GROUPS.addMember}
    </button>`;
  return postForm({ action: to`/operator/groups/${group}/members`, visitor, look: 'filters', body });
}

const own = ({ group = '' }: Readonly<Record<string, string>>): string => to`/operator/groups/${group}`;

const rename = act({
  path: '/operator/groups/{group}/rename',
  route: 'PATCH /v1/groups/{group}',
  send: (form) => ({ body: { name: typed(form, 'name') ?? '' } }),
  to: own,
  said: 'started',
});

const remove = act({
  path: '/operator/groups/{group}/delete',
  route: 'DELETE /v1/groups/{group}',
  to: () => '/operator/groups',
  said: 'started',
});

function memberAct(path: string, route: string, userOf: (form: URLSearchParams) => string): PageDefinition {
  return page({
    method: 'post',
    path,
    needs: 'GET /v1/groups/{group}',
    async handler({ api, params, form }) {
      await api.call(route, { params: { group: params['group'] ?? '', user: userOf(form) } });
      return { kind: 'redirect', to: own(params), said: 'started' };
    },
  });
}

export const groupPages: readonly PageDefinition[] = [
  list,
  add,
  shown,
  rename,
  remove,
  memberAct(
    '/operator/groups/{group}/members',
    'PUT /v1/groups/{group}/members/{user}',
    (form) => `username:${typed(form, 'user') ?? ''}`,
  ),
  memberAct(
    '/operator/groups/{group}/members/remove',
    'DELETE /v1/groups/{group}/members/{user}',
    (form) => form.get('user') ?? '',
  ),
];
