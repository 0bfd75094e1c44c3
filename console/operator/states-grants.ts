import { actionButton, choice, field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { pager, table } from '../table';
import { SHARED } from '../texts/operator';
import { GRANTS, STATES } from '../texts/operator-organisation';
import { linesOf } from './config-form';
import { area, tick } from './fields';
import { act, asked, number, serviceLink, shortList, tag, to, typed, whoWhen } from './parts';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { Paged } from '../table';

interface State {
  readonly id: string;
  readonly name: string;
  readonly priority: number;
  readonly public: boolean;
  readonly groups: readonly string[];
  readonly builtIn: boolean;
}

const states = page({
  method: 'get',
  path: '/operator/states',
  needs: 'GET /v1/states',
  async handler(request) {
    const { api } = request;
    const { items } = await api.read<{ readonly items: readonly State[] }>('GET /v1/states');
    const editors = await Promise.all(items.map((state) => stateEditor(request, state)));
    const mayAdd = await api.may('POST /v1/states');
    const main = html`<p class="soft">${STATES.intro}</p>
      ${table({
        caption: STATES.caption,
        rows: items,
        empty: STATES.none,
        columns: [
          { label: SHARED.name, show: (row) => html`<bdi>${row.name}</bdi> ${row.builtIn && tag(STATES.builtIn)}` },
          { label: STATES.priority, kind: 'number', show: (row) => number(row.priority) },
          { label: STATES.isPublic, show: (row) => (row.public ? SHARED.yes : '') },
          { label: STATES.groups, show: (row) => shortList(row.groups) },
          { label: SHARED.actions, kind: 'actions', show: (row) => editors[items.indexOf(row)] },
        ],
      })}
      ${mayAdd && stateForm(request, '/operator/states', undefined)}`;
    return { kind: 'page', title: STATES.title, main };
  },
});

async function stateEditor(request: PageRequest, state: State): Promise<Html> {
  const { api, visitor } = request;
  const url = to`/operator/states/${state.id}`;
  const mayUpdate = await api.may('PATCH /v1/states/{state}', { state: state.id });
  const mayDelete = !state.builtIn && (await api.may('DELETE /v1/states/{state}', { state: state.id }));
  return html`${
    mayUpdate &&
    html`<details class="ask">
      <summary class="button">${STATES.edit}<span class="unseen"> ${state.name}</span></summary>
      <div>${stateForm(request, url, state)}</div>
    </details>`
  }
  ${
    mayDelete &&
    actionButton(visitor, {
      action: `${url}/delete`,
      label: SHARED.remove,
      look: 'danger',
      about: state.name,
      confirm: STATES.removeAsk(state.name),
    })
  }`;
}

function stateForm({ visitor }: PageRequest, action: string, state: State | undefined): Html {
  // Ids must differ: every state has a form on this page.
  const suffix = state === undefined ? '' : `.${state.id}`;
  const body = html`<fieldset class="bar">
    <legend>${state === undefined ? STATES.add : STATES.edit}</legend>
    ${field({ name: `name${suffix}`, label: SHARED.name, value: state?.name ?? '', isRequired: true })}
    ${field({ name: `priority${suffix}`, label: STATES.priority, type: 'number', value: String(state?.priority ?? ''), isRequired: true })}
    ${area({ name: `groups${suffix}`, label: STATES.groups, value: (state?.groups ?? []).join('\n'), hint: STATES.groupsHint })}
    ${tick({ name: `public${suffix}`, label: STATES.isPublic, isTicked: state?.public ?? false })}
    <button type="submit" class="main">${state === undefined ? STATES.add : STATES.save}</button>
  </fieldset>`;
  return postForm({ action, visitor, body });
}

function stateBody(form: URLSearchParams, suffix = ''): object {
  return {
    name: typed(form, `name${suffix}`) ?? '',
    priority: Number(typed(form, `priority${suffix}`) ?? 'none'),
    public: form.get(`public${suffix}`) === 'true',
    groups: linesOf(form.get(`groups${suffix}`) ?? '').map((name) => `name:${name}`),
  };
}

const addState = act({
  path: '/operator/states',
  route: 'POST /v1/states',
  send: (form) => ({ body: stateBody(form) }),
  to: () => '/operator/states',
  said: 'saved',
});

const updateState = act({
  path: '/operator/states/{state}',
  route: 'PATCH /v1/states/{state}',
  send: (form, { state = '' }) => ({ body: stateBody(form, `.${state}`) }),
  to: () => '/operator/states',
  said: 'saved',
});

const deleteState = act({
  path: '/operator/states/{state}/delete',
  route: 'DELETE /v1/states/{state}',
  to: () => '/operator/states',
  said: 'started',
});

interface Grant {
  readonly id: string;
  readonly service: string;
  readonly subject: { readonly kind: 'user' | 'group' | 'state'; readonly id: string; readonly name: string };
  readonly createdAt: string;
  readonly createdBy: string;
}

const grants = page({
  method: 'get',
  path: '/operator/grants',
  needs: 'GET /v1/grants',
  async handler(request) {
    const { api, query, url, visitor } = request;
    const found = await api.read<Paged<Grant>>('GET /v1/grants', {
      query: asked(query, ['cursor', 'service', 'user', 'group', 'state']),
    });
    const may = await Promise.all(
      found.items.map(({ id: grantId }) => api.may('DELETE /v1/grants/{grantId}', { grantId })),
    );
    const rows = table({
      caption: GRANTS.caption,
      rows: found.items,
      empty: GRANTS.none,
      columns: [
        { label: GRANTS.subject, show: (row) => subject(row) },
        { label: GRANTS.kind, show: (row) => GRANTS.kinds[row.subject.kind] },
        { label: GRANTS.service, show: (row) => serviceLink(row.service) },
        {
          label: GRANTS.granted,
          show: (row) => html`<span class="small">${whoWhen(row.createdBy, row.createdAt)}</span>`,
        },
        {
          label: SHARED.actions,
          kind: 'actions',
          show: (row) =>
            may[found.items.indexOf(row)] === true &&
            actionButton(visitor, {
              action: to`/operator/grants/${row.id}/delete`,
              label: GRANTS.take,
              look: 'danger',
              about: row.subject.name,
              confirm: GRANTS.takeAsk(row.subject.name, row.service),
            }),
        },
      ],
    });
    const mayAdd = await api.may('POST /v1/grants');
    const filters = html`<form method="get" class="filters">
      ${field({ name: 'service', label: GRANTS.service, value: query.get('service') ?? '' })}
      <button type="submit">${SHARED.apply}</button>
    </form>`;
    const main = html`${filters}${rows}${pager(url, found.cursor)}${mayAdd && grantForm(request)}`;
    return { kind: 'page', title: GRANTS.title, main };
  },
});

function subject({ subject: { kind, id, name } }: Grant): Html {
  if (kind === 'state') return html`<bdi>${name}</bdi>`;
  const url = kind === 'user' ? to`/operator/people/${id}` : to`/operator/groups/${id}`;
  return html`<a href="${url}"><bdi>${name}</bdi></a>`;
}

function grantForm({ visitor, query }: PageRequest): Html {
  const kinds = Object.entries(GRANTS.kinds).map(([value, label]) => ({ value, label }));
  const body = html`<fieldset class="bar">
    <legend>${GRANTS.add}</legend>
    ${field({ name: 'to', label: GRANTS.service, value: query.get('service') ?? '', isRequired: true })}
    ${choice({ name: 'kind', label: GRANTS.kind, value: 'group', options: kinds })}
    ${field({ name: 'subject', label: GRANTS.subject, hint: GRANTS.subjectHint, isRequired: true })}
    <button type="submit" class="main">${GRANTS.add}</button>
  </fieldset>`;
  return postForm({ action: '/operator/grants', visitor, body });
}

const addGrant = act({
  path: '/operator/grants',
  route: 'POST /v1/grants',
  send: (form) => {
    const name = typed(form, 'subject') ?? '';
    const kind = ['user', 'group', 'state'].find((one) => one === form.get('kind')) ?? 'group';
    return {
      body: { service: typed(form, 'to') ?? '', [kind]: kind === 'user' ? `username:${name}` : `name:${name}` },
    };
  },
  to: (_params, form) => to`/operator/grants?service=${typed(form, 'to') ?? ''}`,
  said: 'started',
});

const takeGrant = act({
  path: '/operator/grants/{grantId}/delete',
  route: 'DELETE /v1/grants/{grantId}',
  to: () => '/operator/grants',
  said: 'started',
});

export const statePages: readonly PageDefinition[] = [states, addState, updateState, deleteState];
export const grantPages: readonly PageDefinition[] = [grants, addGrant, takeGrant];
