import { Problem } from '../../api/problem';
import { choice, field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { selection } from '../selection';
import { pager, table } from '../table';
import { ACTIONS, SHARED } from '../texts/operator';
import { ACCOUNTS, SERVICE } from '../texts/operator-service';
import { time } from '../time';
import { accountLink, asked, reasonOf, statusTag, tag, to } from './parts';
import { serviceTabs, serviceTrail } from './service-frame';
import { SYNC_FILTER } from './syncs';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { Column, Paged } from '../table';
import type { Account, Service } from './answers';

const STATUSES = ['', 'none', 'pending', 'active', 'disabled', 'removed'];
const ATTENTIONS = ['', 'waiting', 'rejected', 'staged', 'held', 'action required'];

const list = page({
  method: 'get',
  path: '/operator/services/{name}/accounts',
  needs: 'GET /v1/services/{name}/accounts',
  async handler(request) {
    const { api, params, query, isPart } = request;
    const { name = '' } = params;
    const found = await api.read<Paged<Account>>('GET /v1/services/{name}/accounts', {
      params: { name },
      query: asked(query, ['cursor', 'status', 'attention', 'q']),
    });
    const part = await accountsPart(request, found);
    if (isPart) return { kind: 'part', html: part };
    const main = html`${await serviceTabs(request, name, 'accounts')}${filters(query)}${part}`;
    return { kind: 'page', title: `${SERVICE.accounts}: ${name}`, main, trail: serviceTrail(name) };
  },
});

function filters(query: URLSearchParams): Html {
  const q = { name: 'q', label: ACCOUNTS.search, type: 'search' as const, value: query.get('q') ?? '' };
  const options = (values: readonly string[]) =>
    values.map((value) => ({ value, label: value === '' ? SHARED.all : value }));
  return html`<form
    method="get"
    class="filters"
    hx-get=""
    hx-target="#accounts"
    hx-swap="outerHTML"
    hx-trigger="submit, change, input delay:300ms from:#field-q"
  >
    ${field(q)}
    ${choice({ name: 'status', label: SHARED.status, value: query.get('status') ?? '', options: options(STATUSES) })}
    ${choice({ name: 'attention', label: ACCOUNTS.attention, value: query.get('attention') ?? '', options: options(ATTENTIONS) })}
    <button type="submit">${SHARED.apply}</button>
  </form>`;
}

async function accountsPart(request: PageRequest, found: Paged<Account>): Promise<Html> {
  const { params, visitor, url } = request;
  const { name = '' } = params;
  const actions = await possibleActions(request, name);
  const rows = table({
    caption: ACCOUNTS.caption(name),
    rows: found.items,
    empty: ACCOUNTS.none,
    columns: [...columns(name), ...(actions.length > 0 ? [people] : [])],
  });
  const body =
    actions.length === 0 || found.items.length === 0
      ? rows
      : postForm({
          action: to`/operator/services/${name}/accounts/actions`,
          visitor,
          body: html`${rows}${actionBar(actions)}`,
        });
  return html`<div id="accounts">${body}${pager(url, found.cursor)}${await syncLink(request, name)}</div>`;
}

/** Beyond those that can be ticked: all that the filter finds. */
async function syncLink({ api, query }: PageRequest, name: string): Promise<Html | false> {
  const filter = new URLSearchParams();
  for (const [key, value] of Object.entries(asked(query, SYNC_FILTER))) if (value !== undefined) filter.set(key, value);
  if (filter.size === 0 || !(await api.may('POST /v1/services/{name}/syncs', { name }))) return false;
  const url = `${to`/operator/services/${name}/syncs`}?${filter.toString()}`;
  return html`<p><a class="button" href="${url}">${ACCOUNTS.syncLike}</a></p>`;
}

/** What the service can do and this person may ask for. */
async function possibleActions({ api }: PageRequest, name: string): Promise<readonly string[]> {
  if (!(await api.may('POST /v1/services/{name}/actions', { name }))) return [];
  if (!(await api.may('GET /v1/services/{name}', { name }))) return [];
  const { actions } = await api.read<Service>('GET /v1/services/{name}', { params: { name } });
  return actions.filter((action) => action !== 'setPassword');
}

function columns(name: string): readonly Column<Account>[] {
  return [
    { label: SHARED.user, show: (row) => accountLink(name, row.user) },
    { label: SHARED.status, show: (row) => standing(row) },
    { label: ACCOUNTS.remoteName, show: (row) => html`<bdi class="mono">${row.remoteName ?? ''}</bdi>` },
    { label: ACCOUNTS.last, show: (row) => time(row.lastWriteAt) },
    { label: ACCOUNTS.next, show: (row) => (row.nextTry === 'never' ? SHARED.never : time(row.nextTry)) },
    { label: ACCOUNTS.trouble, show: (row) => html`<span class="small">${row.lastError?.message ?? ''}</span>` },
  ];
}

function standing({ status, attention, due, running }: Account): Html {
  return html`${statusTag(status)} ${attention !== null && statusTag(attention)} ${due && tag(ACCOUNTS.due)}
  ${running && tag(ACCOUNTS.running, 'busy')}`;
}

const people = selection<Account>('user', ({ user }) => ({ value: user.id, name: user.username }));

function actionBar(actions: readonly string[]): Html {
  return html`<fieldset class="bar">
    <legend>${ACCOUNTS.selected}</legend>
    ${choice({
      name: 'action',
      label: ACCOUNTS.action,
      value: 'updateGroups',
      options: actions.map((action) => ({ value: action, label: ACTIONS[action] ?? action })),
    })}
    ${field({ name: 'reason', label: SHARED.reason })}
    <button type="submit" class="main">${ACCOUNTS.run}</button>
  </fieldset>`;
}

interface ActionAnswer {
  readonly operation?: { readonly id: string; readonly syncId: string | null };
  readonly results?: readonly {
    readonly user: string;
    readonly operationId?: string;
    readonly problem?: { readonly detail: string };
  }[];
}

const run = page({
  method: 'post',
  path: '/operator/services/{name}/accounts/actions',
  needs: 'POST /v1/services/{name}/actions',
  async handler(request) {
    const { api, params, form } = request;
    const { name = '' } = params;
    const users = form.getAll('user');
    if (users.length === 0) throw new Problem('invalid-body', ACCOUNTS.nobody);
    const body = { action: form.get('action') ?? '', users, ...reasonOf(form) };
    const answer = await api.read<ActionAnswer>('POST /v1/services/{name}/actions', { params: { name }, body });
    const { operation, results = [] } = answer;
    if (operation !== undefined) {
      const { syncId, id } = operation;
      const target = syncId === null ? to`/operator/operations/${id}` : to`/operator/services/${name}/syncs/${syncId}`;
      return { kind: 'redirect', to: target, said: 'started' };
    }
    const main = table({
      caption: ACCOUNTS.resultsCaption,
      rows: results,
      empty: SHARED.none,
      columns: [
        { label: SHARED.user, show: (row) => accountLink(name, { id: row.user, username: null }) },
        {
          label: ACCOUNTS.outcome,
          show: (row) =>
            row.operationId === undefined
              ? html`${tag(row.problem?.detail ?? '', 'bad')}`
              : html`<a href="${to`/operator/operations/${row.operationId}`}">${ACCOUNTS.begun}</a>`,
        },
      ],
    });
    return { kind: 'page', title: ACCOUNTS.results, main, trail: serviceTrail(name) };
  },
});

export const accountPages: readonly PageDefinition[] = [list, run];
