import { actionButton, field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { table } from '../table';
import { FRAME } from '../texts/frame';
import { ACTIONS, ACTION_ASKS, EXPLAIN, PEOPLE, SHARED } from '../texts/operator';
import { ACCOUNTS } from '../texts/operator-service';
import { time } from '../time';
import { operationColumns, stepColumns } from './operations';
import { accountUrl, actorText, facts, section, serviceLink, shortList, statusTag, tag, to } from './parts';
import type { Html } from '../html';
import type { PageAnswer, PageDefinition, PageRequest } from '../page';
import type { Explanation } from './answers';

const ROUTE = 'GET /v1/services/{name}/accounts/{user}';

const shown = page({
  method: 'get',
  path: '/operator/people/{user}/accounts/{name}',
  // Persons may read their own; this page of it is for operators.
  needs: 'GET /v1/services/{name}/accounts',
  async handler(request) {
    const { api, params } = request;
    const { name = '', user = '' } = params;
    const found = await api.read<Explanation>(ROUTE, { params: { name, user } });
    const person = found.user.username ?? found.user.id;
    const main = html`${await buttons(request, found)}${standing(found)}${rights(found)}${account(found)}${groups(found)}
    ${guard(found)}${section(
      EXPLAIN.history,
      table({
        caption: EXPLAIN.historyCaption,
        rows: found.events,
        empty: EXPLAIN.historyNone,
        columns: stepColumns,
      }),
    )}
    ${section(
      EXPLAIN.asked,
      table({
        caption: EXPLAIN.askedCaption,
        rows: found.operations,
        empty: EXPLAIN.askedNone,
        columns: operationColumns,
      }),
    )}`;
    const trail = [
      { label: PEOPLE.title, url: '/operator/people' },
      { label: person, url: to`/operator/people/${found.user.id}` },
    ];
    return { kind: 'page', title: EXPLAIN.title(name), main, trail };
  },
});

/** Each action of the service has a route of its own for one account, with a permission of its own. */
const SUFFIXES: Readonly<Record<string, string>> = {
  createAccount: 'PUT /v1/services/{name}/accounts/{user}',
  deleteAccount: 'DELETE /v1/services/{name}/accounts/{user}',
  setPassword: 'PUT /v1/services/{name}/accounts/{user}/password',
  resetPassword: 'POST /v1/services/{name}/accounts/{user}/password/reset',
  updateGroups: 'POST /v1/services/{name}/accounts/{user}/groups/sync',
  syncNickname: 'POST /v1/services/{name}/accounts/{user}/nickname/sync',
  updateProfile: 'POST /v1/services/{name}/accounts/{user}/profile/sync',
  validateUser: 'POST /v1/services/{name}/accounts/{user}/validate',
};

/** What can be tried at once when an account waits or was refused: writing what is wanted now. */
const RETRIES = ['updateProfile', 'updateGroups', 'validateUser'];

async function buttons({ api, visitor }: PageRequest, found: Explanation): Promise<Html> {
  const { service: name, user, actions } = found;
  const place = { name, user: user.id };
  const possible = await Promise.all(
    actions.map(async (action) => {
      const route = SUFFIXES[action];
      return route !== undefined && (await api.may(route, place)) ? action : undefined;
    }),
  );
  const allowed = possible.filter((action) => action !== undefined);
  const exists = found.account !== null && !['none', 'removed'].includes(found.account.status);
  const fits = (action: string): boolean => (action === 'createAccount' ? !exists && found.entitled : exists);
  const url = (action: string): string => `${accountUrl(name, user.id)}/${action}`;
  const retry = found.account?.attention != null ? RETRIES.find((action) => allowed.includes(action)) : undefined;
  return html`<div class="row">
      ${retry !== undefined && actionButton(visitor, { action: url(retry), label: EXPLAIN.retryNow, look: 'main' })}
      ${allowed
        .filter((action) => action !== 'setPassword' && fits(action))
        .map((action) => {
          const ask = ACTION_ASKS[action];
          const look = action === 'deleteAccount' ? 'danger' : 'plain';
          return actionButton(visitor, {
            action: url(action),
            label: ACTIONS[action] ?? action,
            look,
            ...(ask === undefined ? {} : { confirm: ask }),
          });
        })}
    </div>
    ${allowed.includes('setPassword') && exists && passwordForm(visitor, url('setPassword'))}`;
}

function passwordForm(visitor: PageRequest['visitor'], action: string): Html {
  const password = {
    name: 'password',
    label: EXPLAIN.newPassword,
    type: 'password',
    autocomplete: 'new-password',
    isRequired: true,
  } as const;
  const body = html`${field(password)}<button type="submit">${EXPLAIN.password}</button>`;
  return html`<details>
    <summary>${EXPLAIN.password}</summary>
    ${postForm({ action, visitor, look: 'filters', body })}
  </details>`;
}

function standing({ wanted, why, account: own, nextTry, user }: Explanation): Html {
  return html`<p class="note ${own?.attention == null ? '' : 'warn'}">${why}</p>
    ${facts([
      [
        SHARED.status,
        own !== null &&
          html`${statusTag(own.status)} ${own.attention !== null && statusTag(own.attention)}
          ${own.due && tag(ACCOUNTS.due)} ${own.running && tag(ACCOUNTS.running, 'busy')}`,
      ],
      [EXPLAIN.wanted, wanted ? SHARED.yes : SHARED.no],
      [PEOPLE.state, user.state],
      [EXPLAIN.nextTry, html`${time(nextTry.at)} ${nextTry.why}`],
      [EXPLAIN.instruction, own?.instruction],
    ])}`;
}

function rights({ grants, entitled }: Explanation): Html {
  const lines = grants.map(
    ({ kind, subject, grantedBy, grantedAt }) =>
      html`<li>
        ${kind} <bdi>${subject}</bdi>
        <span class="soft">${EXPLAIN.granted} ${SHARED.by} <bdi>${actorText(grantedBy)}</bdi> ${time(grantedAt)}</span>
      </li>`,
  );
  return section(
    EXPLAIN.entitled,
    html`<p>${tag(entitled ? SHARED.yes : SHARED.no, entitled ? 'good' : '')}</p>
      ${
        lines.length === 0
          ? html`<p class="soft">${EXPLAIN.noGrants}</p>`
          : html`<ul>
              ${lines}
            </ul>`
      }`,
  );
}

function account({ account: own, name, service }: Explanation): Html {
  if (own === null) return section(EXPLAIN.account, html`<p class="empty">${EXPLAIN.noAccount}</p>`);
  const { lastError } = own;
  const mono = (text: string | null): Html | false => text !== null && html`<bdi class="mono">${text}</bdi>`;
  return section(
    EXPLAIN.account,
    facts([
      [SHARED.service, serviceLink(service)],
      [EXPLAIN.remoteName, mono(name.remoteName)],
      [EXPLAIN.remoteId, mono(own.remoteId)],
      [EXPLAIN.wouldBe, mono(name.formatted)],
      [EXPLAIN.format, html`<code>${name.format}</code> <span class="soft">${name.from}</span>`],
      [EXPLAIN.reserved, name.reserved.length > 0 && shortList(name.reserved)],
      [EXPLAIN.lastWrite, time(own.lastWriteAt)],
      [EXPLAIN.lastOutcome, own.lastOutcome],
      [EXPLAIN.lastError, lastError !== null && html`${tag(lastError.kind, 'bad')} ${lastError.message}`],
      [EXPLAIN.failures, own.failures > 0 && String(own.failures)],
    ]),
  );
}

function groups({ groups: found }: Explanation): Html {
  if (found.membership === 'none') return section(EXPLAIN.groups, html`<p class="empty">${EXPLAIN.noGroups}</p>`);
  const surplus = (found.applied ?? []).filter(({ name }) => found.surplus.includes(name));
  const rows = [...found.desired, ...surplus];
  const body = table({
    caption: EXPLAIN.groupsCaption,
    rows,
    empty: EXPLAIN.noGroups,
    columns: [
      { label: EXPLAIN.group, show: (row) => html`<bdi>${row.name}</bdi>` },
      { label: SHARED.status, show: (row) => groupTag(found, row.name) },
      {
        label: EXPLAIN.comesFrom,
        show: (row) =>
          row.because.map(
            ({ kind, name, rule }) =>
              html`<div>${kind} <bdi>${name}</bdi> <span class="soft small">${rule}</span></div>`,
          ),
      },
    ],
  });
  return section(EXPLAIN.groups, body);
}

function groupTag(found: Explanation['groups'], name: string): Html {
  if (found.missing.includes(name)) return tag(EXPLAIN.missing, 'warn');
  return found.surplus.includes(name) ? tag(EXPLAIN.surplus, 'warn') : tag(EXPLAIN.set, 'good');
}

function guard({ staged, held, service }: Explanation): Html {
  const open = staged.filter(({ decision }) => decision === null);
  if (open.length + held.length === 0) return html``;
  const lines = [
    ...open.map(
      ({ kind, stagedAt }) =>
        html`<li>
          <a href="${to`/operator/services/${service}/guard`}">${EXPLAIN.stagedLine(kind)}</a> ${time(stagedAt)}
        </li>`,
    ),
    ...held.map(({ kind, heldBy, heldAt }) => html`<li>${EXPLAIN.held(kind, heldBy)} ${time(heldAt)}</li>`),
  ];
  return section(
    EXPLAIN.guard,
    html`<ul class="note warn">
      ${lines}
    </ul>`,
  );
}

interface Answered {
  readonly operation: { readonly id: string; readonly status: string };
}

function actPage(action: string, route: string): PageDefinition {
  return page({
    method: 'post',
    path: `/operator/people/{user}/accounts/{name}/${action}`,
    needs: 'GET /v1/services/{name}/accounts',
    async handler({ api, params, form }): Promise<PageAnswer> {
      const { name = '', user = '' } = params;
      const password = form.get('password');
      const body = action === 'setPassword' ? { body: { password } } : {};
      const { operation } = await api.read<Answered>(route, { params: { name, user }, ...body });
      const next =
        action === 'resetPassword' ? to`/operator/operations/${operation.id}/secret` : accountUrl(name, user);
      return { kind: 'redirect', to: next, said: 'started' };
    },
  });
}

const secretWait = page({
  method: 'get',
  path: '/operator/operations/{operationId}/secret',
  needs: 'GET /v1/operations',
  async handler({ api, params, visitor }) {
    const { operation } = await api.read<{
      readonly operation: { readonly status: string; readonly secretReady: boolean; readonly outcome: string | null };
    }>('GET /v1/operations/{operationId}', { params, headers: { prefer: 'wait=5' } });
    const { operationId = '' } = params;
    const main = html`<p>${statusTag(operation.status)} ${operation.outcome}</p>
      ${
        operation.secretReady
          ? actionButton(visitor, {
              action: to`/operator/operations/${operationId}/secret`,
              label: EXPLAIN.showSecret,
              look: 'main',
            })
          : html`<p><a class="button" href="${to`/operator/operations/${operationId}`}">${SHARED.details}</a></p>`
      }`;
    return { kind: 'page', title: EXPLAIN.secret, main };
  },
});

const secretShown = page({
  method: 'post',
  path: '/operator/operations/{operationId}/secret',
  needs: 'GET /v1/operations',
  async handler({ api, params }) {
    const { secret } = await api.read<{ readonly secret: string }>('POST /v1/operations/{operationId}/secret', {
      params,
    });
    const main = html`<p><code class="secret" id="secret">${secret}</code></p>
      <p><button type="button" data-copy="secret" hidden>${FRAME.copy}</button></p>
      <p class="soft">${EXPLAIN.secretNote}</p>`;
    return { kind: 'page', title: EXPLAIN.secret, main };
  },
});

export const explainPages: readonly PageDefinition[] = [
  shown,
  ...Object.entries(SUFFIXES).map(([action, route]) => actPage(action, route)),
  secretWait,
  secretShown,
];
