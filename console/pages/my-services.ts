import { serviceRows } from '../../api/service-rows';
import { Problem } from '../../api/problem';
import { readPerson } from '../../store/people';
import { withFormTokens } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { SERVICES } from '../texts/person';
import type { HookUser } from '../../sdk/hook';
import type { Html } from '../html';
import type { PageAnswer, PageDefinition, PageRequest } from '../page';

const services = page({
  method: 'get',
  path: '/services',
  needs: 'GET /v1/users/{user}/services',
  needsParams: { user: 'me' },
  async handler(request) {
    return { kind: 'page', title: SERVICES.title, main: await serviceTable(request) };
  },
});

/** Whose pages these are. @throws Problem forbidden for logins without a person */
async function personOf({ context, visitor }: PageRequest): Promise<HookUser> {
  const { userId } = visitor.principal;
  const person = userId === undefined ? undefined : await readPerson(context.db, userId);
  if (person === undefined) throw new Problem('forbidden', 'This login belongs to no person.');
  return person;
}

/** The rows are the hooks' own; we only put them in a table, and the token of this browser into their forms. */
async function serviceTable(request: PageRequest): Promise<Html> {
  const { context, visitor, api } = request;
  const rows = await serviceRows(context, await personOf(request), async (name, verb) => {
    const may = await api.may(`POST /v1/users/{user}/services/{name}/${verb}`, { user: 'me', name });
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

/** One of the acts that need nothing but the button. */
function act(verb: 'activate' | 'deactivate' | 'reset-password'): PageDefinition {
  const route = `POST /v1/users/{user}/services/{name}/${verb}`;
  return page({
    method: 'post',
    path: `/my/services/{name}/${verb}`,
    needs: 'signed in',
    async handler({ api, params }): Promise<PageAnswer> {
      const { name = '' } = params;
      await api.call(route, { params: { user: 'me', name } });
      return { kind: 'redirect', to: '/services', said: 'started' };
    },
  });
}

export const myServicesPages: readonly PageDefinition[] = [
  services,
  act('activate'),
  act('deactivate'),
  act('reset-password'),
];
