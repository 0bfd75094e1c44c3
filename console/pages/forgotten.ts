import { Problem } from '../../api/problem';
import { field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { FORGOTTEN } from '../texts/sign-in';
import type { PageDefinition } from '../page';

const ask = page({
  method: 'get',
  path: '/sign-in/forgotten',
  needs: 'anybody',
  async handler({ visitor, context }) {
    if (!context.mailEnabled) throw new Problem('not-found', 'There is no mail server.');
    const body = html`${field({
        name: 'login',
        label: FORGOTTEN.login,
        autocomplete: 'username',
        isRequired: true,
        hasFocus: true,
      })}
      <p><button type="submit" class="main">${FORGOTTEN.submit}</button></p>`;
    const main = html`${postForm({ action: '/sign-in/forgotten', visitor, look: 'stacked', body })}
      <p><a href="/sign-in">${FORGOTTEN.back}</a></p>`;
    return { kind: 'page', title: FORGOTTEN.title, main };
  },
});

/** The answer is the same whether there is such a login or not. */
const send = page({
  method: 'post',
  path: '/sign-in/forgotten',
  needs: 'anybody',
  async handler({ api, form }) {
    const login = (form.get('login') ?? '').trim();
    if (login !== '') await api.call('POST /v1/auth/password/reset', { body: { login } });
    return {
      kind: 'page',
      title: FORGOTTEN.title,
      main: html`<p class="said">${FORGOTTEN.heard}</p>
        <p><a href="/sign-in">${FORGOTTEN.back}</a></p>`,
    };
  },
});

export const forgottenPages: readonly PageDefinition[] = [ask, send];
