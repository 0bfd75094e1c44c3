import { showStanding } from '../../api/standing-views';
import { recentStandings } from '../../api/standings';
import { readStanding } from '../../store/standing';
import { html, safeUrl } from '../html';
import { page } from '../page';
import { ACTIONS, OVERVIEW, SHARED } from '../texts/operator';
import { OPTION_TEXTS, SERVICE } from '../texts/operator-service';
import { every } from './every';
import { act, facts, number, offers, reasonOf, section, tag, to } from './parts';
import { serviceTabs, serviceTrail } from './service-frame';
import { budgetLines, oldestLine, openSyncs, pauseLine, standingTag } from './standing-view';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
import type { Service, Standing } from './answers';
import type { Offer } from './parts';

const REFRESH_MS = 2_000;

const shown = page({
  method: 'get',
  path: '/operator/services/{name}',
  needs: 'GET /v1/services/{name}/status',
  async handler(request) {
    const { api, params } = request;
    const { name = '' } = params;
    const standing = await api.read<Standing>('GET /v1/services/{name}/status', {
      params: { name },
      query: { figures: 'recent' },
    });
    const mayRead = await api.may('GET /v1/services/{name}', { name });
    const service = mayRead ? await api.read<Service>('GET /v1/services/{name}', { params: { name } }) : undefined;
    const main = html`${await serviceTabs(request, name, '')} ${await buttons(request, standing, service)}
      <div data-live="${to`/operator/services/${name}/live`}">${standingView(standing)}</div>
      ${service !== undefined && about(service, standing)}`;
    return { kind: 'page', title: standing.title ?? name, main, trail: serviceTrail() };
  },
});

const live = page({
  method: 'get',
  path: '/operator/services/{name}/live',
  needs: 'GET /v1/services/{name}/status',
  handler: async ({ params: { name = '' }, context, signal }) => ({
    kind: 'live',
    // The look of all who watch any service: one pass over the accounts, however many pages are open.
    parts: every({ ms: REFRESH_MS, signal, isDrawn: true }, async () => {
      const { services } = await recentStandings(context.db);
      // One that was added a moment ago is not in it yet.
      const found = services.find(({ service }) => service.name === name) ?? (await readStanding(context.db, name));
      const standing = JSON.parse(JSON.stringify(showStanding(found))) as Standing;
      return { html: standingView(standing), isLast: false };
    }),
  }),
});

function standingView(standing: Standing): Html {
  const { guard } = standing;
  return html`${firstRunNote(standing)}
    <div class="figures" role="group" aria-label="${SERVICE.figures}">${figures(standing).map(figure)}</div>
    ${facts([
      [SHARED.status, html`${standingTag(standing)} ${pauseLine(standing)}`],
      [SERVICE.otherAccounts, otherAccounts(standing)],
      [SERVICE.syncs, standing.syncs.length > 0 && openSyncs(standing)],
      [OVERVIEW.oldest, standing.oldestDue !== null && oldestLine(standing)],
      [OVERVIEW.budget, budgetLines(standing)],
      [SERVICE.guardRemovals, OVERVIEW.guardLeft(guard.removal.left, guard.removal.limit)],
      [SERVICE.guardGroups, OVERVIEW.guardLeft(guard['group removal'].left, guard['group removal'].limit)],
      [SERVICE.remoteGroups, number(standing.groups)],
      [SERVICE.memberships, number(standing.memberships)],
    ])}`;
}

/** Accounts that are not simply there, as far as there are any. */
function otherAccounts({ accounts, service }: Standing): Html | false {
  const statuses = (['pending', 'disabled', 'none', 'removed'] as const).filter((status) => accounts[status] > 0);
  if (statuses.length === 0) return false;
  return html`${statuses.map(
    (status) =>
      html`<a href="${to`/operator/services/${service}/accounts?status=${status}`}"
        >${number(accounts[status])} ${SERVICE.account[status]}</a
      > `,
  )}`;
}

function figures({ accounts, service, ...standing }: Standing): readonly Figure[] {
  const list = (query: string): string => `${to`/operator/services/${service}/accounts`}?${query}`;
  return [
    { label: SERVICE.account.active, count: accounts.active, url: list('status=active') },
    { label: OVERVIEW.due, count: standing.due },
    { label: OVERVIEW.running, count: standing.running },
    { label: OVERVIEW.waiting, count: standing.waiting, url: list('attention=waiting') },
    { label: OVERVIEW.failed, count: standing.failed, url: list('attention=rejected'), look: 'bad' },
    { label: OVERVIEW.staged, count: standing.staged, url: to`/operator/services/${service}/guard`, look: 'warn' },
  ];
}

interface Figure {
  readonly label: string;
  readonly count: number;
  readonly url?: string;
  readonly look?: 'bad' | 'warn';
}

function figure({ label, count, url, look }: Figure): Html {
  const value = html`<strong>${number(count)}</strong> <span>${label}</span>`;
  const shownLook = count > 0 ? (look ?? '') : '';
  return url === undefined || count === 0
    ? html`<div class="figure ${shownLook}">${value}</div>`
    : html`<a class="figure ${shownLook}" href="${url}">${value}</a>`;
}

function firstRunNote({ firstPlan, service }: Standing): Html {
  if (firstPlan === null) return html``;
  const { id, stale, accounts } = firstPlan;
  const plan =
    id !== null &&
    html`<a class="button main" href="${to`/operator/services/${service}/syncs/${id}/plan`}"
      >${SERVICE.firstRunLook(number(accounts))}</a
    >`;
  return html`<div class="note warn">
    <strong>${SERVICE.firstRun}.</strong> ${id === null ? SERVICE.firstRunNone : SERVICE.firstRunWaits}
    ${stale && SERVICE.firstRunStale}
    <p>${plan}</p>
  </div>`;
}

async function buttons(request: PageRequest, standing: Standing, service: Service | undefined): Promise<Html> {
  const { service: name, paused, enabled } = standing;
  const isPaused = paused !== null && paused.reason !== 'first run';
  const tests = service?.abilities.manager.includes('testConnection') === true;
  const offer = (does: string, label: string, more: Partial<Offer>): Offer => ({
    route: `POST /v1/services/{name}/${does}`,
    params: { name },
    action: to`/operator/services/${name}/${does}`,
    label,
    ...more,
  });
  const list = [
    offer('resume', SERVICE.resume, { isFitting: isPaused, look: 'main' }),
    offer('pause', SERVICE.pause, { isFitting: !isPaused, confirm: SERVICE.pauseAsk }),
    offer('drain', SERVICE.drain, { isFitting: !isPaused, confirm: SERVICE.drainAsk }),
    offer('test', SERVICE.test, { isFitting: tests }),
    offer('enable', SERVICE.enable, { isFitting: !enabled, look: 'main' }),
    offer('disable', SERVICE.disable, { isFitting: enabled, look: 'danger', confirm: SERVICE.disableAsk }),
    offer('delete', SERVICE.remove, {
      isFitting: !enabled,
      route: 'DELETE /v1/services/{name}',
      look: 'danger',
      confirm: SERVICE.removeAsk,
    }),
  ];
  return html`<div class="row">${await offers(request, list)}</div>`;
}

function about(service: Service, { service: name }: Standing): Html {
  const body = facts([
    [SERVICE.connector, service.connector],
    [
      SERVICE.address,
      service.url !== null && html`<a href="${safeUrl(service.url)}" rel="noreferrer">${service.url}</a>`,
    ],
    [SERVICE.begins, OPTION_TEXTS['begins']?.[service.begins] ?? service.begins],
    [SERVICE.can, service.actions.map((action) => html`${tag(ACTIONS[action] ?? action)} `)],
  ]);
  return section(
    SHARED.details,
    html`${body}
      <p class="row">
        <a class="button" href="${to`/operator/grants?service=${name}`}">${SERVICE.grantsLink}</a>
        <a class="button" href="${to`/operator/operations?service=${name}`}">${SERVICE.operationsLink}</a>
      </p>`,
  );
}

const test = page({
  method: 'post',
  path: '/operator/services/{name}/test',
  needs: 'POST /v1/services/{name}/test',
  async handler(request) {
    const { api, params } = request;
    const { name = '' } = params;
    interface Report {
      readonly ok: boolean;
      readonly missing: readonly string[];
      readonly remote?: string;
    }
    const report = await api.read<Report>('POST /v1/services/{name}/test', { params: { name } });
    const result = report.ok
      ? html`<p class="said" role="status">${SERVICE.testGood(report.remote ?? '')}</p>`
      : html`<div class="note bad" role="alert">
          <p>${SERVICE.testBad}</p>
          <ul>
            ${report.missing.map((line) => html`<li>${line}</li>`)}
          </ul>
        </div>`;
    const main = html`${await serviceTabs(request, name, '')}${result}
      <p><a class="button" href="${to`/operator/services/${name}`}">${name}</a></p>`;
    return { kind: 'page', title: SERVICE.test, main, trail: serviceTrail(name) };
  },
});

function steered(name: 'pause' | 'resume' | 'drain'): PageDefinition {
  return act({
    path: `/operator/services/{name}/${name}`,
    route: `POST /v1/services/{name}/${name}`,
    send: (form) => ({ body: reasonOf(form) }),
    to: ({ name: service = '' }) => to`/operator/services/${service}`,
  });
}

function switched(name: 'enable' | 'disable'): PageDefinition {
  return act({
    path: `/operator/services/{name}/${name}`,
    route: `POST /v1/services/{name}/${name}`,
    to: ({ name: service = '' }) => to`/operator/services/${service}`,
    said: 'started',
  });
}

const remove = act({
  path: '/operator/services/{name}/delete',
  route: 'DELETE /v1/services/{name}',
  to: () => '/operator',
  said: 'deleted',
});

export const servicePages: readonly PageDefinition[] = [
  shown,
  live,
  test,
  steered('pause'),
  steered('resume'),
  steered('drain'),
  switched('enable'),
  switched('disable'),
  remove,
];
