import { html } from '../html';
import { SHARED } from '../texts/operator';
import { SERVICE } from '../texts/operator-service';
import { to } from './parts';
import type { Html } from '../html';
import type { PageRequest } from '../page';

interface Tab {
  readonly key: string;
  readonly label: string;
  readonly url: (name: string) => string;
  readonly needs: string;
}

const TABS: readonly Tab[] = [
  {
    key: '',
    label: SERVICE.standing,
    url: (name) => to`/operator/services/${name}`,
    needs: 'GET /v1/services/{name}/status',
  },
  {
    key: 'accounts',
    label: SERVICE.accounts,
    url: (name) => to`/operator/services/${name}/accounts`,
    needs: 'GET /v1/services/{name}/accounts',
  },
  {
    key: 'syncs',
    label: SERVICE.syncs,
    url: (name) => to`/operator/services/${name}/syncs`,
    needs: 'GET /v1/services/{name}/syncs',
  },
  {
    key: 'guard',
    label: SERVICE.guard,
    url: (name) => to`/operator/services/${name}/guard`,
    needs: 'GET /v1/services/{name}/guard',
  },
  {
    key: 'comparisons',
    label: SERVICE.comparisons,
    url: (name) => to`/operator/services/${name}/comparisons`,
    needs: 'GET /v1/services/{name}/reconciliations',
  },
  {
    key: 'connection',
    label: SERVICE.connection,
    url: (name) => to`/operator/services/${name}/settings/connection`,
    needs: 'GET /v1/services/{name}',
  },
  {
    key: 'mapping',
    label: SERVICE.mapping,
    url: (name) => to`/operator/services/${name}/settings/mapping`,
    needs: 'GET /v1/services/{name}',
  },
  {
    key: 'limits',
    label: SERVICE.limits,
    url: (name) => to`/operator/services/${name}/settings/limits`,
    needs: 'GET /v1/services/{name}',
  },
];

/** The line of pages of one service; what the visitor may not open is not in it. */
export async function serviceTabs({ api }: Pick<PageRequest, 'api'>, name: string, current: string): Promise<Html> {
  const open = await Promise.all(TABS.map(async (tab) => ((await api.may(tab.needs, { name })) ? tab : undefined)));
  return html`<nav class="tabs" aria-label="${SERVICE.tabs}">
    ${open
      .filter((tab) => tab !== undefined)
      .map(
        ({ key, label, url }) =>
          html`<a href="${url(name)}" ${key === current && html`aria-current="page"`}>${label}</a>`,
      )}
  </nav>`;
}

/** The line above the title of a service's pages. */
export function serviceTrail(name?: string): readonly { readonly label: string; readonly url: string }[] {
  const overview = { label: SHARED.overview, url: '/operator' };
  return name === undefined ? [overview] : [overview, { label: name, url: to`/operator/services/${name}` }];
}
