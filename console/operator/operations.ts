import { choice, field } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { pager, table } from '../table';
import { SHARED } from '../texts/operator';
import { AUDIT, OPERATIONS, SYNC } from '../texts/operator-work';
import { time } from '../time';
import { every } from './every';
import {
  accountLink,
  actorText,
  asked,
  dataText,
  facts,
  number,
  personLink,
  section,
  serviceLink,
  statusTag,
  tag,
  temporalLink,
  to,
  whoWhen,
} from './parts';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { Column, Paged } from '../table';
import type { Operation, Step } from './answers';

const REFRESH_MS = 2_000;

const STATUSES = ['', 'running', 'waiting', 'succeeded', 'failed', 'cancelled', 'superseded'];

/** Columns of every list of operations. */
export const operationColumns: readonly Column<Operation>[] = [
  { label: OPERATIONS.what, show: (row) => html`<a href="${to`/operator/operations/${row.id}`}">${row.kind}</a>` },
  { label: SHARED.status, show: (row) => statusTag(row.status) },
  { label: SHARED.user, show: (row) => row.user !== null && personOrAccount(row) },
  { label: SHARED.service, show: (row) => serviceLink(row.service) },
  { label: OPERATIONS.actor, show: (row) => html`<bdi class="small">${actorText(row.actor)}</bdi>` },
  { label: SHARED.when, show: (row) => time(row.createdAt) },
  { label: OPERATIONS.outcome, show: (row) => html`<span class="small">${row.outcome ?? ''}</span>` },
];

function personOrAccount({ user, service }: Operation): Html {
  if (user === null) return html``;
  return service === null ? personLink(user) : accountLink(service, user);
}

const list = page({
  method: 'get',
  path: '/operator/operations',
  needs: 'GET /v1/operations',
  async handler({ api, query, url, isPart }) {
    const names = ['cursor', 'status', 'service', 'kind', 'actor', 'user'];
    const found = await api.read<Paged<Operation>>('GET /v1/operations', { query: asked(query, names) });
    const rows = html`<div id="operations">
      ${table({ caption: OPERATIONS.caption, rows: found.items, empty: OPERATIONS.none, columns: operationColumns })}
      ${pager(url, found.cursor)}
    </div>`;
    if (isPart) return { kind: 'part', html: rows };
    const text = (name: string, label: string, hint?: string): Html =>
      field({ name, label, value: query.get(name) ?? '', ...(hint === undefined ? {} : { hint }) });
    const filters = html`<form method="get" class="filters">
      ${choice({
        name: 'status',
        label: SHARED.status,
        value: query.get('status') ?? '',
        options: STATUSES.map((value) => ({ value, label: value === '' ? SHARED.all : value })),
      })}
      ${text('kind', OPERATIONS.kind)} ${text('service', SHARED.service)}
      ${text('user', OPERATIONS.user, OPERATIONS.userHint)} ${text('actor', OPERATIONS.actor, OPERATIONS.actorHint)}
      <button type="submit">${SHARED.apply}</button>
    </form>`;
    return { kind: 'page', title: OPERATIONS.title, main: html`${filters}${rows}` };
  },
});

const shown = page({
  method: 'get',
  path: '/operator/operations/{operationId}',
  // Persons may read their own; this page of it is for operators.
  needs: 'GET /v1/operations',
  async handler(request) {
    const found = await readOne(request);
    const { id, kind, finishedAt } = found.operation;
    const view = operationView(found);
    const main =
      finishedAt === null ? html`<div data-live="${to`/operator/operations/${id}/live`}">${view}</div>` : view;
    const trail = [{ label: OPERATIONS.title, url: '/operator/operations' }];
    return { kind: 'page', title: OPERATIONS.one(kind), main, trail };
  },
});

const live = page({
  method: 'get',
  path: '/operator/operations/{operationId}/live',
  needs: 'GET /v1/operations',
  handler: async (request) => ({
    kind: 'live',
    // Of one operation and until it has ended: few look at it, and not for long.
    parts: every({ ms: REFRESH_MS, signal: request.signal }, async () => {
      const found = await readOne(request);
      return { html: operationView(found), isLast: found.operation.finishedAt !== null };
    }),
  }),
});

interface FoundOperation {
  readonly operation: Operation;
  readonly events: readonly Step[];
}

function readOne({ api, params }: PageRequest): Promise<FoundOperation> {
  return api.read<FoundOperation>('GET /v1/operations/{operationId}', { params });
}

function operationView({ operation, events }: FoundOperation): Html {
  return html`${operationFacts(operation)}
  ${section(
    OPERATIONS.steps,
    table({
      caption: OPERATIONS.stepsCaption,
      rows: events,
      empty: OPERATIONS.stepsNone,
      columns: stepColumns,
    }),
  )}`;
}

/** Columns of every list of steps. */
export const stepColumns: readonly Column<Step>[] = [
  { label: SHARED.when, show: (row) => time(row.at) },
  { label: OPERATIONS.what, show: (row) => row.step },
  { label: SHARED.details, show: (row) => html`<span class="small mono">${dataText(row.data)}</span>` },
];

function operationFacts(operation: Operation): Html {
  const { user, service, syncId, changeId, detail, progress } = operation;
  return facts([
    [SHARED.status, html`${statusTag(operation.status)} ${operation.outcome ?? ''}`],
    [SHARED.user, user !== null && personOrAccount(operation)],
    [SHARED.service, service !== null && serviceLink(service)],
    [OPERATIONS.actor, whoWhen(operation.actor, operation.createdAt)],
    [SHARED.reason, operation.reason],
    [OPERATIONS.progress, progress !== null && progressLine(progress)],
    [
      OPERATIONS.sync,
      syncId !== null &&
        service !== null &&
        html`<a href="${to`/operator/services/${service}/syncs/${syncId}`}">${SYNC.title('')} ${syncId}</a>`,
    ],
    [OPERATIONS.change, changeId !== null && String(changeId)],
    [OPERATIONS.detail, Object.keys(detail).length > 0 && html`<span class="small mono">${dataText(detail)}</span>`],
    [OPERATIONS.updated, time(operation.updatedAt)],
    [OPERATIONS.ended, time(operation.finishedAt)],
    ['Temporal', operation.links.temporal !== undefined && temporalLink(operation.links)],
  ]);
}

function progressLine(progress: NonNullable<Operation['progress']>): Html {
  const { accounts, done, waiting, failed, staged } = progress;
  return html`${OPERATIONS.progressText(number(done), number(accounts))}
  ${waiting > 0 && tag(OPERATIONS.waiting(number(waiting)), 'warn')}
  ${failed > 0 && tag(OPERATIONS.failed(number(failed)), 'bad')}
  ${staged > 0 && tag(OPERATIONS.staged(number(staged)), 'warn')}`;
}

interface Entry {
  readonly id: string;
  readonly at: string;
  readonly outcome: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly detail: string;
  readonly address: string;
  readonly count: number;
}

const audit = page({
  method: 'get',
  path: '/operator/audit',
  needs: 'GET /v1/audit',
  async handler({ api, query, url }) {
    const found = await api.read<Paged<Entry>>('GET /v1/audit', {
      query: asked(query, ['cursor', 'actor', 'outcome', 'q']),
    });
    const filters = html`<form method="get" class="filters">
      ${field({ name: 'q', label: AUDIT.search, type: 'search', value: query.get('q') ?? '' })}
      ${field({ name: 'actor', label: AUDIT.actor, value: query.get('actor') ?? '', hint: OPERATIONS.actorHint })}
      ${choice({
        name: 'outcome',
        label: AUDIT.outcome,
        value: query.get('outcome') ?? '',
        options: ['', 'done', 'refused', 'failed'].map((value) => ({
          value,
          label: value === '' ? SHARED.all : value,
        })),
      })}
      <button type="submit">${SHARED.apply}</button>
    </form>`;
    const rows = table({
      caption: AUDIT.caption,
      rows: found.items,
      empty: AUDIT.none,
      columns: [
        { label: SHARED.when, show: (row) => time(row.at) },
        {
          label: AUDIT.outcome,
          show: (row) => html`${statusTag(row.outcome)} ${row.count > 1 && AUDIT.times(row.count)}`,
        },
        { label: AUDIT.actor, show: (row) => html`<bdi>${row.actor}</bdi>` },
        { label: AUDIT.action, show: (row) => html`<code class="small">${row.action}</code>` },
        { label: AUDIT.target, show: (row) => html`<bdi class="small mono">${row.target}</bdi>` },
        { label: AUDIT.detail, show: (row) => row.detail },
        { label: AUDIT.address, show: (row) => html`<span class="small mono">${row.address}</span>` },
      ],
    });
    return { kind: 'page', title: AUDIT.title, main: html`${filters}${rows}${pager(url, found.cursor)}` };
  },
});

export const operationPages: readonly PageDefinition[] = [list, shown, live, audit];
