import { toProblem } from '../../api/problems';
import { postForm } from '../forms';
import { html } from '../html';
import { page } from '../page';
import { SHARED } from '../texts/operator';
import { SERVICE, SETTINGS } from '../texts/operator-service';
import { configFields, readConfig } from './config-form';
import { to } from './parts';
import { previewView } from './preview-view';
import { serviceTabs, serviceTrail } from './service-frame';
import { readSettings, SECTIONS, settingFields } from './setting-table';
import type { Problem } from '../../api/problem';
import type { Html } from '../html';
import type { PageAnswer, PageDefinition, PageRequest } from '../page';
import type { Service } from './answers';
import type { ConfigSchema, Errors } from './config-form';
import type { Preview } from './preview-view';
import type { SectionName, Setting } from './setting-table';

interface Showing {
  readonly section: SectionName;
  readonly service: Service;
  readonly schema: ConfigSchema | undefined;
  readonly errors?: Errors;
  readonly problem?: Problem;
  readonly preview?: Html;
}

const TITLES: Readonly<Record<SectionName, string>> = {
  connection: SERVICE.connection,
  mapping: SERVICE.mapping,
  limits: SERVICE.limits,
};

/** The schema of a connector's configuration; undefined when it is not loaded here. */
export async function schemaOf(
  { api, context }: Pick<PageRequest, 'api' | 'context'>,
  kind: string,
): Promise<ConfigSchema | undefined> {
  if (context.registry.get(kind) === undefined) return undefined;
  const found = await api.read<{ readonly config: ConfigSchema }>('GET /v1/connectors/{kind}', { params: { kind } });
  return found.config;
}

async function load(request: PageRequest, section: SectionName): Promise<Showing> {
  const { name = '' } = request.params;
  const service = await request.api.read<Service>('GET /v1/services/{name}', { params: { name } });
  const wanted =
    section === 'connection' && (await request.api.may('GET /v1/connectors/{kind}', { kind: service.connector }));
  return { section, service, schema: wanted ? await schemaOf(request, service.connector) : undefined };
}

async function show(request: PageRequest, showing: Showing): Promise<PageAnswer> {
  const { section, service, schema, errors = {}, problem, preview } = showing;
  const { name } = service;
  const mayChange = await request.api.may('PATCH /v1/services/{name}', { name });
  const form = request.form.size > 0 ? { form: request.form } : {};
  const settings: readonly Setting[] = SECTIONS[section];
  const body = html`<fieldset ${!mayChange && html`disabled`}>
      ${settingFields(settings, { values: service, errors, ...form })}
      ${schema !== undefined && configFields(schema, { values: service.config, errors, ...form })}
    </fieldset>
    ${
      mayChange &&
      html`<p class="row">
        <button type="submit" class="main">${SHARED.save}</button>
        ${
          section === 'mapping' &&
          html`<button type="submit" formaction="${to`/operator/services/${name}/settings/mapping/preview`}">
            ${SETTINGS.preview}
          </button>`
        }
      </p>`
    }`;
  const main = html`${await serviceTabs(request, name, section)} ${wrongLine(errors, problem)} ${preview}
  ${postForm({
    action: to`/operator/services/${name}/settings/${section}`,
    visitor: request.visitor,
    body,
    look: 'settings',
  })}`;
  const title = `${service.title ?? name}: ${TITLES[section]}`;
  return { kind: 'page', title, main, trail: serviceTrail(name), ...(problem === undefined ? {} : { problem }) };
}

/** Said above a form of which something cannot be taken. */
export function wrongLine(errors: Errors, problem: Problem | undefined): Html | undefined {
  if (Object.keys(errors).length === 0 && problem === undefined) return undefined;
  return html`<p class="error" role="alert">${problem?.detail ?? SETTINGS.wrong}</p>`;
}

/** What the API finds wrong, by field: `/config/host` is the field `config.host`, `/mapping/groups/deny/0` is `mapping.groups.deny`. */
export function errorsOf(problem: Problem, names: readonly string[]): Errors {
  const errors: Record<string, string> = {};
  for (const { pointer = '', detail } of problem.errors) {
    const path = pointer.split('/').slice(1).join('.');
    const name = names.filter((one) => path === one || path.startsWith(`${one}.`)).at(-1) ?? path;
    errors[name] ??= detail;
  }
  return errors;
}

function shownPage(section: SectionName): PageDefinition {
  return page({
    method: 'get',
    path: `/operator/services/{name}/settings/${section}`,
    needs: 'GET /v1/services/{name}',
    handler: async (request) => show(request, await load(request, section)),
  });
}

function savedPage(section: SectionName): PageDefinition {
  return page({
    method: 'post',
    path: `/operator/services/{name}/settings/${section}`,
    needs: 'PATCH /v1/services/{name}',
    async handler(request) {
      const { params, api } = request;
      const { name = '' } = params;
      const showing = await load(request, section);
      const { body, errors, names } = readAll(request, showing);
      if (Object.keys(errors).length > 0) return show(request, { ...showing, errors });
      try {
        await api.call('PATCH /v1/services/{name}', { params: { name }, body });
      } catch (error) {
        const problem = toProblem(error);
        if (!['not-acceptable-value', 'invalid-body'].includes(problem.code)) throw error;
        return show(request, { ...showing, errors: errorsOf(problem, names), problem });
      }
      return { kind: 'redirect', to: to`/operator/services/${name}/settings/${section}`, said: 'saved' };
    },
  });
}

function readAll({ form }: PageRequest, { section, service, schema }: Showing) {
  const settings: readonly Setting[] = SECTIONS[section];
  const read = readSettings(settings, form, service);
  const config = schema === undefined ? { config: {}, errors: {} } : readConfig(schema, form, service.config);
  const isSame = Object.keys(config.config).length === 0;
  return {
    body: { ...read.fields, ...(isSame ? {} : { config: config.config }) },
    errors: { ...read.errors, ...config.errors },
    names: [
      ...settings.map(({ path }) => path),
      ...Object.keys(schema?.properties ?? {}).map((key) => `config.${key}`),
    ],
  };
}

const preview = page({
  method: 'post',
  path: '/operator/services/{name}/settings/mapping/preview',
  needs: 'POST /v1/services/{name}/preview',
  async handler(request) {
    const { name = '' } = request.params;
    const showing = await load(request, 'mapping');
    const { body, errors, names } = readAll(request, showing);
    if (Object.keys(errors).length > 0) return show(request, { ...showing, errors });
    try {
      const found = await request.api.read<Preview>('POST /v1/services/{name}/preview', { params: { name }, body });
      return await show(request, { ...showing, preview: previewView(name, found) });
    } catch (error) {
      const problem = toProblem(error);
      if (!['not-acceptable-value', 'invalid-body'].includes(problem.code)) throw error;
      return show(request, { ...showing, errors: errorsOf(problem, names), problem });
    }
  },
});

export const settingsPages: readonly PageDefinition[] = [
  ...(['connection', 'mapping', 'limits'] as const).flatMap((section) => [shownPage(section), savedPage(section)]),
  preview,
];
