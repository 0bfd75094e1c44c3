import { html } from '../html';
import { page } from '../page';
import { followPerson } from '../people-watch';
import { table } from '../table';
import { EXPLAIN, PEOPLE, SHARED } from '../texts/operator';
import { ACCOUNTS } from '../texts/operator-service';
import { time } from '../time';
import { accountButtons } from './account-acts';
import { operationColumns, stepColumns } from './operations';
import { accountUrl, actorText, facts, section, serviceLink, shortList, statusTag, tag, to } from './parts';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';
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
    const main = html`<div data-live="${accountUrl(name, user)}/live">${await content(request, found)}</div>`;
    const trail = [
      { label: PEOPLE.title, url: '/operator/people' },
      { label: person, url: to`/operator/people/${found.user.id}` },
    ];
    return { kind: 'page', title: EXPLAIN.title(person, name), main, trail };
  },
});

const live = page({
  method: 'get',
  path: '/operator/people/{user}/accounts/{name}/live',
  needs: 'GET /v1/services/{name}/accounts',
  handler: async (request) => ({ kind: 'live', parts: contents(request) }),
});

/** One look a second for all open pages; drawn anew only when something of this person has moved. */
async function* contents(request: PageRequest): AsyncGenerator<Html, void> {
  const { api, context, params, signal } = request;
  const { name = '', user = '' } = params;
  const first = await api.read<Explanation>(ROUTE, { params: { name, user } });
  for await (const _ of followPerson(context.db, first.user.id, signal))
    yield await content(request, await api.read<Explanation>(ROUTE, { params: { name, user } }));
}

async function content(request: PageRequest, found: Explanation): Promise<Html> {
  return html`${await accountButtons(request, found)}${standing(found)}${rights(found)}${account(found)}${groups(found)}
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

function groups(explanation: Explanation): Html {
  const { groups: found } = explanation;
  if (found.membership === 'none') return section(EXPLAIN.groups, html`<p class="empty">${EXPLAIN.noGroups}</p>`);
  const surplus = (found.applied ?? []).filter(({ name }) => found.surplus.includes(name));
  const rows = [...found.desired, ...surplus];
  const body = table({
    caption: EXPLAIN.groupsCaption,
    rows,
    empty: EXPLAIN.noGroups,
    columns: [
      { label: EXPLAIN.group, show: (row) => html`<bdi>${row.name}</bdi>` },
      { label: SHARED.status, show: (row) => groupTag(explanation, row.name) },
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

function groupTag({ groups: found, account: own }: Explanation, name: string): Html {
  // Nothing is missing where there is to be no account.
  if (own === null) return tag(EXPLAIN.notSet);
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

export const explainPages: readonly PageDefinition[] = [shown, live];
