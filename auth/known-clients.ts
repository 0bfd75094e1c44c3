import { findClient, provenUser, recordLogin, upsertClient } from '../store/auth-clients';
import { readRoles } from '../store/auth-roles';
import { StoreError } from '../store/errors';
import { AuthError } from './errors';
import { LOCAL } from './providers/local';
import { builtIn } from './roles';
import type { ClientData } from '../sdk/index';
import type { ClientRecord } from '../store/auth-clients';
import type { Identity } from './identity';

/**
 * Muster's row of a client that a provider just vouched for: made or brought up to date, and linked to its person once. Roles
 * that do not exist are left out and logged.
 */
export async function knownClient(
  { db, log }: Pick<Identity, 'db' | 'log'>,
  provider: string,
  { data, isLogin }: { readonly data: ClientData; readonly isLogin: boolean },
): Promise<ClientRecord> {
  if (provider === LOCAL) {
    const record = await findClient(db, { provider, providerId: data.clientId });
    if (record === undefined) throw new StoreError('not-found', 'There is no such client.');
    return isLogin && record.enabled ? recordLogin(db, record.id) : record;
  }
  const own = await readRoles(db, data.roles);
  const roles = data.roles.filter((name) => builtIn(name) !== undefined || own.some((role) => role.name === name));
  const unknown = data.roles.filter((name) => !roles.includes(name));
  if (unknown.length > 0) log.warn({ event: 'auth.unknown-roles', provider, roles: unknown });
  const { person } = data;
  const userId = await provenUser(db, {
    externalId: person?.externalId,
    verifiedEmail: person?.emailVerified === true ? person.email : undefined,
  });
  const { clientId: providerId, name, acl, metadata } = data;
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
