import { toProblem } from '../../api/problems';
import { field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { PEOPLE, SHARED } from '../texts/operator';
import { SETTINGS } from '../texts/operator-service';
import { area, pick } from './fields';
import { to, typed } from './parts';
import { errorsOf, wrongLine } from './settings';
import type { Problem } from '../../api/problem';
import type { Html } from '../html';
import type { PageAnswer, PageDefinition, PageRequest } from '../page';
import type { Person } from './answers';
import type { Errors } from './config-form';

const PATH = '/operator/people/{user}/profile';
const UPDATE = 'PATCH /v1/users/{user}';
const FIELDS = ['username', 'displayName', 'email', 'state', 'externalId', 'attributes'];

interface Showing {
  readonly errors?: Errors;
  readonly problem?: Problem;
}

const shown = page({ method: 'get', path: PATH, needs: UPDATE, handler: (request) => show(request, {}) });

async function show(request: PageRequest, { errors = {}, problem }: Showing): Promise<PageAnswer> {
  const { api, params, visitor } = request;
  const { user = '' } = params;
  const person = await api.read<Person>('GET /v1/users/{user}', { params: { user } });
  const { id, externalId, username } = person;
  const body = html`<fieldset>${await fields(request, person, errors)}</fieldset>
    <p class="row">
      <button type="submit" class="main">${SHARED.save}</button>
      <a class="button" href="${to`/operator/people/${id}`}">${SHARED.back}</a>
    </p>`;
  const main = html`${wrongLine(errors, problem)}
  ${externalId !== null && html`<p class="note warn">${PEOPLE.fromSource(externalId)}</p>`}
  ${postForm({ action: to`/operator/people/${id}/profile`, visitor, body, look: 'settings' })}`;
  const trail = [
    { label: PEOPLE.title, url: '/operator/people' },
    { label: username, url: to`/operator/people/${id}` },
  ];
  const title = PEOPLE.editTitle(person.displayName);
  return { kind: 'page', title, main, trail, ...(problem === undefined ? {} : { problem }) };
}

async function fields(request: PageRequest, person: Person, errors: Errors): Promise<Html> {
  const { form } = request;
  const one = (name: string, label: string, now: string) => {
    return { name, label, value: form.get(name) ?? now, error: errors[name] };
  };
  const attributes = JSON.stringify(person.attributes, undefined, 2);
  return html`${field({ ...one('username', PEOPLE.username, person.username), hint: PEOPLE.usernameHint, isRequired: true })}
  ${field({ ...one('displayName', PEOPLE.display, person.displayName), isRequired: true })}
  ${field({ ...one('email', PEOPLE.email, person.email ?? ''), type: 'email' })}
  ${pick({ ...one('state', PEOPLE.sourceState, person.sourceState ?? ''), hint: PEOPLE.stateHint, options: await states(request, person) })}
  ${field({ ...one('externalId', PEOPLE.externalId, person.externalId ?? ''), hint: PEOPLE.externalIdHint })}
  ${area({ ...one('attributes', PEOPLE.attributes, attributes), hint: PEOPLE.attributesHint })}`;
}

async function states({ api }: PageRequest, { sourceState }: Person) {
  const mayRead = await api.may('GET /v1/states');
  const found = mayRead
    ? await api.read<{ readonly items: readonly { readonly name: string }[] }>('GET /v1/states')
    : undefined;
  const names = found?.items.map(({ name }) => name) ?? (sourceState === null ? [] : [sourceState]);
  return [{ value: '', label: PEOPLE.noState }, ...names.map((name) => ({ value: name, label: name }))];
}

const saved = page({
  method: 'post',
  path: PATH,
  needs: UPDATE,
  async handler(request) {
    const { api, params, form } = request;
    const attributes = attributesOf(form.get('attributes') ?? '');
    if (attributes === undefined) return show(request, { errors: { attributes: SETTINGS.notJson } });
    const body = {
      username: typed(form, 'username') ?? '',
      displayName: typed(form, 'displayName') ?? '',
      email: typed(form, 'email') ?? null,
      state: typed(form, 'state') ?? null,
      externalId: typed(form, 'externalId') ?? null,
      attributes,
    };
    try {
      await api.call(UPDATE, { params, body });
    } catch (error) {
      const problem = toProblem(error);
      if (!['not-acceptable-value', 'invalid-body', 'already-exists'].includes(problem.code)) throw error;
      return show(request, { errors: errorsOf(problem, FIELDS), problem });
    }
    return { kind: 'redirect', to: to`/operator/people/${params['user'] ?? ''}`, said: 'started' };
  },
});

/** undefined: it is not JSON. What is in it the API judges. */
function attributesOf(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export const personFormPages: readonly PageDefinition[] = [shown, saved];
