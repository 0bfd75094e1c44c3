import { findClient, provenUser, recordLogin, upsertClient } from '../store/auth-clients';
import { readRoles } from '../store/auth-roles';
import { rolesBeingTaken } from '../store/client-writes';
import { StoreError } from '../store/errors';
import { AuthError } from './errors';
import { LOCAL } from './providers/local';
import { builtIn } from './roles';
import type { Logger } from 'pino';
import type { ClientData } from '../sdk/index';
import type { ClientRecord } from '../store/auth-clients';
import type { Queryable } from '../store/database';
import type { Identity } from './identity';

/**
 * Muster's row of a client that a provider just vouched for: made or brought up to date, and linked to its person once. Roles
 * that do not exist are left out and logged.
 */
export async function knownClient(
  { db, log }: { readonly db: Queryable; readonly log: Logger },
  provider: string,
  { data, isLogin }: { readonly data: ClientData; readonly isLogin: boolean },
): Promise<ClientRecord> {
  if (provider === LOCAL) {
    const record = await findClient(db, { provider, providerId: data.clientId });
    if (record === undefined) throw new StoreError('not-found', 'There is no such client.');
    return isLogin && record.enabled ? recordLogin(db, record.id) : record;
  }
  const own = await readRoles(db, data.roles);
  const known = data.roles.filter((name) => builtIn(name) !== undefined || own.some((role) => role.name === name));
  const unknown = data.roles.filter((name) => !known.includes(name));
  if (unknown.length > 0) log.warn({ event: 'auth.unknown-roles', provider, roles: unknown });
  const { person } = data;
  const userId = await provenUser(db, {
    externalId: person?.externalId,
    verifiedEmail: person?.emailVerified === true ? person.email : undefined,
  });
  const { clientId: providerId, name, acl, metadata } = data;
  const taken = data.roles.length === 0 ? [] : await rolesBeingTaken(db, { provider, providerId });
  const roles = known.filter((role) => !taken.includes(role));
  return upsertClient(db, { name, provider, providerId, userId, roles, acl, metadata, isLogin });
}

/**
 * Asks the client's provider whether it is still there, and takes over what it says.
 * @throws AuthError not-offered when that is required and the provider cannot say; StoreError not-found when it is gone
 */
export async function reportedClient(
  identity: Identity,
  client: ClientRecord,
  { required }: { readonly required: boolean },
): Promise<ClientRecord> {
  const { provider } = identity.providers.get(client.provider) ?? {};
  if (provider?.getClient === undefined) {
    if (!required) return client;
    throw new AuthError(
      'not-offered',
      `The provider ${client.provider} does not offer getClient: log in again, or ask an admin for a token.`,
    );
  }
  const data = await provider.getClient(client.providerId);
  if (data === undefined)
    throw new StoreError('not-found', `The provider ${client.provider} does not know this client any more.`);
  return knownClient(identity, client.provider, { data, isLogin: false });
}
