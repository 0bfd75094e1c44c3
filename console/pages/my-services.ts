import { serviceRows } from '../../api/service-rows';
import { withFormTokens } from '../forms';
import { html } from '../html';
import { ME, myPerson } from '../my-person';
import { page } from '../page';
import { followPerson } from '../people-watch';
import { serviceTitles } from '../service-title';
import { standingOf, standingTag } from '../standing';
import { table } from '../table';
import { SERVICES } from '../texts/person';
import { time } from '../time';
import type { AccountView } from '../api-types';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';

const NEEDS = { needs: 'GET /v1/users/{user}/services', needsParams: ME } as const;

const services = page({
  method: 'get',
  path: '/services',
  ...NEEDS,
  async handler(request) {
    const main = html`<div data-live="/my/live/services">${await content(request)}</div>`;
    return { kind: 'page', title: SERVICES.title, main };
  },
});

const live = page({
  method: 'get',
  path: '/my/live/services',
  ...NEEDS,
  async handler(request) {
    return { kind: 'live', parts: contents(request) };
  },
});

async function* contents(request: PageRequest): AsyncGenerator<Html, void> {
  const { id } = await myPerson(request);
  for await (const _ of followPerson(request.context.db, id, request.signal)) yield await content(request);
}

async function content(request: PageRequest): Promise<Html> {
  return html`${await serviceTable(request)}${await accountTable(request)}`;
}

/** The rows are the hooks' own; we only put them in a table, and the token of this browser into their forms. */
async function serviceTable(request: PageRequest): Promise<Html> {
  const { context, visitor, api } = request;
  const rows = await serviceRows(context, await myPerson(request), async (name, verb) => {
    const may = await api.may(`POST /v1/users/{user}/services/{name}/${verb}`, { ...ME, name });
    return may ? `/my/services/${name}/${verb}` : undefined;
  });
  if (rows.length === 0) return html`<p class="empty">${SERVICES.none}</p>`;
  const heads = [SERVICES.service, SERVICES.username, SERVICES.address, SERVICES.actions];
  return html`<div class="scroll" role="region" aria-label="${SERVICES.caption}" tabindex="0">
    <table class="services">
      <caption class="unseen">
        ${SERVICES.caption}
      </caption>
      <thead>
        <tr>
          ${heads.map((head) => html`<th scope="col">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => withFormTokens(row.html, visitor))}
      </tbody>
    </table>
  </div>`;
}

/** What is known of the accounts, whether their services are still shown or not. */
async function accountTable({ api, context }: PageRequest): Promise<Html> {
  const { items } = await api.read<{ readonly items: readonly AccountView[] }>('GET /v1/users/{user}/accounts', {
    params: ME,
  });
  const shown = items.filter(({ status, due }) => due || (status !== 'removed' && status !== 'none'));
  const titles = await serviceTitles(
    context,
    shown.map(({ service }) => service),
  );
  return html`<h2>${SERVICES.now}</h2>
    ${table<AccountView>({
      caption: SERVICES.now,
      isStacked: true,
      rows: shown,
      empty: SERVICES.noAccounts,
      columns: [
        {
          label: SERVICES.service,
          show: ({ service }) => html`<a href="/services/${service}">${titles.get(service) ?? service}</a>`,
        },
        { label: SERVICES.username, show: ({ remoteName }) => html`<bdi>${remoteName}</bdi>` },
        {
          label: SERVICES.state,
          show: (account) =>
            html`${standingTag(standingOf(account))}
            ${account.instruction !== null && html`<span class="soft">${account.instruction}</span>`}`,
        },
        { label: SERVICES.since, show: ({ lastWriteAt }) => time(lastWriteAt) },
      ],
    })}`;
}

export const myServicesPages: readonly PageDefinition[] = [services, live];
