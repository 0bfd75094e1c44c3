import { Problem } from '../../api/problem';
import { choice, field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { selection } from '../selection';
import { pager, table } from '../table';
import { SHARED } from '../texts/operator';
import { GUARD } from '../texts/operator-work';
import { time } from '../time';
import { accountLink, actorText, asked, shortList, statusTag, to, typed } from './parts';
import { serviceTabs, serviceTrail } from './service-frame';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { Column, Paged } from '../table';
import type { Staged } from './answers';

const list = page({
  method: 'get',
  path: '/operator/services/{name}/guard',
  needs: 'GET /v1/services/{name}/guard',
  async handler(request) {
    const { api, params, query, url } = request;
    const { name = '' } = params;
    const found = await api.read<Paged<Staged>>('GET /v1/services/{name}/guard', {
      params: { name },
      query: asked(query, ['cursor', 'show']),
    });
    const verbs = await allowed(request, name);
    const isOpen = query.get('show') !== 'all';
    const decides = isOpen && verbs.length > 0 && found.items.length > 0;
    const rows = table({
      caption: GUARD.caption(name),
      rows: found.items,
      empty: GUARD.none,
      columns: [...columns(name), ...(isOpen ? [] : [decision]), ...(decides ? [staged] : [])],
    });
    const body = decides ? decisionForm(request, { name, verbs, rows }) : rows;
    const main = html`${await serviceTabs(request, name, 'guard')}
    ${isOpen && found.items.length > 0 && html`<p class="note warn">${GUARD.intro}</p>`}${filters(query)}${body}
    ${pager(url, found.cursor)}`;
    return { kind: 'page', title: `${GUARD.title}: ${name}`, main, trail: serviceTrail(name) };
  },
});

type Verb = 'approve' | 'reject';

async function allowed({ api }: PageRequest, name: string): Promise<readonly Verb[]> {
  const verbs = ['approve', 'reject'] as const;
  const may = await Promise.all(verbs.map((verb) => api.may(`POST /v1/services/{name}/guard/${verb}`, { name })));
  return verbs.filter((_verb, index) => may[index]);
}

function columns(name: string): readonly Column<Staged>[] {
  return [
    { label: SHARED.user, show: (row) => accountLink(name, row.user) },
    {
      label: GUARD.kind,
      show: (row) => html`${GUARD.kinds[row.kind] ?? row.kind} <span class="small">${shortList(row.groups)}</span>`,
    },
    {
      label: GUARD.change,
      show: ({ change }) =>
        change !== null &&
        html`<bdi>${actorText(change.actor ?? '')}</bdi> <span class="soft">${change.reason ?? ''}</span>`,
    },
    { label: GUARD.since, show: (row) => time(row.stagedAt) },
  ];
}

const decision: Column<Staged> = {
  label: GUARD.decision,
  show: (row) =>
    row.decision !== null &&
    html`${statusTag(row.decision)}
      <span class="small"><bdi>${row.decidedBy ?? ''}</bdi> ${time(row.decidedAt)} ${row.decisionReason ?? ''}</span>`,
};

const staged = selection<Staged>('id', ({ id, user }) => ({ value: id, name: user.username }));

function filters(query: URLSearchParams): Html {
  return html`<form method="get" class="filters">
    ${choice({
      name: 'show',
      label: GUARD.show,
      value: query.get('show') ?? 'open',
      options: [
        { value: 'open', label: GUARD.open },
        { value: 'all', label: GUARD.all },
      ],
    })}
    <button type="submit">${SHARED.apply}</button>
  </form>`;
}

interface Deciding {
  readonly name: string;
  readonly verbs: readonly Verb[];
  readonly rows: Html;
}

function decisionForm({ visitor }: PageRequest, { name, verbs, rows }: Deciding): Html {
  const labels = { approve: GUARD.approve, reject: GUARD.reject };
  const body = html`${rows}
    <fieldset class="bar">
      <legend>${GUARD.decision}</legend>
      ${choice({
        name: 'which',
        label: GUARD.which,
        value: 'selected',
        options: [
          { value: 'selected', label: GUARD.selected },
          { value: 'all', label: GUARD.every },
        ],
      })}
      ${field({ name: 'reason', label: GUARD.reason, isRequired: true })}
      ${verbs.map(
        (verb) =>
          html`<button type="submit" name="verb" value="${verb}" class="${verb === 'approve' ? 'danger' : 'main'}">
            ${labels[verb]}
          </button>`,
      )}
    </fieldset>`;
  return postForm({ action: to`/operator/services/${name}/guard`, visitor, body });
}

const decide = page({
  method: 'post',
  path: '/operator/services/{name}/guard',
  needs: 'GET /v1/services/{name}/guard',
  async handler({ api, params: { name = '' }, form }) {
    const ids = form.getAll('id');
    const isAll = form.get('which') === 'all';
    if (!isAll && ids.length === 0) throw new Problem('invalid-body', GUARD.nothing);
    const verb: Verb = form.get('verb') === 'approve' ? 'approve' : 'reject';
    const body = { ids: isAll ? 'all' : ids, reason: typed(form, 'reason') };
    await api.call(`POST /v1/services/{name}/guard/${verb}`, { params: { name }, body });
    return { kind: 'redirect', to: to`/operator/services/${name}/guard`, said: 'started' };
  },
});

export const guardPages: readonly PageDefinition[] = [list, decide];
