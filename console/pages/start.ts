import { ADMINISTRATOR } from '../../auth/roles';
import { Problem } from '../../api/problem';
import { hasClientWithRole } from '../../store/auth-clients';
import { field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { START } from '../texts/sign-in';
import type { Authenticator } from '../../auth/authenticator';
import type { PageDefinition, PageRequest } from '../page';

/** Makes the first administrator, for who can show the installation's admin token. Once there is one, there is no such page. */
export function startPages(authenticator: Authenticator): readonly PageDefinition[] {
  const make = page({
    method: 'post',
    path: '/start',
    needs: 'anybody',
    async handler(request) {
      await requireNoAdmin(request);
      const { form, apiAs } = request;
      const principal = await authenticator.authenticate(`Bearer ${(form.get('token') ?? '').trim()}`);
      if (principal === undefined || !principal.may('auth.clients.create'))
        throw new Problem('wrong-credentials', START.wrong, { errors: [{ pointer: '/token', detail: START.wrong }] });
      await apiAs(principal).call('POST /v1/auth/clients/create', {
        body: { username: form.get('username') ?? '', password: form.get('password') ?? '', roles: [ADMINISTRATOR] },
      });
      return { kind: 'redirect', to: '/sign-in', said: 'admin-made' };
    },
  });
  return [show, make];
}

const show = page({
  method: 'get',
  path: '/start',
  needs: 'anybody',
  async handler(request) {
    await requireNoAdmin(request);
    const body = html`${field({ name: 'token', label: START.token, hint: START.tokenHint, type: 'password', isRequired: true })}
      ${field({ name: 'username', label: START.username, autocomplete: 'username', isRequired: true })}
      ${field({
        name: 'password',
        label: START.password,
        type: 'password',
        autocomplete: 'new-password',
        isRequired: true,
      })}
      <p><button type="submit" class="main">${START.submit}</button></p>`;
    const main = html`<p>${START.text}</p>
      ${postForm({ action: '/start', visitor: request.visitor, look: 'stacked', body })}`;
    return { kind: 'page', title: START.title, main };
  },
});

async function requireNoAdmin({ context }: PageRequest): Promise<void> {
  if (await hasClientWithRole(context.db, ADMINISTRATOR))
    throw new Problem('not-found', 'This installation has an administrator already.');
}
