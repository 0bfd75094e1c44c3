import { actionButton } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { pager, table } from '../table';
import { SHARED } from '../texts/operator';
import { COMPARE, OPERATIONS, SYNC } from '../texts/operator-work';
import { time } from '../time';
import { every } from './every';
import { accountLink, asked, dataText, facts, number, statusTag, temporalLink, to, whoWhen } from './parts';
import { serviceTabs, serviceTrail } from './service-frame';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { Paged } from '../table';
import type { Named, Service } from './answers';

interface Comparison {
  readonly id: string;
  readonly service: string;
  readonly mode: string;
  readonly status: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly accounts: number;
  readonly groups: number;
  readonly found: Readonly<Record<string, number>>;
  readonly repaired: number;
  readonly error: string | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly links: { readonly temporal?: string };
}

interface Difference {
  readonly kind: string;
  readonly user: Named | null;
  readonly remoteName: string | null;
  readonly expected: Readonly<Record<string, unknown>> | null;
  readonly actual: Readonly<Record<string, unknown>> | null;
}

const ROUTE = 'GET /v1/services/{name}/reconciliations/{reconciliationId}';
const REFRESH_MS = 2_000;

const list = page({
  method: 'get',
  path: '/operator/services/{name}/comparisons',
  needs: 'GET /v1/services/{name}/reconciliations',
  async handler(request) {
    const { api, params, query, url } = request;
    const { name = '' } = params;
    const found = await api.read<Paged<Comparison>>('GET /v1/services/{name}/reconciliations', {
      params: { name },
      query: asked(query, ['cursor']),
    });
    const main = html`${await serviceTabs(request, name, 'comparisons')}${await buttons(request, name)}
    ${table({
      caption: COMPARE.caption(name),
      rows: found.items,
      empty: COMPARE.none,
      columns: [
        {
          label: SHARED.when,
          show: (row) =>
            html`<a href="${to`/operator/services/${name}/comparisons/${row.id}`}">${time(row.createdAt)}</a>`,
        },
        { label: COMPARE.mode, show: (row) => row.mode },
        { label: SHARED.status, show: (row) => statusTag(row.status) },
        { label: COMPARE.listed, show: (row) => COMPARE.listedText(number(row.accounts), number(row.groups)) },
        { label: COMPARE.found, show: (row) => html`<span class="small">${dataText(row.found)}</span>` },
        { label: COMPARE.repaired, kind: 'number', show: (row) => number(row.repaired) },
      ],
    })}${pager(url, found.cursor)}`;
    return { kind: 'page', title: `${COMPARE.title}: ${name}`, main, trail: serviceTrail(name) };
  },
});

async function buttons({ api, visitor }: PageRequest, name: string): Promise<Html> {
  if (!(await api.may('POST /v1/services/{name}/reconciliations', { name }))) return html``;
  if (!(await api.may('GET /v1/services/{name}', { name }))) return html``;
  const { abilities } = await api.read<Service>('GET /v1/services/{name}', { params: { name } });
  if (!abilities.manager.includes('listAccounts')) return html`<p class="soft">${COMPARE.cannot}</p>`;
  const action = to`/operator/services/${name}/comparisons`;
  return html`<div class="row">
    ${actionButton(visitor, { action, label: COMPARE.report, fields: { mode: 'report' } })}
    ${actionButton(visitor, { action, label: COMPARE.repair, confirm: COMPARE.repairAsk, fields: { mode: 'repair' } })}
  </div>`;
}

const begin = page({
  method: 'post',
  path: '/operator/services/{name}/comparisons',
  needs: 'POST /v1/services/{name}/reconciliations',
  async handler({ api, params: { name = '' }, form }) {
    const body = { mode: form.get('mode') ?? 'report' };
    const begun = await api.read<Comparison>('POST /v1/services/{name}/reconciliations', { params: { name }, body });
    return { kind: 'redirect', to: to`/operator/services/${name}/comparisons/${begun.id}`, said: 'started' };
  },
});

const shown = page({
  method: 'get',
  path: '/operator/services/{name}/comparisons/{reconciliationId}',
  needs: ROUTE,
  async handler(request) {
    const { name = '', reconciliationId: id = '' } = request.params;
    const { html: view, isLast } = await draw(request);
    const live = to`/operator/services/${name}/comparisons/${id}/live`;
    const main = isLast ? view : html`<div data-live="${live}">${view}</div>`;
    const trail = [...serviceTrail(name), { label: COMPARE.title, url: to`/operator/services/${name}/comparisons` }];
    return { kind: 'page', title: COMPARE.one, main, trail };
  },
});

const live = page({
  method: 'get',
  path: '/operator/services/{name}/comparisons/{reconciliationId}/live',
  needs: ROUTE,
  // Of one comparison and until it has ended: few look at it, and not for long.
  handler: async (request) => ({
    kind: 'live',
    parts: every({ ms: REFRESH_MS, signal: request.signal }, () => draw(request)),
  }),
});

async function draw({
  api,
  params,
  query,
  url,
}: PageRequest): Promise<{ readonly html: Html; readonly isLast: boolean }> {
  const { name = '' } = params;
  const [run, found] = await Promise.all([
    api.read<Comparison>(ROUTE, { params }),
    api.read<Paged<Difference>>(`${ROUTE}/items`, { params, query: asked(query, ['cursor', 'kind']) }),
  ]);
  const view = html`${facts([
    [SHARED.status, statusTag(run.status)],
    [COMPARE.mode, run.mode],
    [COMPARE.listed, COMPARE.listedText(number(run.accounts), number(run.groups))],
    [COMPARE.found, dataText(run.found) || COMPARE.itemsNone],
    [COMPARE.repaired, number(run.repaired)],
    [SYNC.error, run.error],
    [SYNC.asked, whoWhen(run.actor, run.createdAt)],
    [SHARED.reason, run.reason],
    [OPERATIONS.ended, time(run.finishedAt)],
    ['Temporal', run.links.temporal !== undefined && temporalLink(run.links)],
  ])}
  ${table({
    caption: COMPARE.itemsCaption,
    rows: found.items,
    empty: COMPARE.itemsNone,
    columns: [
      { label: SHARED.kind, show: (row) => row.kind },
      { label: SHARED.user, show: (row) => row.user !== null && accountLink(name, row.user) },
      { label: COMPARE.remote, show: (row) => html`<bdi class="mono">${row.remoteName ?? ''}</bdi>` },
      { label: COMPARE.expected, show: (row) => html`<span class="small">${dataText(row.expected ?? {})}</span>` },
      { label: COMPARE.actual, show: (row) => html`<span class="small">${dataText(row.actual ?? {})}</span>` },
    ],
  })}${pager(url, found.cursor)}`;
  return { html: view, isLast: run.finishedAt !== null };
}

export const comparisonPages: readonly PageDefinition[] = [list, begin, shown, live];
