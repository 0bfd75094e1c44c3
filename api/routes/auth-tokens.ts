import { z } from 'zod';
import { ownClient } from '../../auth/clients';
import { issueFor, issueForSelf } from '../../auth/tokens';
import {
  listRefreshTokens,
  listTokens,
  readToken,
  revokeRefreshToken,
  revokeToken,
  revokeTokens,
} from '../../store/auth-tokens';
import { purgeTokens } from '../../store/token-purge';
import {
  clientRef,
  issuedSchema,
  resolveClient,
  roleName,
  showIssued,
  showToken,
  tokenSchema,
  wishesSchema,
} from '../auth-views';
import { oneLine, queryFlag, timestamp, uuid } from '../fields';
import { pageAnswer, pageOf, pageQuery, readCursor } from '../paging';
import { route } from '../route';
import type { ApiContext } from '../context';
import type { OwnRule, Route } from '../route';

const tags = ['tokens'];
const page = { 200: { description: 'A page, the oldest first', schema: pageOf(tokenSchema) } };
const made = { 201: { description: 'The token, shown once', schema: issuedSchema } };
const ended = { 200: { description: 'How many ended', schema: z.object({ ended: z.number().int() }) } };

interface Listing {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly expired?: boolean | undefined;
}

async function pageOfTokens(
  { context, url }: { readonly context: ApiContext; readonly url: string },
  query: Listing,
  filter: { readonly clientId?: string | undefined; readonly role?: string | undefined },
) {
  const after = readCursor(query.cursor, uuid);
  const rows = await listTokens(context.db, { ...filter, expired: query.expired, after, limit: query.limit + 1 });
  return pageAnswer({ url }, { rows, limit: query.limit, show: showToken, keyOf: (row) => row.id });
}

const listOwn = route({
  method: 'get',
  path: '/v1/auth/tokens',
  acl: 'auth.self.tokens.read',
  problems: ['conflict'],
  summary: "Lists the caller's own tokens",
  tags,
  query: { ...pageQuery, expired: queryFlag.optional() },
  responses: page,
  async handler({ query, principal, context, url }) {
    const { id: clientId } = await ownClient(context, principal);
    return pageOfTokens({ context, url }, query, { clientId });
  },
});

const createOwn = route({
  method: 'post',
  path: '/v1/auth/tokens',
  acl: 'auth.self.tokens.create',
  problems: ['not-grantable', 'conflict', 'not-offered', 'not-found'],
  summary: 'Makes a further token of the caller',
  description: 'With no more rights than the token that asks. Who is no admin needs a provider that offers getClient.',
  tags,
  body: wishesSchema,
  bodyOptional: true,
  secret: true,
  responses: made,
  async handler({ body, principal, context }) {
    return { status: 201, body: showIssued(await issueForSelf(context.identity, principal, body ?? {})) };
  },
});

const endOwn = route({
  method: 'delete',
  path: '/v1/auth/tokens',
  acl: 'auth.self.tokens.delete',
  problems: ['conflict'],
  summary: "Ends all of the caller's own tokens, this one and refresh tokens too",
  tags,
  responses: ended,
  async handler({ principal, context }) {
    const { id } = await ownClient(context, principal);
    return { status: 200, body: { ended: await revokeTokens(context.db, id) } };
  },
});

const listAll = route({
  method: 'get',
  path: '/v1/auth/tokens/all',
  acl: 'auth.tokens.read',
  summary: "Lists everybody's tokens",
  tags,
  query: { ...pageQuery, expired: queryFlag.optional(), client: clientRef.optional(), role: roleName.optional() },
  responses: page,
  async handler({ query, context, url }) {
    const clientId = query.client === undefined ? undefined : (await resolveClient(context, query.client)).id;
    return pageOfTokens({ context, url }, query, { clientId, role: query.role });
  },
});

const endAll = route({
  method: 'delete',
  path: '/v1/auth/tokens/all',
  acl: 'auth.tokens.delete',
  summary: "Ends everybody's tokens, or those of one client",
  tags,
  query: { client: clientRef.optional() },
  responses: ended,
  async handler({ query, context }) {
    const clientId = query.client === undefined ? undefined : (await resolveClient(context, query.client)).id;
    return { status: 200, body: { ended: await revokeTokens(context.db, clientId) } };
  },
});

const cleanUp = route({
  method: 'post',
  path: '/v1/auth/tokens/cleanup',
  acl: 'auth.tokens.cleanup',
  summary: 'Deletes expired tokens now; a schedule does it every minute',
  tags,
  responses: { 204: { description: 'They are gone' } },
  async handler({ context }) {
    await purgeTokens(context.db);
    return { status: 204 };
  },
});

/** The client that a token belongs to. */
async function ownerOf({ db }: ApiContext, params: Readonly<Record<string, unknown>>): Promise<string | undefined> {
  const id = String(params['tokenId']);
  return (await readToken(db, id).catch(() => undefined))?.clientId;
}

function ownTokens(verb: string): OwnRule {
  return { acl: `auth.self.tokens.${verb}`, ownerOf };
}

const readOne = route({
  method: 'get',
  path: '/v1/auth/tokens/{tokenId}',
  acl: 'auth.tokens.{tokenId}.read',
  own: ownTokens('read'),
  summary: 'Shows a token: its owner or an admin',
  tags,
  params: { tokenId: uuid },
  responses: { 200: { description: 'The token, without itself', schema: tokenSchema } },
  async handler({ params, context }) {
    return { status: 200, body: showToken(await readToken(context.db, params.tokenId)) };
  },
});

const endOne = route({
  method: 'delete',
  path: '/v1/auth/tokens/{tokenId}',
  acl: 'auth.tokens.{tokenId}.delete',
  own: ownTokens('delete'),
  summary: 'Ends a token: its owner or an admin',
  tags,
  params: { tokenId: uuid },
  responses: { 204: { description: 'It is not valid any more' } },
  async handler({ params, context }) {
    await revokeToken(context.db, params.tokenId);
    return { status: 204 };
  },
});

const createFor = route({
  method: 'post',
  path: '/v1/auth/clients/{client}/tokens',
  acl: 'auth.clients.{client}.tokens.create',
  problems: ['not-grantable'],
  summary: 'Makes a token of another client',
  tags,
  params: { client: clientRef },
  body: wishesSchema,
  bodyOptional: true,
  secret: true,
  responses: made,
  async handler({ params, body, principal, context }) {
    const client = await resolveClient(context, params.client);
    const issued = await issueFor(context.identity, principal, { client, wishes: body ?? {} });
    return { status: 201, body: showIssued(issued) };
  },
});

const refreshSchema = z
  .object({ id: uuid, application: z.string(), acl: z.array(z.string()).nullable(), createdAt: timestamp })
  .meta({ id: 'RefreshToken' });

const listRefresh = route({
  method: 'get',
  path: '/v1/auth/applications',
  acl: 'auth.self.tokens.read',
  problems: ['conflict'],
  summary: 'Lists the applications that hold a refresh token of the caller',
  tags,
  responses: { 200: { description: 'All of them', schema: z.object({ items: z.array(refreshSchema) }) } },
  async handler({ principal, context }) {
    const rows = await listRefreshTokens(context.db, (await ownClient(context, principal)).id);
    const items = rows.map(({ id, application, acl, createdAt }) => ({ id, application, acl, createdAt }));
    return { status: 200, body: { items } };
  },
});

const endRefresh = route({
  method: 'delete',
  path: '/v1/auth/applications/{application}',
  acl: 'auth.self.tokens.delete',
  problems: ['conflict'],
  summary: "Ends an application's refresh token and every token that it made",
  tags,
  params: { application: oneLine(100) },
  responses: { 204: { description: 'It is not valid any more' } },
  async handler({ params, principal, context }) {
    await revokeRefreshToken(context.db, (await ownClient(context, principal)).id, params.application);
    return { status: 204 };
  },
});

export const authTokenRoutes: readonly Route[] = [
  listOwn,
  createOwn,
  endOwn,
  listAll,
  endAll,
  cleanUp,
  readOne,
  endOne,
  createFor,
  listRefresh,
  endRefresh,
];
