import { path } from '@muster/sdk';
import type { AccountKey, AccountRef, CallContext, RemoteAccount } from '@muster/sdk';
import type { MatrixClient, Writing } from './client';
import { ExternalOwner, User } from './schema';

/**
 * Our key is an external id of the user under a provider name of our own: Synapse keeps it unique and finds users by it
 * (element-hq.github.io/synapse, "User Admin API", "Find a user based on their ID in an auth provider").
 */
export const PROVIDER = 'muster';

export function accountKeyText(key: Pick<AccountKey, 'owner' | 'userId'>): string {
  return `muster:${key.owner}:user:${key.userId}`;
}

const KEY = /^muster:(?<owner>.+):user:(?<id>[^:]+)$/;

export function findUser(client: MatrixClient, userId: string, call: CallContext): Promise<User | undefined> {
  return client.find(path`/_synapse/admin/v2/users/${userId}`, User, call);
}

/** The user that carries the key, deactivated ones too: they keep it. */
export async function userWithKey(client: MatrixClient, key: AccountKey, call: CallContext): Promise<User | undefined> {
  const where = path`/_synapse/admin/v1/auth_providers/${PROVIDER}/users/${accountKeyText(key)}`;
  const found = await client.find(where, ExternalOwner, call);
  return found === undefined ? undefined : findUser(client, found.user_id, call);
}

/** The user, if it is there, not deactivated, and carries this account's key. */
export async function ownUser(client: MatrixClient, ref: AccountRef, call: CallContext): Promise<User | undefined> {
  const user = await findUser(client, ref.remoteId, call);
  if (user === undefined || user.deactivated) return undefined;
  return keyOf(user) === accountKeyText(ref.key) ? user : undefined;
}

/** A change of a user: what is not named stays as it is. */
export function userChange(userId: string, body: object): Writing {
  return { method: 'PUT', path: path`/_synapse/admin/v2/users/${userId}`, body };
}

export function remoteAccount(user: User): RemoteAccount {
  const parts = KEY.exec(keyOf(user) ?? '')?.groups;
  const isOurs = parts?.['id'] !== undefined && parts['owner'] !== undefined;
  return {
    remoteId: user.name,
    name: localpartOf(user.name),
    enabled: !user.locked,
    email: user.threepids.find(({ medium }) => medium === 'email')?.address ?? null,
    ...(isOurs ? { userId: parts['id'], owner: parts['owner'] } : {}),
  };
}

export function localpartOf(userId: string): string {
  return userId.slice(1, userId.indexOf(':'));
}

/** The key that the user carries, of whichever Muster. */
export function keyOf(user: User): string | undefined {
  return user.external_ids.find(({ auth_provider: provider }) => provider === PROVIDER)?.external_id;
}
