import { PROBLEMS } from '../../api/problem-codes';
import { toProblem } from '../../api/problems';
import { field, postForm } from '../forms';
import { html } from '../html';
import { ME } from '../my-person';
import { page } from '../page';
import { FRAME } from '../texts/frame';
import { PASSWORD, SERVICES } from '../texts/person';
import type { OperationView } from '../api-types';
import type { Problem } from '../../api/problem';
import type { PageAnswer, PageDefinition, PageRequest } from '../page';

/** The button of a hook's row posts without a password: then it is asked for. */
const setPassword = page({
  method: 'post',
  path: '/my/services/{name}/set-password',
  needs: 'signed in',
  async handler(request) {
    const { api, params, form } = request;
    const { name = '' } = params;
    const password = form.get('password');
    if (password === null) return askPage(request, undefined);
    try {
      await api.call('POST /v1/users/{user}/services/{name}/set-password', {
        params: { ...ME, name },
        body: { password },
      });
      return { kind: 'redirect', to: `/services/${name}`, said: 'started' };
    } catch (error) {
      const problem = toProblem(error);
      if (PROBLEMS[problem.code].status >= 500 || problem.code !== 'invalid-body') throw error;
      return askPage(request, problem);
    }
  },
});

function askPage({ params: { name = '' }, visitor }: PageRequest, problem: Problem | undefined): PageAnswer {
  const body = html`${field({
      name: 'password',
      label: PASSWORD.password,
      type: 'password',
      hint: PASSWORD.hint,
      autocomplete: 'new-password',
      isRequired: true,
      hasFocus: true,
      error: problem?.errors[0]?.detail,
    })}
    <p><button type="submit" class="main">${PASSWORD.submit}</button></p>`;
  return {
    kind: 'page',
    title: PASSWORD.title(name),
    trail: trailTo(name),
    main: postForm({ action: `/my/services/${name}/set-password`, visitor, body }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Shown once: this answer is kept nowhere, and asked for again it is gone. */
const secret = page({
  method: 'post',
  path: '/my/operations/{operation}/secret',
  needs: 'signed in',
  async handler({ api, params }) {
    const operationId = params['operation'] ?? '';
    const { operation } = await api.read<{ readonly operation: OperationView }>('GET /v1/operations/{operationId}', {
      params: { operationId },
    });
    const shown = await api.read<{ readonly secret: string }>('POST /v1/operations/{operationId}/secret', {
      params: { operationId },
    });
    const service = operation.service ?? '';
    const main = html`<p>${PASSWORD.once}</p>
      <p class="row">
        <code class="secret" id="secret">${shown.secret}</code>
        <button type="button" data-copy="secret" hidden>${FRAME.copy}</button>
      </p>
      <p><a class="button" href="/services/${service}">${PASSWORD.back(service)}</a></p>`;
    return { kind: 'page', title: PASSWORD.shown, main, trail: trailTo(service) };
  },
});

function trailTo(service: string): readonly { readonly label: string; readonly url: string }[] {
  return [
    { label: SERVICES.title, url: '/services' },
    { label: service, url: `/services/${service}` },
  ];
}

export const myPasswordPages: readonly PageDefinition[] = [setPassword, secret];
