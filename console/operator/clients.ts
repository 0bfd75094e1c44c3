import { actionButton, field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { pager, table } from '../table';
import { SHARED } from '../texts/operator';
import { IDENTITY } from '../texts/operator-organisation';
import { time } from '../time';
import { act, asked, facts, section, shortList, tag, to, typed } from './parts';
import { tokenTable } from './tokens';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { Paged } from '../table';
import type { Token } from './tokens';

interface Client {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly user: string | null;
  readonly enabled: boolean;
  readonly roles: readonly string[];
  readonly acl: readonly string[];
  readonly createdAt: string;
  readonly lastLoginAt: string | null;
}

const list = page({
  method: 'get',
  path: '/operator/clients',
  needs: 'GET /v1/auth/clients/all',
  async handler(request) {
    const { api, query, url } = request;
    const found = await api.read<Paged<Client>>('GET /v1/auth/clients/all', {
      query: asked(query, ['cursor', 'role', 'provider']),
    });
    const filters = html`<form method="get" class="filters">
      ${field({ name: 'role', label: IDENTITY.role, value: query.get('role') ?? '' })}
      ${field({ name: 'provider', label: IDENTITY.provider, value: query.get('provider') ?? '' })}
      <button type="submit">${SHARED.apply}</button>
    </form>`;
    const rows = table({
      caption: IDENTITY.clientsCaption,
      rows: found.items,
      empty: IDENTITY.clientsNone,
      columns: [
        {
          label: SHARED.name,
          show: (row) => html`<a href="${to`/operator/clients/${row.id}`}"><bdi>${row.name}</bdi></a>`,
        },
        { label: IDENTITY.provider, show: (row) => row.provider },
        {
          label: SHARED.status,
          show: (row) => tag(row.enabled ? IDENTITY.enabled : IDENTITY.disabled, row.enabled ? 'good' : 'warn'),
        },
        { label: IDENTITY.roles, show: (row) => shortList(row.roles) },
        {
          label: IDENTITY.person,
          show: (row) =>
            row.user !== null && html`<a href="${to`/operator/people/${row.user}`}">${IDENTITY.person}</a>`,
        },
        { label: IDENTITY.lastLogin, show: (row) => time(row.lastLoginAt, SHARED.never) },
      ],
    });
    const mayAdd = await api.may('POST /v1/auth/clients/create');
    const main = html`${filters}${rows}${pager(url, found.cursor)}${mayAdd && addForm(request)}`;
    return { kind: 'page', title: IDENTITY.clients, main };
  },
});

function addForm({ visitor }: PageRequest): Html {
  const body = html`<fieldset class="bar">
    <legend>${IDENTITY.addClient}</legend>
    ${field({ name: 'username', label: IDENTITY.username, isRequired: true })}
    ${field({ name: 'password', label: IDENTITY.password, type: 'password', autocomplete: 'new-password', hint: IDENTITY.passwordHint, isRequired: true })}
    ${field({ name: 'user', label: IDENTITY.link, hint: IDENTITY.personHint })}
    ${field({ name: 'roles', label: IDENTITY.roles })}
    <button type="submit" class="main">${IDENTITY.addClient}</button>
  </fieldset>`;
  return postForm({ action: '/operator/clients', visitor, body });
}

const add = page({
  method: 'post',
  path: '/operator/clients',
  needs: 'POST /v1/auth/clients/create',
  async handler({ api, form }) {
    const user = typed(form, 'user');
    const given = (typed(form, 'roles') ?? '').split(/[\s,]+/).filter((role) => role !== '');
    const client = await api.read<Client>('POST /v1/auth/clients/create', {
      body: {
        username: typed(form, 'username') ?? '',
        password: form.get('password') ?? '',
        ...(given.length > 0 ? { roles: given } : {}),
        ...(user === undefined ? {} : { user: `username:${user}` }),
      },
    });
    return { kind: 'redirect', to: to`/operator/clients/${client.id}`, said: 'saved' };
  },
});

const shown = page({
  method: 'get',
  path: '/operator/clients/{client}',
  needs: 'GET /v1/auth/clients/{client}',
  async handler(request) {
    const { api, params } = request;
    const { client: id = '' } = params;
    const client = await api.read<Client>('GET /v1/auth/clients/{client}', { params: { client: id } });
    const main = html`${await buttons(request, client)}
    ${facts([
      [IDENTITY.provider, client.provider],
      [SHARED.status, tag(client.enabled ? IDENTITY.enabled : IDENTITY.disabled, client.enabled ? 'good' : 'warn')],
      [
        IDENTITY.person,
        client.user !== null && html`<a href="${to`/operator/people/${client.user}`}">${IDENTITY.person}</a>`,
      ],
      [IDENTITY.created, time(client.createdAt)],
      [IDENTITY.lastLogin, time(client.lastLoginAt, SHARED.never)],
      [IDENTITY.acl, client.acl.length > 0 && html`<code>${client.acl.join(' ')}</code>`],
    ])}
    ${section(IDENTITY.roles, await roles(request, client))} ${await linkForm(request, client)}
    ${await tokens(request, client)}`;
    const trail = [{ label: IDENTITY.clients, url: '/operator/clients' }];
    return { kind: 'page', title: client.name, main, trail };
  },
});

async function buttons({ api, visitor }: PageRequest, { id: client, name, enabled }: Client): Promise<Html> {
  const url = to`/operator/clients/${client}`;
  const may = (route: string): Promise<boolean> => api.may(route, { client });
  return html`<div class="row">
    ${
      !enabled &&
      (await may('POST /v1/auth/clients/{client}/enable')) &&
      actionButton(visitor, { action: `${url}/enable`, label: IDENTITY.enable, look: 'main' })
    }
    ${
      enabled &&
      (await may('POST /v1/auth/clients/{client}/disable')) &&
      actionButton(visitor, { action: `${url}/disable`, label: IDENTITY.disable, confirm: IDENTITY.disableAsk(name) })
    }
    ${
      (await may('DELETE /v1/auth/clients/{client}')) &&
      actionButton(visitor, {
        action: `${url}/delete`,
        label: SHARED.remove,
        look: 'danger',
        confirm: IDENTITY.removeAsk(name),
      })
    }
  </div>`;
}

async function roles({ api, visitor }: PageRequest, { id: client, roles: own }: Client): Promise<Html> {
  const action = to`/operator/clients/${client}/roles`;
  const items = await Promise.all(
    own.map(async (role) => {
      const may = await api.may('DELETE /v1/auth/clients/{client}/roles/{role}', { client, role });
      const button = { action: `${action}/take`, label: IDENTITY.takeRole, about: role, fields: { role } };
      return html`<li>${role} ${may && actionButton(visitor, button)}</li>`;
    }),
  );
  const mayGive = await api.may('POST /v1/auth/clients/{client}/roles/{role}', { client, role: 'any' });
  const body = html`${field({ name: 'role', label: IDENTITY.role, isRequired: true })}<button type="submit">
      ${IDENTITY.giveRole}
    </button>`;
  return html`${
    items.length === 0
      ? html`<p class="soft">${IDENTITY.noRoles}</p>`
      : html`<ul class="chips">
          ${items}
        </ul>`
  }
  ${mayGive && postForm({ action, visitor, look: 'filters', body })}`;
}

async function linkForm({ api, visitor }: PageRequest, { id: client }: Client): Promise<Html> {
  if (!(await api.may('PUT /v1/auth/clients/{client}/user', { client }))) return html``;
  const body = html`${field({ name: 'user', label: IDENTITY.link, hint: IDENTITY.linkHint })}<button type="submit">
      ${SHARED.save}
    </button>`;
  return postForm({ action: to`/operator/clients/${client}/user`, visitor, look: 'filters', body });
}

async function tokens(request: PageRequest, { id: client }: Client): Promise<Html> {
  const { api, visitor } = request;
  if (!(await api.may('GET /v1/auth/tokens/all'))) return html``;
  const { items } = await api.read<Paged<Token>>('GET /v1/auth/tokens/all', { query: { client, limit: '20' } });
  const mayEnd = items.length > 0 && (await api.may('DELETE /v1/auth/tokens/all'));
  const button = {
    action: to`/operator/clients/${client}/tokens/end`,
    label: IDENTITY.endAllOf,
    look: 'danger' as const,
    confirm: IDENTITY.endAllAsk,
  };
  return section(
    IDENTITY.ofClient,
    html`${await tokenTable(request, items)}${mayEnd && actionButton(visitor, button)}`,
    html`<a href="${to`/operator/tokens?client=${client}`}">${IDENTITY.tokens}</a>`,
  );
}

const own = ({ client = '' }: Readonly<Record<string, string>>): string => to`/operator/clients/${client}`;

const endTokens = act({
  path: '/operator/clients/{client}/tokens/end',
  route: 'DELETE /v1/auth/tokens/all',
  needs: 'GET /v1/auth/tokens/all',
  params: () => ({}),
  send: (_form, { client = '' }) => ({ query: { client } }),
  to: own,
  said: 'ended',
});

function switchTo(verb: 'enable' | 'disable'): PageDefinition {
  return act({
    path: `/operator/clients/{client}/${verb}`,
    route: `POST /v1/auth/clients/{client}/${verb}`,
    to: own,
  });
}

const remove = act({
  path: '/operator/clients/{client}/delete',
  route: 'DELETE /v1/auth/clients/{client}',
  to: () => '/operator/clients',
  said: 'deleted',
});

function roleAct(path: string, route: string): PageDefinition {
  return page({
    method: 'post',
    path,
    needs: 'GET /v1/auth/clients/{client}',
    async handler({ api, params, form }) {
      await api.call(route, { params: { client: params['client'] ?? '', role: typed(form, 'role') ?? '' } });
      return { kind: 'redirect', to: own(params), said: 'saved' };
    },
  });
}

const link = act({
  path: '/operator/clients/{client}/user',
  route: 'PUT /v1/auth/clients/{client}/user',
  send: (form) => {
    const user = typed(form, 'user');
    return { body: { user: user === undefined ? null : `username:${user}` } };
  },
  to: own,
  said: 'saved',
});

export const clientPages: readonly PageDefinition[] = [
  list,
  add,
  shown,
  switchTo('enable'),
  switchTo('disable'),
  remove,
  roleAct('/operator/clients/{client}/roles', 'POST /v1/auth/clients/{client}/roles/{role}'),
  roleAct('/operator/clients/{client}/roles/take', 'DELETE /v1/auth/clients/{client}/roles/{role}'),
  link,
  endTokens,
];
