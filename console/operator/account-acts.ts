import { actionButton, field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { FRAME } from '../texts/frame';
import { ACTIONS, ACTION_ASKS, EXPLAIN, SHARED } from '../texts/operator';
import { accountUrl, statusTag, to } from './parts';
import type { Html } from '../html';
import type { PageAnswer, PageDefinition, PageRequest } from '../page';
import type { Explanation } from './answers';

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

/** What this visitor may do to the account now, and the service can. */
export async function accountButtons({ api, visitor }: PageRequest, found: Explanation): Promise<Html> {
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
  // An account that waits for its person has nothing yet that could have a password.
  const hasPassword = exists && found.account?.status !== 'pending';
  const fits = (action: string): boolean => {
    if (action === 'createAccount') return !exists && found.entitled;
    return action === 'resetPassword' ? hasPassword : exists;
  };
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
    ${allowed.includes('setPassword') && hasPassword && passwordForm(visitor, url('setPassword'))}`;
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

export const accountActPages: readonly PageDefinition[] = [
  ...Object.entries(SUFFIXES).map(([action, route]) => actPage(action, route)),
  secretWait,
  secretShown,
];
