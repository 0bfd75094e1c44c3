import { z } from 'zod';
import { readPerson } from '../../store/people';
import { resolveUser } from '../../store/users';
import { requestAction } from '../account-actions';
import { accountStatus } from '../account-views';
import { passwordText, serviceName, userRef } from '../fields';
import { operationAnswer, operationResponses } from '../operation-answer';
import { Problem } from '../problem';
import { route } from '../route';
import { serviceRows } from '../service-rows';
import type { AdminAction } from '../../hooks/service-hooks';
import type { Route } from '../route';

const urls = z.object({
  activate: z.string().optional(),
  deactivate: z.string().optional(),
  resetPassword: z.string().optional(),
  setPassword: z.string().optional(),
});

const rowSchema = z
  .object({
    service: z.string(),
    title: z.string(),
    url: z.string().nullable(),
    entitled: z.boolean(),
    account: z.object({ status: accountStatus, name: z.string().nullable() }),
    urls: urls.meta({ description: 'where the buttons post to; an absent one is not possible' }),
  })
  .meta({ id: 'ServiceControl' });

const list = route({
  method: 'get',
  path: '/v1/users/{user}/services',
  acl: 'self.{user}.services.read',
  summary: "A person's services: as data, or as the hooks' table rows",
  description: 'With `Accept: text/html` the answer is one `<tr>` for each service, made and escaped by its hook.',
  tags: ['my services'],
  params: { user: userRef },
  responses: {
    200: { description: 'The services', schema: z.object({ items: z.array(rowSchema) }), alternative: 'text/html' },
  },
  async handler({ params, context, headers }) {
    const user = await readPerson(context.db, await resolveUser(context.db, params.user));
    if (user === undefined) throw new Problem('not-found', `There is no user ${params.user}.`);
    const rows = await serviceRows(context, user);
    const negotiated = { Vary: 'Accept' };
    if (prefersHtml(headers['accept'])) {
      return {
        status: 200,
        body: rows.map((row) => row.html).join('\n'),
        contentType: 'text/html',
        headers: negotiated,
      };
    }
    return { status: 200, body: { items: rows.map(({ html: _html, ...row }) => row) }, headers: negotiated };
  },
});

/** Data unless HTML is named before JSON: what programs send by default must not become a page. */
function prefersHtml(accept: string | undefined): boolean {
  const types = (accept ?? '').split(',').map((type) => type.split(';', 1)[0]?.trim().toLowerCase());
  const html = types.indexOf('text/html');
  const json = types.indexOf('application/json');
  return html >= 0 && (json < 0 || html < json);
}

interface Act {
  readonly verb: string;
  readonly action: AdminAction;
  readonly summary: string;
}

const ACTS: readonly Act[] = [
  { verb: 'activate', action: 'createAccount', summary: 'The person activates a service' },
  { verb: 'deactivate', action: 'deleteAccount', summary: 'The person gives a service up; no notice is sent to them' },
  { verb: 'reset-password', action: 'resetPassword', summary: 'The person asks for a new password' },
];

function actRoute({ verb, action, summary }: Act): Route {
  return route({
    method: 'post',
    path: `/v1/users/{user}/services/{name}/${verb}`,
    acl: `self.{user}.services.{name}.${verb}`,
    summary,
    tags: ['my services'],
    params: { user: userRef, name: serviceName },
    responses: operationResponses(),
    async handler({ params: { user, name }, ...request }) {
      return operationAnswer(request, await requestAction(request, { service: name, user, action, notifyUser: false }));
    },
  });
}

const setPassword = route({
  method: 'post',
  path: '/v1/users/{user}/services/{name}/set-password',
  acl: 'self.{user}.services.{name}.set-password',
  summary: 'The person sets a password of their choice',
  tags: ['my services'],
  params: { user: userRef, name: serviceName },
  body: z.strictObject({ password: passwordText }),
  responses: operationResponses(),
  async handler({ params: { user, name }, body, ...request }) {
    const wanted = { service: name, user, action: 'setPassword', password: body.password } as const;
    return operationAnswer(request, await requestAction(request, wanted));
  },
});

export const userServiceRoutes: readonly Route[] = [list, ...ACTS.map(actRoute), setPassword];
