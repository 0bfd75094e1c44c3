import { toProblem } from '../../api/problems';
import { choice, field, postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { table } from '../table';
import { ABILITIES } from '../texts/operator';
import { NEW_SERVICE } from '../texts/operator-service';
import { configFields, readConfig } from './config-form';
import { to, typed } from './parts';
import { serviceTrail } from './service-frame';
import { errorsOf, wrongLine } from './settings';
import type { PageAnswer, PageDefinition, PageRequest } from '../page';
import type { Problem } from '../../api/problem';
import type { ConfigSchema, Errors } from './config-form';

interface Connector {
  readonly kind: string;
  readonly title: string;
  readonly abilities: readonly string[];
  readonly config: ConfigSchema;
}

const choose = page({
  method: 'get',
  path: '/operator/services/new',
  needs: 'POST /v1/services',
  async handler({ api }) {
    const { items } = await api.read<{ readonly items: readonly Connector[] }>('GET /v1/connectors');
    const main = html`<p>${NEW_SERVICE.choose}</p>
      ${table({
        caption: NEW_SERVICE.caption,
        rows: items,
        empty: NEW_SERVICE.none,
        columns: [
          {
            label: NEW_SERVICE.connector,
            show: (row) => html`<a href="${to`/operator/services/new/${row.kind}`}">${row.title}</a>`,
          },
          {
            label: NEW_SERVICE.can,
            show: (row) =>
              html`<span class="soft small"
                >${row.abilities.map((ability) => ABILITIES[ability] ?? ability).join(', ')}</span
              >`,
          },
        ],
      })}`;
    return { kind: 'page', title: NEW_SERVICE.title, main, trail: serviceTrail() };
  },
});

const form = page({
  method: 'get',
  path: '/operator/services/new/{kind}',
  needs: 'POST /v1/services',
  handler: async (request) => showForm(request, await connectorOf(request)),
});

function connectorOf({ api, params: { kind = '' } }: PageRequest): Promise<Connector> {
  return api.read<Connector>('GET /v1/connectors/{kind}', { params: { kind } });
}

interface Wrong {
  readonly errors?: Errors;
  readonly problem?: Problem;
}

function showForm(request: PageRequest, connector: Connector, { errors = {}, problem }: Wrong = {}): PageAnswer {
  const { visitor, form: sent } = request;
  const { kind, title, config } = connector;
  const filled = sent.size > 0 ? { form: sent } : {};
  const name = { name: 'name', label: NEW_SERVICE.name, hint: NEW_SERVICE.nameHint, isRequired: true };
  const body = html`<fieldset>
      ${field({ ...name, value: sent.get('name') ?? '', error: errors['name'] })}
      ${field({ name: 'title', label: NEW_SERVICE.shown, hint: NEW_SERVICE.shownHint, value: sent.get('title') ?? '', error: errors['title'] })}
      ${choice({
        name: 'begins',
        label: NEW_SERVICE.begins,
        value: sent.get('begins') ?? 'automatic',
        options: [
          { value: 'automatic', label: NEW_SERVICE.automatic },
          { value: 'on request', label: NEW_SERVICE.onRequest },
        ],
      })}
      ${configFields(config, { values: {}, errors, ...filled })}
    </fieldset>
    <p class="note">${NEW_SERVICE.plan}</p>
    <p><button type="submit" class="main">${NEW_SERVICE.submit}</button></p>`;
  const main = html`${wrongLine(errors, problem)}
  ${postForm({ action: to`/operator/services/new/${kind}`, visitor, body, look: 'settings' })}`;
  const trail = [...serviceTrail(), { label: NEW_SERVICE.title, url: '/operator/services/new' }];
  return {
    kind: 'page',
    title: NEW_SERVICE.titleOf(title),
    main,
    trail,
    ...(problem === undefined ? {} : { problem }),
  };
}

const add = page({
  method: 'post',
  path: '/operator/services/new/{kind}',
  needs: 'POST /v1/services',
  async handler(request) {
    const { api, form: sent, params } = request;
    const connector = await connectorOf(request);
    const { config, errors } = readConfig(connector.config, sent, {});
    if (Object.keys(errors).length > 0) return showForm(request, connector, { errors });
    const name = typed(sent, 'name') ?? '';
    const title = typed(sent, 'title');
    const body = {
      name,
      connector: params['kind'],
      begins: sent.get('begins') ?? 'automatic',
      config,
      ...(title === undefined ? {} : { title }),
    };
    try {
      await api.call('POST /v1/services', { body });
    } catch (error) {
      const problem = toProblem(error);
      if (!['not-acceptable-value', 'invalid-body', 'already-exists'].includes(problem.code)) throw error;
      const names = ['name', 'title', ...Object.keys(connector.config.properties ?? {}).map((key) => `config.${key}`)];
      return showForm(request, connector, { errors: errorsOf(problem, names), problem });
    }
    return { kind: 'redirect', to: to`/operator/services/${name}`, said: 'saved' };
  },
});

export const newServicePages: readonly PageDefinition[] = [choose, form, add];
