import { ADMINISTRATOR } from '../../auth/roles';
import { PROBLEMS } from '../../api/problem-codes';
import { Problem } from '../../api/problem';
import { toProblem } from '../../api/problems';
import { hasClientWithRole } from '../../store/auth-clients';
import { field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { START } from '../texts/sign-in';
import type { Authenticator } from '../../auth/authenticator';
import type { PageAnswer, PageDefinition, PageRequest } from '../page';

/** Makes the first administrator, for who can show the installation's admin token. Once there is one, there is no such page. */
export function startPages(authenticator: Authenticator): readonly PageDefinition[] {
  const show = page({
    method: 'get',
    path: '/start',
    needs: 'anybody',
    async handler(request) {
      await requireNoAdmin(request);
      return startPage(request, {});
    },
  });
  const make = page({
    method: 'post',
    path: '/start',
    needs: 'anybody',
    async handler(request) {
      await requireNoAdmin(request);
      const principal = await authenticator.authenticate(`Bearer ${(request.form.get('token') ?? '').trim()}`);
      if (principal === undefined || !principal.may('auth.clients.create'))
        return startPage(request, { problem: new Problem('wrong-credentials', START.wrong) });
      return makeAdmin({ ...request, api: request.apiAs(principal) });
    },
  });
  return [show, make];
}

async function requireNoAdmin({ context }: PageRequest): Promise<void> {
  if (await hasClientWithRole(context.db, ADMINISTRATOR))
    throw new Problem('not-found', 'This installation has an administrator already.');
}

async function makeAdmin(request: PageRequest): Promise<PageAnswer> {
  const { api, form } = request;
  try {
    await api.call('POST /v1/auth/clients/create', {
      body: { username: form.get('username') ?? '', password: form.get('password') ?? '', roles: [ADMINISTRATOR] },
    });
    return { kind: 'redirect', to: '/sign-in', said: 'admin-made' };
  } catch (error) {
    const problem = toProblem(error);
    if (PROBLEMS[problem.code].status >= 500) throw error;
    return startPage(request, { problem });
  }
}

function startPage({ visitor, form }: PageRequest, { problem }: { readonly problem?: Problem }): PageAnswer {
  const errorOf = (name: string): string | undefined =>
    problem?.errors.find((item) => item.pointer === `/${name}`)?.detail;
  const body = html`${field({ name: 'token', label: START.token, hint: START.tokenHint, type: 'password', isRequired: true })}
    ${field({
      name: 'username',
      label: START.username,
      value: form.get('username') ?? '',
      autocomplete: 'username',
      isRequired: true,
      error: errorOf('username'),
    })}
    ${field({
      name: 'password',
      label: START.password,
      type: 'password',
      autocomplete: 'new-password',
      isRequired: true,
      error: errorOf('password'),
    })}
    <p><button type="submit" class="main">${START.submit}</button></p>`;
  const main = html`<p>${START.text}</p>
    ${problem !== undefined && html`<p class="error" role="alert">${problem.detail}</p>`}
    ${postForm({ action: '/start', visitor, look: 'stacked', body })}`;
  return { kind: 'page', title: START.title, main, ...(problem === undefined ? {} : { problem }) };
}
