import { readOwnSync, showSync } from '../../api/sync-views';
import { syncWatch } from '../../api/sync-watch';
import { choice, field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { pager, table } from '../table';
import { SHARED } from '../texts/operator';
import { SYNC } from '../texts/operator-work';
import { time } from '../time';
import { tick } from './fields';
import { accountLink, act, asked, dataText, number, offers, reasonOf, statusTag, to, whoWhen } from './parts';
import { serviceTabs, serviceTrail } from './service-frame';
import { syncView } from './sync-view';
import type { ApiContext } from '../../api/context';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { Paged } from '../table';
import type { Sync, SyncItem } from './answers';
import type { Offer } from './parts';

/** What a sync may be narrowed to: as the list of accounts is. */
export const SYNC_FILTER: readonly string[] = ['status', 'attention', 'q'];

const list = page({
  method: 'get',
  path: '/operator/services/{name}/syncs',
  needs: 'GET /v1/services/{name}/syncs',
  async handler(request) {
    const { api, params, query, url } = request;
    const { name = '' } = params;
    const found = await api.read<Paged<Sync>>('GET /v1/services/{name}/syncs', {
      params: { name },
      query: asked(query, ['cursor']),
    });
    const mayStart = await api.may('POST /v1/services/{name}/syncs', { name });
    const main = html`${await serviceTabs(request, name, 'syncs')}${mayStart && startForm(request, name)}
    ${table({
      caption: SYNC.caption(name),
      rows: found.items,
      empty: SYNC.none,
      columns: [
        { label: SHARED.kind, show: (row) => html`<a href="${urlOf(row)}">${titleOf(row)}</a>` },
        { label: SHARED.status, show: (row) => statusTag(row.status) },
        { label: SYNC.total, kind: 'number', show: (row) => number(row.total) },
        { label: SYNC.succeeded, kind: 'number', show: (row) => number(row.succeeded) },
        { label: SYNC.unchanged, kind: 'number', show: (row) => number(row.unchanged) },
        { label: SYNC.skipped, kind: 'number', show: (row) => number(row.skipped) },
        { label: SYNC.failed, kind: 'number', show: (row) => number(row.failed) },
        { label: SYNC.asked, show: (row) => html`<span class="small">${whoWhen(row.actor, row.createdAt)}</span>` },
        { label: SYNC.ended, show: (row) => time(row.finishedAt) },
      ],
    })}${pager(url, found.cursor)}`;
    return { kind: 'page', title: `${SYNC.listTitle}: ${name}`, main, trail: serviceTrail(name) };
  },
});

function urlOf({ service, id }: Sync): string {
  return to`/operator/services/${service}/syncs/${id}`;
}

function titleOf({ kind, dryRun }: Sync): string {
  return dryRun ? SYNC.planTitle(kind) : SYNC.title(kind);
}

function startForm({ visitor, query }: PageRequest, name: string): Html {
  const only = given(query);
  const options = Object.entries(SYNC.kinds).map(([value, label]) => ({ value, label }));
  const body = html`<fieldset class="bar">
    <legend>${SYNC.ask}</legend>
    ${Object.keys(only).length > 0 && html`<p class="note">${SYNC.onlyLike(dataText(only))}</p>`}
    ${Object.entries(only).map(([key, value]) => html`<input type="hidden" name="${key}" value="${value}" />`)}
    ${choice({ name: 'kind', label: SHARED.kind, value: 'due', options })}
    ${field({ name: 'reason', label: SHARED.reason })} ${tick({ name: 'dryRun', label: SYNC.onlyPlan })}
    <button type="submit" class="main">${SYNC.start}</button>
  </fieldset>`;
  return postForm({ action: to`/operator/services/${name}/syncs`, visitor, body });
}

/** Of a query or a form. */
function given(values: URLSearchParams): Record<string, string> {
  const found = Object.entries(asked(values, SYNC_FILTER));
  return Object.fromEntries(found.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
}

const start = page({
  method: 'post',
  path: '/operator/services/{name}/syncs',
  needs: 'POST /v1/services/{name}/syncs',
  async handler({ api, params: { name = '' }, form }) {
    const dryRun = form.get('dryRun') === 'true';
    const filter = given(form);
    const only = Object.keys(filter).length > 0 ? { filter } : {};
    const body = { kind: form.get('kind') ?? '', ...only, ...(dryRun ? { dryRun } : {}), ...reasonOf(form) };
    return follow(await api.read<Started>('POST /v1/services/{name}/syncs', { params: { name }, body }));
  },
});

interface Started {
  readonly sync: Sync;
}

function follow({ sync }: Started) {
  return { kind: 'redirect', to: urlOf(sync), said: 'started' } as const;
}

const shown = page({
  method: 'get',
  path: '/operator/services/{name}/syncs/{syncId}',
  needs: 'GET /v1/services/{name}/syncs/{syncId}',
  async handler(request) {
    const { api, params } = request;
    const { name = '', syncId = '' } = params;
    const sync = await api.read<Sync>('GET /v1/services/{name}/syncs/{syncId}', { params: { name, syncId } });
    const items = await itemsPart(request, sync);
    if (request.isPart) return { kind: 'part', html: items };
    const head = html`<div data-live="${urlOf(sync)}/live" aria-live="polite">${await syncHead(request, sync)}</div>`;
    return { kind: 'page', title: titleOf(sync), main: html`${head}${items}`, trail: await trailOf(request, name) };
  },
});

async function trailOf({ api }: PageRequest, name: string) {
  const all = await api.may('GET /v1/services/{name}/syncs', { name });
  return [
    ...serviceTrail(name),
    ...(all ? [{ label: SYNC.listTitle, url: to`/operator/services/${name}/syncs` }] : []),
  ];
}

/** What moves, and the buttons that mean something now. */
async function syncHead(request: Pick<PageRequest, 'api' | 'visitor'>, sync: Sync): Promise<Html> {
  const { service: name, id: syncId, status, dryRun, failed } = sync;
  const offer = (does: string, label: string, more: Partial<Offer>): Offer => ({
    route: `POST /v1/services/{name}/syncs/{syncId}/${does}`,
    params: { name, syncId },
    action: `${urlOf(sync)}/${does}`,
    label,
    ...more,
  });
  const isLive = ['queued', 'staging', 'running', 'paused'].includes(status);
  const cancels = { look: 'danger', confirm: SYNC.cancelAsk } as const;
  const buttons = await offers(request, [
    offer('pause', SYNC.pause, { isFitting: status === 'running' && !dryRun }),
    offer('resume', SYNC.resume, { isFitting: status === 'paused', look: 'main' }),
    offer('cancel', SYNC.cancel, { isFitting: isLive, ...cancels }),
    offer('retry', SYNC.retry, { isFitting: !isLive && !dryRun && failed > 0, look: 'main' }),
  ]);
  const hasPlan = dryRun && status === 'succeeded';
  return html`${syncView(sync)}
    <div class="row">
      ${buttons}
      ${failed > 0 && html`<a class="button" href="${`${urlOf(sync)}?outcome=failed#items`}">${SYNC.showFailed}</a>`}
      ${hasPlan && html`<a class="button main" href="${`${urlOf(sync)}/plan`}">${SYNC.lookAtPlan}</a>`}
    </div>`;
}

const live = page({
  method: 'get',
  path: '/operator/services/{name}/syncs/{syncId}/live',
  needs: 'GET /v1/services/{name}/syncs/{syncId}',
  handler: async (request) => ({ kind: 'live', parts: liveParts(request) }),
});

/** One look a second for all who follow any sync; what has not moved is not sent again. */
async function* liveParts(request: PageRequest): AsyncGenerator<Html, void> {
  const { context, params, signal } = request;
  const { name = '', syncId = '' } = params;
  const first = await readOwnSync(context, name, syncId);
  let sent = '';
  const draw = async (sync: Parameters<typeof showSync>[0]): Promise<Html | undefined> => {
    const part = await syncHead(request, shownSync(sync, context));
    if (part.text === sent) return undefined;
    sent = part.text;
    return part;
  };
  const now = await draw(first);
  if (now !== undefined) yield now;
  if (first.finishedAt !== null) return;
  for await (const sync of syncWatch(context.db).follow(syncId, signal)) {
    const part = await draw(sync);
    if (part !== undefined) yield part;
    if (sync.finishedAt !== null) return;
  }
}

function shownSync(sync: Parameters<typeof showSync>[0], context: ApiContext): Sync {
  return JSON.parse(JSON.stringify(showSync(sync, context))) as Sync;
}

const OUTCOMES = ['', 'failed', 'succeeded', 'unchanged', 'skipped', 'open'];

async function itemsPart({ api, url, query }: PageRequest, sync: Sync): Promise<Html> {
  const { service: name, id: syncId } = sync;
  const found = await api.read<Paged<SyncItem>>('GET /v1/services/{name}/syncs/{syncId}/items', {
    params: { name, syncId },
    query: asked(query, ['cursor', 'outcome']),
  });
  const options = OUTCOMES.map((value) => ({ value, label: value === '' ? SHARED.all : value }));
  return html`<section id="items">
    <h2>${SYNC.items}</h2>
    <form method="get" class="filters" hx-get="" hx-target="#items" hx-swap="outerHTML" hx-trigger="change, submit">
      ${choice({ name: 'outcome', label: SYNC.outcome, value: query.get('outcome') ?? '', options })}
      <button type="submit">${SHARED.apply}</button>
    </form>
    ${table({
      caption: SYNC.itemsCaption,
      rows: found.items,
      empty: SYNC.itemsNone,
      columns: [
        { label: SHARED.user, show: (row) => accountLink(name, row.user) },
        { label: SYNC.outcome, show: (row) => statusTag(row.outcome ?? SYNC.open) },
        { label: SYNC.why, show: (row) => html`<span class="small">${row.reason ?? ''}</span>` },
        { label: SHARED.when, show: (row) => time(row.finishedAt) },
      ],
    })}${pager(url, found.cursor)}
  </section>`;
}

function steer(verb: 'pause' | 'resume' | 'cancel'): PageDefinition {
  return act({
    path: `/operator/services/{name}/syncs/{syncId}/${verb}`,
    route: `POST /v1/services/{name}/syncs/{syncId}/${verb}`,
    to: ({ name = '', syncId = '' }) => to`/operator/services/${name}/syncs/${syncId}`,
  });
}

/** A button that leads to another sync: the failed ones again, or a plan executed. */
function followUp(verb: 'retry' | 'approve'): PageDefinition {
  return page({
    method: 'post',
    path: `/operator/services/{name}/syncs/{syncId}/${verb}`,
    needs: `POST /v1/services/{name}/syncs/{syncId}/${verb}`,
    async handler({ api, params, form }) {
      const route = `POST /v1/services/{name}/syncs/{syncId}/${verb}`;
      return follow(await api.read<Started>(route, { params, body: reasonOf(form) }));
    },
  });
}

export const syncPages: readonly PageDefinition[] = [
  list,
  start,
  shown,
  live,
  steer('pause'),
  steer('resume'),
  steer('cancel'),
  followUp('retry'),
  followUp('approve'),
];
