import { Problem } from '../../api/problem';
import { field, postForm } from '../forms';
import { html } from '../html';
import { ME } from '../my-person';
import { page } from '../page';
import { serviceTitle } from '../service-title';
import { FRAME } from '../texts/frame';
import { PASSWORD, SERVICES } from '../texts/person';
import type { OperationView } from '../api-types';
import type { PageDefinition } from '../page';

const SET = 'POST /v1/users/{user}/services/{name}/set-password';

const askPassword = page({
  method: 'get',
  path: '/my/services/{name}/set-password',
  needs: 'signed in',
  async handler({ api, params: { name = '' }, context, visitor }) {
    if (!(await api.may(SET, { ...ME, name }))) throw new Problem('forbidden', `This page needs what ${SET} needs.`);
    const title = await serviceTitle(context, name);
    const body = html`${field({
        name: 'password',
        label: PASSWORD.password,
        type: 'password',
        hint: PASSWORD.hint,
        autocomplete: 'new-password',
        isRequired: true,
        hasFocus: true,
      })}
      <p><button type="submit" class="main">${PASSWORD.submit}</button></p>`;
    return {
      kind: 'page',
      title: PASSWORD.title(title),
      trail: trailTo(name, title),
      main: postForm({ action: `/my/services/${name}/set-password`, visitor, body }),
    };
  },
});

/** The button of a hook's row posts without a password: then it is asked for. */
const setPassword = page({
  method: 'post',
  path: '/my/services/{name}/set-password',
  needs: 'signed in',
  async handler({ api, params: { name = '' }, form }) {
    const password = form.get('password');
    if (password === null) return { kind: 'redirect', to: `/my/services/${name}/set-password` };
    await api.call(SET, { params: { ...ME, name }, body: { password } });
    return { kind: 'redirect', to: `/services/${name}`, said: 'started' };
  },
});

/** Shown once: this answer is kept nowhere, and asked for again it is gone. */
const secret = page({
  method: 'post',
  path: '/my/operations/{operation}/secret',
  needs: 'signed in',
  async handler({ api, params, context }) {
    const operationId = params['operation'] ?? '';
    const { operation } = await api.read<{ readonly operation: OperationView }>('GET /v1/operations/{operationId}', {
      params: { operationId },
    });
    const shown = await api.read<{ readonly secret: string }>('POST /v1/operations/{operationId}/secret', {
      params: { operationId },
    });
    const service = operation.service ?? '';
    const title = await serviceTitle(context, service);
    const main = html`<p>${PASSWORD.once}</p>
      <p class="row">
        <code class="secret" id="secret">${shown.secret}</code>
        <button type="button" data-copy="secret" hidden>${FRAME.copy}</button>
      </p>
      <p><a class="button" href="/services/${service}">${PASSWORD.back(title)}</a></p>`;
    return { kind: 'page', title: PASSWORD.shown, main, trail: trailTo(service, title) };
  },
});

function trailTo(service: string, title: string): readonly { readonly label: string; readonly url: string }[] {
  return [
    { label: SERVICES.title, url: '/services' },
    { label: title, url: `/services/${service}` },
  ];
}

export const myPasswordPages: readonly PageDefinition[] = [askPassword, setPassword, secret];
