import { z } from 'zod';
import { abilitiesOf, hookFor, INERT_PORT } from '../../hooks/service-hooks';
import { accountsOfUser, listAccounts } from '../../store/accounts';
import { explainAccount } from '../../store/explain';
import {
  accountSchema,
  accountStatus,
  attention,
  explanationSchema,
  showAccount,
  showExplanation,
} from '../account-views';
import { searchText, serviceName, userRef, uuid } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { resolveAccountHolder, resolveService } from '../references';
import { route } from '../route';
import type { Route } from '../route';

const position = z.object({ username: z.string(), userId: uuid });

const list = route({
  method: 'get',
  path: '/v1/services/{name}/accounts',
  acl: 'provisioning.services.{name}.accounts.read',
  summary: 'Lists the accounts of a service by username',
  tags: ['accounts'],
  params: { name: serviceName },
  query: {
    ...pageQuery,
    status: accountStatus.optional(),
    attention: attention.optional(),
    q: searchText.optional().meta({ description: 'part of the username or the remote name' }),
  },
  responses: { 200: { description: 'A page', schema: pageOf(accountSchema) } },
  async handler({ params: { name }, query, context, url }) {
    const after = readCursor(query.cursor, position);
    const service = await resolveService(context, name);
    const { status, q, limit } = query;
    const rows = await listAccounts(context.db, {
      serviceId: service.id,
      status,
      attention: query.attention,
      q,
      after,
      limit: limit + 1,
    });
    const keyOf = ({ username, userId }: (typeof rows)[number]): z.input<typeof position> => ({ username, userId });
    return pageAnswer({ url }, { rows, limit, show: showAccount, keyOf });
  },
});

const explain = route({
  method: 'get',
  path: '/v1/services/{name}/accounts/{user}',
  acl: 'provisioning.services.{name}.accounts.{user}.read',
  summary: 'Explains an account: what it is, what it should be, and why',
  description: 'Also for a person without an account, and for one who is gone but had an account.',
  tags: ['accounts'],
  params: { name: serviceName, user: userRef },
  responses: {
    200: { description: 'The explanation', schema: explanationSchema.extend({ actions: z.array(z.string()) }) },
  },
  async handler({ params: { name, user }, context }) {
    const service = await resolveService(context, name);
    const userId = await resolveAccountHolder(context, user);
    const hookFormat = hookFor(context.registry, service, INERT_PORT).nameFormat;
    const explanation = await explainAccount(context.db, { serviceId: service.id, userId, hookFormat });
    const { actions } = abilitiesOf(context.registry, service);
    return { status: 200, body: { ...showExplanation(explanation, context), actions } };
  },
});

const ofPerson = route({
  method: 'get',
  path: '/v1/users/{user}/accounts',
  acl: 'provisioning.users.{user}.accounts.read',
  own: { acl: 'self.me.accounts.read', ownerOf: async (_context, { user }) => String(user) },
  summary: 'Lists the accounts of a person by service',
  description: 'Also those that were removed, and of a person who is gone but had accounts.',
  tags: ['accounts'],
  params: { user: userRef },
  responses: { 200: { description: 'All of them', schema: z.object({ items: z.array(accountSchema) }) } },
  async handler({ params: { user }, context }) {
    const accounts = await accountsOfUser(context.db, await resolveAccountHolder(context, user));
    return { status: 200, body: { items: accounts.map(showAccount) } };
  },
});

export const accountRoutes: readonly Route[] = [list, explain, ofPerson];
