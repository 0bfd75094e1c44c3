import { PASSWORD_PAGE } from '../../auth/mail/deliver';
import { field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { CHOOSE } from '../texts/sign-in';
import type { PageDefinition } from '../page';

/**
 * The page behind the links in mails. The token stands in the fragment, which no server sees: the script puts it into its field;
 * without script people do.
 */
const show = page({
  method: 'get',
  path: PASSWORD_PAGE,
  needs: 'anybody',
  async handler({ visitor, context }) {
    const body = html`${field({
        name: 'token',
        label: CHOOSE.token,
        hint: CHOOSE.tokenHint,
        isRequired: true,
        fromFragment: 'token',
      })}
      ${field({
        name: 'password',
        label: CHOOSE.password,
        hint: CHOOSE.hint,
        type: 'password',
        autocomplete: 'new-password',
        isRequired: true,
        hasFocus: true,
      })}
      <p><button type="submit" class="main">${CHOOSE.submit}</button></p>`;
    const main = html`${postForm({ action: PASSWORD_PAGE, visitor, look: 'stacked', body })}
    ${context.mailEnabled && html`<p><a href="/sign-in/forgotten">${CHOOSE.another}</a></p>`}`;
    return { kind: 'page', title: CHOOSE.title, main };
  },
});

const choose = page({
  method: 'post',
  path: PASSWORD_PAGE,
  needs: 'anybody',
  async handler({ api, form }) {
    // Who copies the whole link means its end.
    const token = (form.get('token') ?? '').trim().replace(/^.*#token=/, '');
    await api.call('POST /v1/auth/password', {
      body: { password: form.get('password') ?? '' },
      headers: { authorization: `Bearer ${token}` },
    });
    return { kind: 'redirect', to: '/sign-in', said: 'password-set' };
  },
});

export const choosePasswordPages: readonly PageDefinition[] = [show, choose];
