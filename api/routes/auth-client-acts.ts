import { addRoles, disableClient, enableClient, removeClient, removeRoles } from '../../auth/clients';
import { clientRef, resolveClient, roleName } from '../auth-views';
import { queuedResponse, WRITE_PROBLEMS, writeAnswer } from '../write-answer';
import { route } from '../route';
import type { Written } from '../../auth/client-writes';
import type { Acting } from '../../auth/clients';
import type { ClientRecord } from '../../store/auth-clients';
import type { Route } from '../route';

const tags = ['clients'];
const params = { client: clientRef };
const responses = { 204: { description: 'It is done' }, ...queuedResponse };

type Work = (acting: Acting, client: ClientRecord) => Promise<Written>;

interface Act {
  readonly method: 'post' | 'delete';
  readonly suffix: string;
  readonly verb: string;
  readonly summary: string;
  readonly work: Work;
}

const ACTS: readonly Act[] = [
  {
    method: 'delete',
    suffix: '',
    verb: 'delete',
    summary: 'Removes a client; its tokens end at once',
    work: removeClient,
  },
  { method: 'post', suffix: '/enable', verb: 'enable', summary: 'Switches a client on', work: enableClient },
  {
    method: 'post',
    suffix: '/disable',
    verb: 'disable',
    summary: 'Switches a client off; its tokens end at once',
    work: disableClient,
  },
  {
    method: 'delete',
    suffix: '/roles',
    verb: 'roles.delete',
    summary: 'Takes all roles from a client',
    work: (by, client) => removeRoles(by, client, client.roles),
  },
];

function actRoute({ method, suffix, verb, summary, work }: Act): Route {
  return route({
    method,
    path: `/v1/auth/clients/{client}${suffix}`,
    acl: `auth.clients.{client}.${verb}`,
    problems: ['not-grantable', ...WRITE_PROBLEMS],
    summary,
    tags,
    params,
    responses,
    async handler({ params: { client }, ...request }) {
      const written = await work(
        { identity: request.context.identity, principal: request.principal },
        await resolveClient(request.context, client),
      );
      return writeAnswer(request, written, () => ({ status: 204 }));
    },
  });
}

interface RoleAct {
  readonly method: 'post' | 'delete';
  readonly verb: string;
  readonly summary: string;
  readonly work: typeof addRoles;
}

const ROLE_ACTS: readonly RoleAct[] = [
  { method: 'post', verb: 'create', summary: 'Gives a client a role that the caller holds', work: addRoles },
  { method: 'delete', verb: 'delete', summary: 'Takes a role from a client', work: removeRoles },
];

function roleRoute({ method, verb, summary, work }: RoleAct): Route {
  return route({
    method,
    path: '/v1/auth/clients/{client}/roles/{role}',
    acl: `auth.clients.{client}.roles.{role}.${verb}`,
    problems: ['not-grantable', ...WRITE_PROBLEMS],
    summary,
    tags,
    params: { client: clientRef, role: roleName },
    responses,
    async handler({ params: { client, role }, ...request }) {
      const written = await work(
        { identity: request.context.identity, principal: request.principal },
        await resolveClient(request.context, client),
        [role],
      );
      return writeAnswer(request, written, () => ({ status: 204 }));
    },
  });
}

export const authClientActRoutes: readonly Route[] = [...ACTS.map(actRoute), ...ROLE_ACTS.map(roleRoute)];
