import { actionButton, choice, field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { pager, table } from '../table';
import { EXPLAIN, PEOPLE, SHARED } from '../texts/operator';
import { ACCOUNTS } from '../texts/operator-service';
import { time } from '../time';
import { operationColumns } from './operations';
import { accountUrl, act, asked, dataText, facts, section, statusTag, tag, to, typed } from './parts';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { Paged } from '../table';
import type { Account, Operation, Person } from './answers';

const list = page({
  method: 'get',
  path: '/operator/people',
  needs: 'GET /v1/users',
  async handler(request) {
    const { api, query, url, isPart } = request;
    const found = await api.read<Paged<Person>>('GET /v1/users', {
      query: asked(query, ['cursor', 'q', 'active', 'state']),
    });
    const rows = html`<div id="people">
      ${table({
        caption: PEOPLE.caption,
        rows: found.items,
        empty: query.size === 0 ? PEOPLE.noneYet : PEOPLE.none,
        columns: [
          {
            label: PEOPLE.username,
            show: (row) => html`<a href="${to`/operator/people/${row.id}`}"><bdi>${row.username}</bdi></a>`,
          },
          { label: PEOPLE.display, show: (row) => html`<bdi>${row.displayName}</bdi>` },
          { label: PEOPLE.email, show: (row) => html`<bdi>${row.email ?? ''}</bdi>` },
          { label: PEOPLE.state, show: (row) => row.state ?? '' },
          { label: PEOPLE.active, show: (row) => !row.active && tag(PEOPLE.inactive, 'warn') },
        ],
      })}${pager(url, found.cursor)}
    </div>`;
    if (isPart) return { kind: 'part', html: rows };
    const mayAdd = await api.may('POST /v1/users');
    const main = html`${filters(query)}${rows}${mayAdd && addForm(request)}`;
    return { kind: 'page', title: PEOPLE.title, main };
  },
});

function filters(query: URLSearchParams): Html {
  return html`<form
    method="get"
    class="filters"
    role="search"
    hx-get=""
    hx-target="#people"
    hx-swap="outerHTML"
    hx-trigger="submit, change, input delay:300ms from:#field-q"
  >
    ${field({ name: 'q', label: PEOPLE.search, type: 'search', value: query.get('q') ?? '' })}
    ${field({ name: 'state', label: PEOPLE.state, value: query.get('state') ?? '' })}
    ${choice({
      name: 'active',
      label: PEOPLE.active,
      value: query.get('active') ?? '',
      options: [
        { value: '', label: SHARED.all },
        { value: 'true', label: PEOPLE.onlyActive },
        { value: 'false', label: PEOPLE.onlyInactive },
      ],
    })}
    <button type="submit">${SHARED.search}</button>
  </form>`;
}

function addForm({ visitor }: PageRequest): Html {
  const body = html`<fieldset class="bar">
    <legend>${PEOPLE.add}</legend>
    ${field({ name: 'username', label: PEOPLE.username, isRequired: true })}
    ${field({ name: 'displayName', label: PEOPLE.display })}
    ${field({ name: 'email', label: PEOPLE.email, type: 'email' })}
    <button type="submit">${PEOPLE.add}</button>
  </fieldset>`;
  return postForm({ action: '/operator/people', visitor, body });
}

const add = page({
  method: 'post',
  path: '/operator/people',
  needs: 'POST /v1/users',
  async handler({ api, form }) {
    const body = Object.fromEntries(
      ['username', 'displayName', 'email'].flatMap((name) => {
        const text = typed(form, name);
        return text === undefined ? [] : [[name, text]];
      }),
    );
    const { user } = await api.read<{ readonly user: Person }>('POST /v1/users', { body });
    return { kind: 'redirect', to: to`/operator/people/${user.id}`, said: 'saved' };
  },
});

const shown = page({
  method: 'get',
  path: '/operator/people/{user}',
  // A person may read themselves there: whose page this is, is for operators all the same.
  needs: 'GET /v1/users',
  async handler(request) {
    const { api, params } = request;
    const { user = '' } = params;
    const person = await api.read<Person>('GET /v1/users/{user}', { params: { user } });
    const main = html`${await buttons(request, person)}${profile(person)}${await groups(request, person)}
    ${await accounts(request, person)}${await operations(request, person)}`;
    const trail = [{ label: PEOPLE.title, url: '/operator/people' }];
    return { kind: 'page', title: person.displayName, main, trail };
  },
});

async function buttons({ api, visitor }: PageRequest, { id, username, active }: Person): Promise<Html> {
  const mayUpdate = await api.may('PATCH /v1/users/{user}', { user: id });
  const mayDelete = await api.may('DELETE /v1/users/{user}', { user: id });
  return html`<div class="row">
    ${mayUpdate && html`<a class="button main" href="${to`/operator/people/${id}/profile`}">${PEOPLE.edit}</a>`}
    ${
      mayUpdate &&
      actionButton(visitor, {
        action: to`/operator/people/${id}/activity`,
        label: active ? PEOPLE.deactivate : PEOPLE.activate,
        fields: { active: String(!active) },
        ...(active ? { look: 'danger' as const, confirm: PEOPLE.deactivateAsk(username) } : {}),
      })
    }
    ${
      mayDelete &&
      actionButton(visitor, {
        action: to`/operator/people/${id}/delete`,
        label: SHARED.remove,
        look: 'danger',
        confirm: PEOPLE.deleteAsk(username),
      })
    }
  </div>`;
}

function profile(person: Person): Html {
  return facts([
    [PEOPLE.username, html`<bdi>${person.username}</bdi> ${!person.active && tag(PEOPLE.inactive, 'warn')}`],
    [PEOPLE.email, person.email !== null && html`<bdi>${person.email}</bdi>`],
    [PEOPLE.state, person.state],
    [PEOPLE.sourceState, person.sourceState],
    [PEOPLE.externalId, person.externalId !== null && html`<bdi class="mono">${person.externalId}</bdi>`],
    [PEOPLE.attributes, dataText(person.attributes) !== '' && html`<bdi>${dataText(person.attributes)}</bdi>`],
  ]);
}

async function groups({ api, visitor }: PageRequest, person: Person): Promise<Html> {
  const { groups: own = [], id: user } = person;
  const items = await Promise.all(
    own.map(async ({ id: group, name }) => {
      const may = await api.may('DELETE /v1/groups/{group}/members/{user}', { group, user });
      return html`<li>
        <a href="${to`/operator/groups/${group}`}"><bdi>${name}</bdi></a>
        ${
          may &&
          actionButton(visitor, {
            action: to`/operator/people/${user}/leave`,
            label: PEOPLE.leave,
            about: name,
            fields: { group },
          })
        }
      </li>`;
    }),
  );
  const mayJoin = await api.may('PUT /v1/groups/{group}/members/{user}', { user, group: 'name:any' });
  const join =
    mayJoin &&
    postForm({
      action: to`/operator/people/${user}/join`,
      visitor,
      look: 'filters',
      body: html`${field({ name: 'group', label: PEOPLE.groupName, isRequired: true })}<button type="submit">
          ${PEOPLE.join}
        </button>`,
    });
  const body =
    items.length === 0
      ? html`<p class="empty">${PEOPLE.noGroups}</p>`
      : html`<ul class="chips">
          ${items}
        </ul>`;
  return section(PEOPLE.groups, html`${body}${join}`);
}

async function accounts({ api }: PageRequest, person: Person): Promise<Html> {
  const { id: user } = person;
  if (!(await api.may('GET /v1/users/{user}/accounts', { user }))) return html``;
  const { items } = await api.read<Paged<Account>>('GET /v1/users/{user}/accounts', { params: { user } });
  const rows = table({
    caption: PEOPLE.accountsCaption(person.username),
    rows: items,
    empty: PEOPLE.noAccounts,
    columns: [
      { label: SHARED.service, show: (row) => html`<a href="${accountUrl(row.service, user)}">${row.service}</a>` },
      {
        label: SHARED.status,
        show: (row) =>
          html`${statusTag(row.status)} ${row.attention !== null && statusTag(row.attention)}
          ${row.due && tag(ACCOUNTS.due)}`,
      },
      { label: ACCOUNTS.remoteName, show: (row) => html`<bdi class="mono">${row.remoteName ?? ''}</bdi>` },
      { label: ACCOUNTS.last, show: (row) => time(row.lastWriteAt) },
      { label: ACCOUNTS.trouble, show: (row) => html`<span class="small">${row.lastError?.message ?? ''}</span>` },
      {
        label: SHARED.actions,
        kind: 'actions',
        show: (row) =>
          html`<a class="button" href="${accountUrl(row.service, user)}"
            >${PEOPLE.explain}<span class="unseen"> ${row.service}</span></a
          >`,
      },
    ],
  });
  return section(PEOPLE.accounts, html`${rows}${await otherServices(api, user, items)}`);
}

/** Why somebody has no account is asked as often as why they have one. */
async function otherServices(api: PageRequest['api'], user: string, items: readonly Account[]): Promise<Html> {
  if (!(await api.may('GET /v1/services'))) return html``;
  const { items: services } = await api.read<Paged<{ readonly name: string }>>('GET /v1/services', {
    query: { limit: '100' },
  });
  const others = services.filter(({ name }) => !items.some(({ service }) => service === name));
  if (others.length === 0) return html``;
  return html`<p class="small">
    ${PEOPLE.explainNone}: ${others.map(({ name }) => html`<a href="${accountUrl(name, user)}">${name}</a> `)}
  </p>`;
}

async function operations({ api }: PageRequest, { id: user }: Person): Promise<Html> {
  if (!(await api.may('GET /v1/operations'))) return html``;
  const { items } = await api.read<Paged<Operation>>('GET /v1/operations', { query: { user, limit: '10' } });
  const caption = EXPLAIN.asked;
  return section(
    PEOPLE.operations,
    table({ caption, rows: items, empty: EXPLAIN.askedNone, columns: operationColumns }),
    html`<a href="${to`/operator/operations?user=${user}`}">${SHARED.operations}</a>`,
  );
}

const own = ({ user = '' }: Readonly<Record<string, string>>): string => to`/operator/people/${user}`;

const activity = act({
  path: '/operator/people/{user}/activity',
  route: 'PATCH /v1/users/{user}',
  send: (form) => ({ body: { active: form.get('active') === 'true' } }),
  to: own,
  said: 'started',
});

const remove = act({
  path: '/operator/people/{user}/delete',
  route: 'DELETE /v1/users/{user}',
  to: () => '/operator/people',
  said: 'started',
});

const join = page({
  method: 'post',
  path: '/operator/people/{user}/join',
  needs: 'GET /v1/users',
  async handler({ api, params, form }) {
    const { user = '' } = params;
    const group = `name:${typed(form, 'group') ?? ''}`;
    await api.call('PUT /v1/groups/{group}/members/{user}', { params: { user, group } });
    return { kind: 'redirect', to: own(params), said: 'started' };
  },
});

const leave = page({
  method: 'post',
  path: '/operator/people/{user}/leave',
  needs: 'GET /v1/users',
  async handler({ api, params, form }) {
    const { user = '' } = params;
    const group = form.get('group') ?? '';
    await api.call('DELETE /v1/groups/{group}/members/{user}', { params: { user, group } });
    return { kind: 'redirect', to: own(params), said: 'started' };
  },
});

export const peoplePages: readonly PageDefinition[] = [list, add, shown, activity, remove, join, leave];
