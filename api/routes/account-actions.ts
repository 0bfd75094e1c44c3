import { z } from 'zod';
import { requestAction } from '../account-actions';
import { passwordText, queryFlag, reasonText, serviceName, userRef } from '../fields';
import { operationAnswer, operationResponses } from '../operation-answer';
import { route } from '../route';
import type { AdminAction } from '../../hooks/service-hooks';
import type { Route } from '../route';

const ACCOUNT = '/v1/services/{name}/accounts/{user}';
const params = { name: serviceName, user: userRef } as const;
const reasonBody = z.strictObject({ reason: reasonText.optional().meta({ description: 'kept with the operation' }) });

const create = route({
  method: 'put',
  path: ACCOUNT,
  acl: 'provisioning.services.{name}.accounts.{user}.create',
  summary: 'Creates the account (activates the service for the person)',
  description: 'The person must be entitled. An account that is there already is made as it should be.',
  tags: ['accounts'],
  params,
  body: reasonBody,
  bodyOptional: true,
  responses: operationResponses(),
  async handler({ params: { name, user }, body, ...request }) {
    const wanted = { service: name, user, action: 'createAccount', reason: body?.reason } as const;
    return operationAnswer(request, await requestAction(request, wanted));
  },
});

const remove = route({
  method: 'delete',
  path: ACCOUNT,
  acl: 'provisioning.services.{name}.accounts.{user}.delete',
  summary: 'Removes the account',
  description: 'Nothing there is a success. Whether it is deleted or disabled is the policy of the service.',
  tags: ['accounts'],
  params,
  query: {
    reason: reasonText.optional(),
    notifyUser: queryFlag.optional().meta({ description: 'tell the person; default: not when they asked themselves' }),
  },
  responses: operationResponses(),
  async handler({ params: { name, user }, query, ...request }) {
    const wanted = { service: name, user, action: 'deleteAccount', ...query } as const;
    return operationAnswer(request, await requestAction(request, wanted));
  },
});

const setPassword = route({
  method: 'put',
  path: `${ACCOUNT}/password`,
  acl: 'provisioning.services.{name}.accounts.{user}.password.set',
  summary: 'Sets the password that the person chose',
  description: 'It is sealed at once and never shown again, not even in the answer.',
  tags: ['accounts'],
  params,
  body: z.strictObject({ password: passwordText, reason: reasonText.optional() }),
  responses: operationResponses(),
  async handler({ params: { name, user }, body, ...request }) {
    const wanted = { service: name, user, action: 'setPassword', ...body } as const;
    return operationAnswer(request, await requestAction(request, wanted));
  },
});

interface Plain {
  readonly suffix: string;
  readonly action: AdminAction;
  readonly permission: string;
  readonly summary: string;
  readonly description?: string;
}

const PLAIN: readonly Plain[] = [
  {
    suffix: 'password/reset',
    action: 'resetPassword',
    permission: 'password.reset',
    summary: 'Makes a new random password',
    description: 'When the operation has succeeded, POST to its `/secret` shows the password, once, within 15 minutes.',
  },
  {
    suffix: 'groups/sync',
    action: 'updateGroups',
    permission: 'groups.sync',
    summary: 'Makes the groups at the service as they should be',
  },
  {
    suffix: 'nickname/sync',
    action: 'syncNickname',
    permission: 'nickname.sync',
    summary: 'Makes the display name at the service as it should be',
  },
  {
    suffix: 'profile/sync',
    action: 'updateProfile',
    permission: 'profile.sync',
    summary: 'Makes name and profile at the service as they should be',
  },
  {
    suffix: 'validate',
    action: 'validateUser',
    permission: 'validate',
    summary: 'Takes the account away if the person is not entitled',
  },
];

function plainRoute(plain: Plain): Route {
  return route({
    method: 'post',
    path: `${ACCOUNT}/${plain.suffix}`,
    acl: `provisioning.services.{name}.accounts.{user}.${plain.permission}`,
    summary: plain.summary,
    ...(plain.description === undefined ? {} : { description: plain.description }),
    tags: ['accounts'],
    params,
    body: reasonBody,
    bodyOptional: true,
    responses: operationResponses(),
    async handler({ params: { name, user }, body, ...request }) {
      const wanted = { service: name, user, action: plain.action, reason: body?.reason };
      return operationAnswer(request, await requestAction(request, wanted));
    },
  });
}

export const accountActionRoutes: readonly Route[] = [create, remove, setPassword, ...PLAIN.map(plainRoute)];
