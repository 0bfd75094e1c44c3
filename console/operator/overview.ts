import { Problem } from '../../api/problem';
import { actionButton } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { pager, table } from '../table';
import { OVERVIEW, SHARED } from '../texts/operator';
import { time } from '../time';
import { every } from './every';
import { runsServices } from './landing';
import { act, asked, number, section, serviceLink, statusTag, tag, to } from './parts';
import { accountCount, budgetLines, oldestLine, openSyncs, pauseLine, standingTag } from './standing-view';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { Column, Paged } from '../table';
import type { Mood } from './parts';
import type { Standing } from './answers';

interface Overview {
  readonly at: string;
  /** Only for who sees all services. */
  readonly unexpandedChanges?: number;
  readonly items: readonly Standing[];
}

interface Notice {
  readonly id: string;
  readonly level: string;
  readonly title: string;
  readonly text: string;
  readonly service: string | null;
  readonly createdAt: string;
  readonly readAt: string | null;
}

/** How often an open overview is drawn anew. */
const REFRESH_MS = 2_000;

const overview = page({
  method: 'get',
  path: '/operator',
  // Who runs one service sees that one here: asked below.
  needs: 'signed in',
  async handler(request) {
    await requireServices(request);
    const mayAdd = await request.api.may('POST /v1/services');
    const main = html`${
        mayAdd && html`<p class="row"><a class="button main" href="/operator/services/new">${OVERVIEW.add}</a></p>`
      }
      <div data-live="/operator/live">${await services(request)}</div>
      ${await unread(request)}`;
    return { kind: 'page', title: OVERVIEW.title, main };
  },
});

const live = page({
  method: 'get',
  path: '/operator/live',
  needs: 'signed in',
  async handler(request) {
    await requireServices(request);
    return {
      kind: 'live',
      parts: every({ ms: REFRESH_MS, signal: request.signal }, async () => ({
        html: await services(request),
        isLast: false,
      })),
    };
  },
});

/** @throws Problem forbidden for whoever runs none */
async function requireServices(request: PageRequest): Promise<void> {
  if (!(await runsServices(request))) throw new Problem('forbidden', OVERVIEW.notAllowed);
}

async function services({ api }: Pick<PageRequest, 'api'>): Promise<Html> {
  const seesAll = await api.may('GET /v1/overview');
  const {
    items,
    at,
    unexpandedChanges = 0,
  } = await api.read<Overview>(seesAll ? 'GET /v1/overview' : 'GET /v1/overview/own');
  return html`${unexpandedChanges > 0 && html`<p class="note">${OVERVIEW.unexpanded(unexpandedChanges)}</p>`}
    ${table({ caption: OVERVIEW.caption, rows: items, empty: OVERVIEW.none, columns: COLUMNS })}
    <p class="soft small">${OVERVIEW.asOf} ${time(at)}</p>`;
}

const COLUMNS = [
  {
    label: SHARED.service,
    show: (row: Standing) =>
      html`${serviceLink(row.service, row.title)}
        <div class="soft small">${row.connector}</div>`,
  },
  {
    label: SHARED.status,
    show: (row: Standing) =>
      html`${standingTag(row)}
        <div class="small">${pauseLine(row)}${openSyncs(row)}${firstPlanLink(row)}</div>`,
  },
  { label: OVERVIEW.accounts, kind: 'number' as const, show: (row: Standing) => number(accountCount(row)) },
  count({ label: OVERVIEW.due, key: 'due', mood: '' }),
  count({ label: OVERVIEW.running, key: 'running', mood: 'busy' }),
  count({ label: OVERVIEW.waiting, key: 'waiting', mood: 'warn', attention: 'waiting' }),
  count({ label: OVERVIEW.failed, key: 'failed', mood: 'bad', attention: 'rejected' }),
  {
    label: OVERVIEW.staged,
    kind: 'number' as const,
    show: (row: Standing) =>
      row.staged === 0
        ? html`<span class="soft">0</span>`
        : html`<a href="${to`/operator/services/${row.service}/guard`}">${tag(number(row.staged), 'warn')}</a>`,
  },
  { label: OVERVIEW.oldest, show: (row: Standing) => html`<div class="small">${oldestLine(row)}</div>` },
  { label: OVERVIEW.budget, show: (row: Standing) => html`<div class="small">${budgetLines(row)}</div>` },
];

function firstPlanLink({ firstPlan, service }: Standing): Html {
  if (firstPlan === null || firstPlan.id === null) return html``;
  return html`<a href="${to`/operator/services/${service}/syncs/${firstPlan.id}/plan`}"
    >${OVERVIEW.plan1(number(firstPlan.accounts))}</a
  >`;
}

interface Counted {
  readonly label: string;
  readonly key: 'due' | 'running' | 'waiting' | 'failed';
  readonly mood: Mood;
  readonly attention?: string;
}

/** A column of a figure; where it is not nothing it leads to the accounts behind it. */
function count({ label, key, mood, attention }: Counted): Column<Standing> {
  return {
    label,
    kind: 'number',
    show: (row) => {
      const value = row[key];
      if (value === 0) return html`<span class="soft">0</span>`;
      const shown = mood === '' ? html`${number(value)}` : tag(number(value), mood);
      if (attention === undefined) return shown;
      return html`<a href="${to`/operator/services/${row.service}/accounts?attention=${attention}`}">${shown}</a>`;
    },
  };
}

async function unread(request: PageRequest): Promise<Html> {
  const { api } = request;
  if (!(await api.may('GET /v1/notifications'))) return html``;
  const query = { recipient: 'operators', unread: 'true', limit: '5' };
  const { items } = await api.read<Paged<Notice>>('GET /v1/notifications', { query });
  const mayMark = await api.may('POST /v1/notifications/{notificationId}/read');
  const list = items.map((notice) => noticeCard(request, notice, mayMark));
  const body =
    items.length === 0
      ? html`<p class="empty">${OVERVIEW.noNotices}</p>`
      : html`<ul class="notices">
          ${list}
        </ul>`;
  return section(OVERVIEW.notices, body, html`<a href="/operator/notices">${OVERVIEW.allNotices}</a>`);
}

function noticeCard({ visitor }: PageRequest, notice: Notice, mayMark: boolean): Html {
  const { id, level, title, text, service, createdAt, readAt } = notice;
  const look = level === 'danger' ? 'bad' : level;
  return html`<li class="note ${look === 'warning' ? 'warn' : look}">
    <strong>${title}</strong> <span class="soft">${time(createdAt)}</span>
    <div>${text} ${serviceLink(service)}</div>
    ${
      mayMark &&
      readAt === null &&
      actionButton(visitor, { action: to`/operator/notices/${id}/read`, label: OVERVIEW.markRead, about: title })
    }
  </li>`;
}

const notices = page({
  method: 'get',
  path: '/operator/notices',
  needs: 'GET /v1/notifications',
  async handler(request) {
    const { api, url, query } = request;
    const found = await api.read<Paged<Notice>>('GET /v1/notifications', {
      query: { ...asked(query, ['cursor']), recipient: 'operators', limit: '50' },
    });
    const main = html`${table({
      caption: OVERVIEW.noticesCaption,
      rows: found.items,
      empty: OVERVIEW.noNotices,
      columns: [
        { label: SHARED.when, show: (row) => time(row.createdAt) },
        { label: SHARED.kind, show: (row) => statusTag(row.level) },
        {
          label: SHARED.details,
          show: (row) =>
            html`<strong>${row.title}</strong>
              <div>${row.text}</div>`,
        },
        { label: SHARED.service, show: (row) => serviceLink(row.service) },
      ],
    })}${pager(url, found.cursor)}`;
    return { kind: 'page', title: OVERVIEW.notices, main };
  },
});

const markRead = act({
  path: '/operator/notices/{notificationId}/read',
  route: 'POST /v1/notifications/{notificationId}/read',
  to: () => '/operator',
  said: 'read',
});

export const overviewPages: readonly PageDefinition[] = [overview, live, notices, markRead];
