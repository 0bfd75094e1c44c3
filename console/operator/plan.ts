import { STEPS } from '../../domain/decide';
import { actionButton, choice } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { pager, table } from '../table';
import { SHARED } from '../texts/operator';
import { PLAN, SYNC } from '../texts/operator-work';
import { accountLink, asked, number, statusTag, tag, to } from './parts';
import { serviceTrail } from './service-frame';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { Paged } from '../table';
import type { AccountView, PlannedAccount, Sync } from './answers';

const OUTCOMES = ['succeeded', 'unchanged', 'skipped', 'failed'];

const plan = page({
  method: 'get',
  path: '/operator/services/{name}/syncs/{syncId}/plan',
  needs: 'GET /v1/services/{name}/syncs/{syncId}',
  async handler(request) {
    const { api, params, query, url, isPart } = request;
    const { name = '', syncId = '' } = params;
    const wanted = asked(query, ['cursor', 'step', 'outcome']);
    // What would stay as it is, is only shown to who asks for it.
    const isFiltered = query.has('outcome');
    const [sync, found] = await Promise.all([
      api.read<Sync>('GET /v1/services/{name}/syncs/{syncId}', { params: { name, syncId } }),
      api.read<Paged<PlannedAccount>>('GET /v1/services/{name}/syncs/{syncId}/plan', {
        params: { name, syncId },
        query: isFiltered ? wanted : { ...wanted, outcome: 'succeeded' },
      }),
    ]);
    const rows = html`<div id="plan">
      ${table({
        caption: PLAN.caption,
        rows: found.items,
        empty: emptyText(sync, isFiltered),
        columns: [
          { label: SHARED.user, show: (row) => accountLink(name, row.user) },
          { label: PLAN.steps, show: stepTags },
          { label: PLAN.change, show: changeView },
          { label: SYNC.why, show: whyText },
        ],
      })}${pager(url, found.cursor)}
    </div>`;
    if (isPart) return { kind: 'part', html: rows };
    const main = html`${await summary(request, sync)}${filters(query, isFiltered)}${rows}`;
    const trail = [
      ...serviceTrail(name),
      { label: SYNC.planTitle(sync.kind), url: to`/operator/services/${name}/syncs/${syncId}` },
    ];
    return { kind: 'page', title: SYNC.planTitle(sync.kind), main, trail };
  },
});

/** What would be done stands beside it already; what cannot be done is said here only. */
function whyText({ why, outcome, reason }: PlannedAccount): Html {
  return html`<span class="small">${why} ${outcome !== 'succeeded' && reason}</span>`;
}

function emptyText({ finishedAt }: Sync, isFiltered: boolean): string {
  if (finishedAt === null) return PLAN.running;
  return isFiltered ? PLAN.noneLike : PLAN.none;
}

async function summary({ api, visitor }: PageRequest, sync: Sync): Promise<Html> {
  const { service: name, id: syncId, succeeded, unchanged, skipped, failed } = sync;
  const may = await api.may('POST /v1/services/{name}/syncs/{syncId}/approve', { name, syncId });
  const isReady = sync.status === 'succeeded' && succeeded > 0;
  return html`<p>
      ${statusTag(sync.status)} ${PLAN.summary(number(succeeded), number(unchanged + skipped), number(failed))}
    </p>
    ${
      isReady &&
      may &&
      html`<div class="row">
        ${actionButton(visitor, {
          action: to`/operator/services/${name}/syncs/${syncId}/approve`,
          label: PLAN.approve,
          look: 'main',
          confirm: PLAN.approveAsk(number(succeeded)),
        })}
      </div>`
    }`;
}

function filters(query: URLSearchParams, isFiltered: boolean): Html {
  const options = (values: readonly string[]) => [
    { value: '', label: SHARED.all },
    ...values.map((value) => ({ value, label: value })),
  ];
  return html`<form
    method="get"
    class="filters"
    hx-get=""
    hx-target="#plan"
    hx-swap="outerHTML"
    hx-trigger="change, submit"
  >
    ${choice({ name: 'step', label: PLAN.only, value: query.get('step') ?? '', options: options(STEPS) })}
    ${choice({
      name: 'outcome',
      label: SYNC.outcome,
      value: isFiltered ? (query.get('outcome') ?? '') : 'succeeded',
      options: options(OUTCOMES),
    })}
    <button type="submit">${SHARED.apply}</button>
  </form>`;
}

function stepTags({ steps, guard }: PlannedAccount): Html {
  const takes = (step: string): boolean => ['disable', 'end sessions', 'delete'].includes(step);
  return html`${steps.map((step) => html`${tag(step, takes(step) ? 'bad' : '')} `)}
  ${guard.length > 0 && tag(PLAN.guard, 'warn')}`;
}

const FIELDS = ['status', 'name', 'nickname', 'displayName', 'email'] as const;

/** Only what differs. */
function changeView({ before, after }: PlannedAccount): Html {
  if (before === null && after === null) return html``;
  const lines = FIELDS.flatMap((name) => {
    const [was, will] = [before?.[name] ?? null, after?.[name] ?? null];
    return was === will ? [] : [line(PLAN.field[name], was, will)];
  });
  const attributes = attributeLines(before, after);
  return html`<dl class="diff">${lines}${attributes}${groupLine(before, after)}</dl>`;
}

function line(label: string, was: string | null, will: string | null): Html {
  return html`<dt>${label}</dt>
    <dd>
      ${was !== null && html`<del><span class="unseen">${PLAN.before} </span><bdi>${was}</bdi></del>`}
      ${will !== null && html`<ins><span class="unseen">${PLAN.after} </span><bdi>${will}</bdi></ins>`}
    </dd>`;
}

function attributeLines(before: AccountView | null, after: AccountView | null): readonly Html[] {
  const was = before?.attributes ?? {};
  const will = after?.attributes ?? {};
  const keys = [...new Set([...Object.keys(was), ...Object.keys(will)])];
  const text = (value: unknown): string | null => {
    if (value === undefined || value === null) return null;
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
  return keys.flatMap((key) =>
    text(was[key]) === text(will[key]) ? [] : [line(key, text(was[key]), text(will[key]))],
  );
}

/** null: groups are not known, or not kept with the account. */
function groupLine(before: AccountView | null, after: AccountView | null): Html | undefined {
  const was = before?.groups ?? [];
  const will = after?.groups;
  if (will === null || will === undefined) return undefined;
  const lost = was.filter((name) => !will.includes(name));
  const gained = will.filter((name) => !was.includes(name));
  if (lost.length + gained.length === 0) return undefined;
  return html`<dt>${PLAN.groups}</dt>
    <dd>
      ${lost.map((name) => html`<del><span class="unseen">${PLAN.before} </span><bdi>${name}</bdi></del> `)}
      ${gained.map((name) => html`<ins><span class="unseen">${PLAN.after} </span><bdi>${name}</bdi></ins> `)}
    </dd>`;
}

export const planPages: readonly PageDefinition[] = [plan];
