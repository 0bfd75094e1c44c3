import { z } from 'zod';
import { openData, unlink } from '../../auth/external/linking';
import { alterOneself } from '../../auth/clients';
import { loginPurpose } from '../../auth/mail/deliver';
import type { Principal } from '../../auth/principal';
import { authAbilities } from '../../sdk/index';
import type { ExternalData } from '../../sdk/index';
import { findClient } from '../../store/auth-clients';
import { revokeRefreshToken } from '../../store/auth-tokens';
import { listExternalAccounts } from '../../store/external-accounts';
import { listExternalTypes } from '../../store/external-types';
import { newMailId, queuePasswordReset } from '../../store/mails';
import { beginAuthorization, usableAccount } from '../external-requests';
import type { Beginner } from '../external-requests';
import { writeAnswer } from '../write-answer';
import { showLinked } from '../external-views';
import { permissionOf } from '../acl';
import type { ApiContext } from '../context';
import { wireTime, WireError } from './wire';

/** Whose things a path names: `me`, or the id that the token's data says. @throws WireError */
export function wirePerson(principal: Principal, reference: string): { readonly userId: string } {
  const isOwn = reference === 'me' || reference === principal.userId || reference === principal.clientId;
  const userId = isOwn ? principal.userId : reference;
  if (userId === undefined || !z.uuid().safeParse(userId).success) throw new WireError(404, 'No such user');
  return { userId };
}

/** @throws WireError 401, as wazo says it for a missing access */
export function requireWire(principal: Principal, acl: string, params: Readonly<Record<string, string>>): void {
  if (!principal.may(permissionOf({ acl }, params))) throw new WireError(401, 'Unauthorized');
}

/** `GET /users/{user}/external`. */
export async function listWireExternal(context: ApiContext, userId: string): Promise<unknown> {
  const [types, accounts] = await Promise.all([
    listExternalTypes(context.db),
    listExternalAccounts(context.db, userId),
  ]);
  const linked = new Map(accounts.map((account) => [account.type, account]));
  const items = types
    .filter((type) => type.enabled)
    .map((type) => {
      const { data, pluginInfo } = showLinked(context, type, linked.get(type.type));
      return { type: type.type, data, plugin_info: pluginInfo, enabled: linked.has(type.type) };
    });
  return { items, total: items.length, filtered: items.length };
}

/** `GET /users/{user}/external/{type}`: the credential in wazo's words, and whatever else the plug-in keeps. */
export async function readWireExternal(
  context: ApiContext,
  key: { readonly userId: string; readonly type: string },
): Promise<unknown> {
  const account = await usableAccount(context, key);
  const { accessToken, refreshToken: _refresh, expiresAt, scopes, ...more }: ExternalData = openData(context, account);
  return {
    ...more,
    ...(accessToken === undefined ? {} : { access_token: accessToken }),
    ...(expiresAt === undefined ? {} : { token_expiration: wireTime(new Date(expiresAt)) }),
    ...(scopes === undefined ? {} : { scope: scopes }),
  };
}

/** `POST /users/{user}/external/{type}`. */
export async function beginWireExternal(
  request: Beginner,
  { userId, type, body }: { readonly userId: string; readonly type: string; readonly body: unknown },
): Promise<unknown> {
  const isEmpty = typeof body !== 'object' || body === null || Object.keys(body).length === 0;
  const beginning = { userId, type, verb: 'post', body: isEmpty ? null : body, returnTo: undefined } as const;
  const { body: start } = await beginAuthorization(request, beginning);
  const { authorizationUrl, code } = start as { readonly authorizationUrl?: string; readonly code?: string };
  const state = authorizationUrl === undefined ? undefined : new URL(authorizationUrl).searchParams.get('state');
  return { authorization_url: authorizationUrl, state, ...(code === undefined ? {} : { code }) };
}

/** `DELETE /users/{user}/external/{type}`. */
export async function deleteWireExternal(
  context: ApiContext,
  { userId, type, actor }: { readonly userId: string; readonly type: string; readonly actor: string },
): Promise<void> {
  const changeId = await unlink(context, { userId, type }, actor);
  if (changeId === undefined) throw new WireError(404, `No such external auth: "${type}"`);
  await context.flow.changed(changeId);
  await context.flow.externalUnlinked(userId);
}

/** `DELETE /users/me/tokens/{client_id}`: the refresh token of one application, and the sessions that it made. */
export async function deleteWireRefresh(context: ApiContext, principal: Principal, application: string): Promise<void> {
  const { clientId } = principal;
  if (clientId === undefined || !(await revokeRefreshToken(context.db, clientId, application)))
    throw new WireError(404, 'No such refresh token');
}

/** `PUT /users/{user}/password`, with the old one. @throws WireError 405 where the provider keeps it elsewhere */
export async function changeWirePassword(context: ApiContext, principal: Principal, given: unknown): Promise<void> {
  const client =
    principal.clientId === undefined ? undefined : await findClient(context.db, { id: principal.clientId });
  const provider = client === undefined ? undefined : context.identity.providers.get(client.provider)?.provider;
  if (client === undefined || provider === undefined || !authAbilities(provider).includes('clientSelfUpdate'))
    throw new WireError(405, 'The password is kept elsewhere');
  const parsed = z.looseObject({ old_password: z.string(), new_password: z.string() }).safeParse(given);
  const body = { currentPassword: parsed.data?.old_password, password: parsed.data?.new_password };
  const written = await alterOneself({ identity: context.identity, principal }, body);
  await writeAnswer({ context, waitMs: undefined, signal: context.draining }, written, () => ({ status: 204 }));
}

/** `GET /users/password/reset?username=|email=|login=`: always the same answer. */
export async function resetWirePassword(
  { db, sealer, flow }: ApiContext,
  query: Readonly<Record<string, unknown>>,
): Promise<void> {
  const login = query['username'] ?? query['email'] ?? query['login'];
  if (typeof login !== 'string' || login === '' || login.length > 320) throw new WireError(400, 'Invalid request');
  const id = newMailId();
  await queuePasswordReset(db, id, sealer.seal(login, loginPurpose(id)));
  await flow.mailQueued(id);
}
