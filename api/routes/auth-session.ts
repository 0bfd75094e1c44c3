import { z } from 'zod';
import { login } from '../../auth/login';
import { refreshSession } from '../../auth/tokens';
import { bearerToken } from '../../auth/token-text';
import { setPasswordByLink } from '../../auth/password-links';
import { findClient } from '../../store/auth-clients';
import { readToken, revokeToken } from '../../store/auth-tokens';
import {
  clientSchema,
  issuedSchema,
  packageBody,
  providerName,
  showClient,
  showIssued,
  showToken,
  tokenSchema,
  wishesSchema,
} from '../auth-views';
import { oneLine, passwordText, uuid } from '../fields';
import { Problem } from '../problem';
import { issueItems } from '../problems';
import { route } from '../route';
import type { Principal } from '../../auth/principal';
import type { ApiContext } from '../context';
import type { Route } from '../route';

const tags = ['authentication'];

const loginWishes = wishesSchema.extend({ application: oneLine(100).optional() });

const logIn = route({
  method: 'post',
  path: '/v1/auth',
  acl: 'public',
  problems: ['invalid-package', 'wrong-credentials', 'login-throttled', 'too-many-sessions', 'provider-unavailable'],
  summary: 'Logs in: credentials for a token',
  description:
    'The body is flat and goes to the authentication provider, e.g. `{"username": "ada", "password": "…"}`. Two keys are ' +
    "Muster's own: `provider` (default: all, in their order) and `token` (`lifeS`, `acl`, `title`, `application`; with an " +
    'application there is a refresh token too). Every wrong credential has the same answer.',
  tags,
  body: packageBody,
  secret: true,
  responses: { 200: { description: 'The token, shown once', schema: issuedSchema } },
  async handler({ body, context, address }) {
    const { provider, token, ...credentials } = body;
    const wishes = wanted(loginWishes, token ?? {}, '/token');
    const name = provider === undefined ? undefined : wanted(providerName, provider, '/provider');
    const issued = await login(context.identity, { provider: name, credentials, address, wishes });
    return { status: 200, body: showIssued(issued) };
  },
});

/** A part of a flat body that is ours. What does not fit answers 400, as the rest of the body does. */
function wanted<T>(schema: z.ZodType<T>, value: unknown, place: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = issueItems(parsed.error).map((item) => ({ ...item, pointer: `${place}${item.pointer ?? ''}` }));
  throw new Problem('invalid-package', `${place} is not valid.`, { errors });
}

const refresh = route({
  method: 'post',
  path: '/v1/auth/refresh',
  acl: 'public',
  problems: ['wrong-credentials', 'too-many-sessions'],
  summary: 'A new token for a refresh token',
  tags,
  body: z.strictObject({ refreshToken: oneLine(512), application: oneLine(100), lifeS: wishesSchema.shape.lifeS }),
  secret: true,
  responses: { 200: { description: 'The token, shown once', schema: issuedSchema } },
  async handler({ body, context }) {
    return { status: 200, body: showIssued(await refreshSession(context.identity, body)) };
  },
});

const whoSchema = z
  .object({
    actor: z.string(),
    client: clientSchema.nullable().meta({ description: "null: the installation's admin token" }),
    user: uuid.nullable(),
    token: tokenSchema.nullable(),
  })
  .meta({ id: 'Caller' });

const whoAmI = route({
  method: 'get',
  path: '/v1/auth',
  acl: 'authenticated',
  summary: 'Who the token belongs to',
  tags,
  responses: { 200: { description: 'The caller', schema: whoSchema } },
  async handler({ principal, context }) {
    return { status: 200, body: await callerView(context, principal) };
  },
});

async function callerView({ db }: ApiContext, principal: Principal): Promise<z.input<typeof whoSchema>> {
  const { clientId, tokenId, userId = null, actor } = principal;
  const client = clientId === undefined ? undefined : await findClient(db, { id: clientId });
  const token = tokenId === undefined ? undefined : await readToken(db, tokenId);
  return {
    actor,
    client: client === undefined ? null : showClient(client),
    user: userId,
    token: token === undefined ? null : showToken(token),
  };
}

const logOut = route({
  method: 'delete',
  path: '/v1/auth',
  acl: 'authenticated',
  problems: ['conflict'],
  summary: 'Logs out: ends the token',
  tags,
  responses: { 204: { description: 'It is not valid any more' } },
  async handler({ principal, context }) {
    if (principal.tokenId === undefined) {
      throw new Problem('conflict', 'The admin token does not end: replace the file that holds it.');
    }
    await revokeToken(context.db, principal.tokenId);
    return { status: 204 };
  },
});

const scope = oneLine(500).meta({ description: 'a permission, e.g. `provisioning.services.mail.accounts.me.read`' });

const check = route({
  method: 'get',
  path: '/v1/auth/check',
  acl: 'authenticated',
  problems: ['forbidden'],
  summary: 'Is this token valid, and may it do this?',
  description:
    'For GET and HEAD. 401: unknown or expired; 403: it may not do what `scope` names. GET /v1/auth says who it is.',
  tags,
  query: { scope: scope.optional() },
  responses: { 204: { description: 'It is, and may' } },
  async handler({ query, principal }) {
    if (query.scope !== undefined && !principal.may(query.scope)) {
      throw new Problem('forbidden', `This needs the permission ${query.scope}.`);
    }
    return { status: 204 };
  },
});

const checkMany = route({
  method: 'post',
  path: '/v1/auth/check',
  acl: 'authenticated',
  summary: 'Which of these may the token do?',
  tags,
  body: z.strictObject({ scopes: z.array(scope).max(1_000) }),
  responses: {
    200: { description: 'By permission', schema: z.object({ scopes: z.record(z.string(), z.boolean()) }) },
  },
  async handler({ body, principal }) {
    const scopes = Object.fromEntries(body.scopes.map((permission) => [permission, principal.may(permission)]));
    return { status: 200, body: { scopes } };
  },
});

const newPassword = route({
  method: 'post',
  path: '/v1/auth/password',
  acl: 'public',
  problems: ['wrong-credentials', 'not-offered'],
  summary: 'Sets a password with the token of a link',
  description: 'The token is sent as bearer token; it is good once, and ends all sessions of the client.',
  tags,
  body: z.strictObject({ password: passwordText }),
  responses: { 204: { description: 'The password is set' } },
  async handler({ body, context, headers }) {
    const token = bearerToken(headers['authorization']) ?? '';
    await setPasswordByLink(context.identity, token, body.password);
    return { status: 204 };
  },
});

export const authSessionRoutes: readonly Route[] = [logIn, whoAmI, logOut, refresh, check, checkMany, newPassword];
