import { actionButton, field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { table } from '../table';
import { SHARED } from '../texts/operator';
import { IDENTITY } from '../texts/operator-organisation';
import { linesOf } from './config-form';
import { area } from './fields';
import { act, tag, to, typed } from './parts';
import type { Html } from '../html';
import type { PageDefinition, PageRequest } from '../page';

interface Role {
  readonly name: string;
  readonly title: string;
  readonly acl: readonly string[];
  readonly builtIn: boolean;
}

const rolesPage = page({
  method: 'get',
  path: '/operator/roles',
  needs: 'GET /v1/auth/roles',
  async handler(request) {
    const { api, visitor } = request;
    const { items } = await api.read<{ readonly items: readonly Role[] }>('GET /v1/auth/roles');
    const may = await Promise.all(items.map(({ name: role }) => api.may('DELETE /v1/auth/roles/{role}', { role })));
    const rows = table({
      caption: IDENTITY.rolesCaption,
      rows: items,
      empty: SHARED.none,
      columns: [
        { label: SHARED.name, show: (row) => html`<bdi>${row.name}</bdi> ${row.builtIn && tag(IDENTITY.builtIn)}` },
        { label: IDENTITY.roleTitle, show: (row) => html`<bdi>${row.title}</bdi>` },
        { label: IDENTITY.entries, show: (row) => row.acl.map((entry) => html`<code class="small">${entry}</code> `) },
        {
          label: SHARED.actions,
          kind: 'actions',
          show: (row) =>
            !row.builtIn &&
            may[items.indexOf(row)] === true &&
            actionButton(visitor, {
              action: to`/operator/roles/${row.name}/delete`,
              label: SHARED.remove,
              look: 'danger',
              about: row.name,
              confirm: IDENTITY.roleRemoveAsk(row.name),
            }),
        },
      ],
    });
    const mayDefine = await api.may('PUT /v1/auth/roles/{role}', { role: 'any' });
    return { kind: 'page', title: IDENTITY.roles, main: html`${rows}${mayDefine && roleForm(request)}` };
  },
});

function roleForm({ visitor }: PageRequest): Html {
  const body = html`<fieldset class="bar">
    <legend>${IDENTITY.addRole}</legend>
    ${field({ name: 'name', label: IDENTITY.roleName, isRequired: true })}
    ${field({ name: 'title', label: IDENTITY.roleTitle })}
    ${area({ name: 'acl', label: IDENTITY.entries, value: '', hint: IDENTITY.entriesHint })}
    <button type="submit" class="main">${IDENTITY.saveRole}</button>
  </fieldset>`;
  return postForm({ action: '/operator/roles', visitor, body });
}

const putRole = page({
  method: 'post',
  path: '/operator/roles',
  needs: 'GET /v1/auth/roles',
  async handler({ api, form }) {
    const title = typed(form, 'title');
    await api.call('PUT /v1/auth/roles/{role}', {
      params: { role: typed(form, 'name') ?? '' },
      body: { acl: linesOf(form.get('acl') ?? ''), ...(title === undefined ? {} : { title }) },
    });
    return { kind: 'redirect', to: '/operator/roles', said: 'saved' };
  },
});

const deleteRole = act({
  path: '/operator/roles/{role}/delete',
  route: 'DELETE /v1/auth/roles/{role}',
  to: () => '/operator/roles',
  said: 'deleted',
});

export const rolePages: readonly PageDefinition[] = [rolesPage, putRole, deleteRole];
