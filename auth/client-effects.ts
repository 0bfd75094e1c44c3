import { alterRoles, deleteClient, updateClient } from '../store/auth-clients';
import { knownClient } from './known-clients';
import { packageOf } from './offering';
import { LOCAL } from './providers/local';
import type { Logger } from 'pino';
import type { AuthProvider, AuthWrite, ClientData, ClientWriteTry } from '../sdk/index';
import type { ClientRecord } from '../store/auth-clients';
import type { Queryable } from '../store/database';
import type { Body } from './offering';
import type { LoadedProvider } from './provider-registry';

/** What is to be done with a client at its provider. */
export interface ClientWrite {
  readonly ability: AuthWrite;
  /** undefined = one that is still to be made. */
  readonly client: Pick<ClientRecord, 'id' | 'providerId'> | undefined;
  /** The person that a new client belongs to. */
  readonly userId: string | undefined;
  readonly roles: readonly string[];
  /** As it came; the provider's package has been asked whether it fits. */
  readonly body: Body;
}

/** Does it at the provider. @throws AuthError invalid-package, and what the provider throws */
export async function askProvider(
  provider: AuthProvider,
  { ability, client, roles, body }: ClientWrite,
  tried: ClientWriteTry,
): Promise<ClientData | undefined> {
  const clientId = client?.providerId ?? '';
  if (ability === 'addRoles' || ability === 'deleteRoles') await provider[ability]?.(clientId, roles, tried);
  else if (ability === 'enableClient' || ability === 'disableClient' || ability === 'deleteClient')
    await provider[ability]?.(clientId, tried);
  else return askWithPackage(provider, { ability, clientId, body }, tried);
  return undefined;
}

interface PackageWrite {
  readonly ability: 'createClient' | 'clientSelfRegister' | 'updateClient' | 'clientSelfUpdate';
  readonly clientId: string;
  readonly body: Body;
}

async function askWithPackage(
  provider: AuthProvider,
  { ability, clientId, body }: PackageWrite,
  tried: ClientWriteTry,
): Promise<ClientData | undefined> {
  switch (ability) {
    case 'createClient':
      return provider.createClient?.(packageOf(provider.createClientPackage, body), tried);
    case 'clientSelfRegister':
      return provider.clientSelfRegister?.(packageOf(provider.clientRegistrationPackage, body), tried);
    case 'updateClient':
      return provider.updateClient?.(clientId, packageOf(provider.updateClientPackage, body), tried);
    case 'clientSelfUpdate':
      return provider.clientSelfUpdate?.(clientId, packageOf(provider.selfUpdateClientPackage, body), tried);
  }
}

export interface Effect {
  readonly loaded: LoadedProvider;
  readonly write: ClientWrite;
  /** What the provider said. */
  readonly data: ClientData | undefined;
}

/** What holds in Muster once the provider has done it. Answers the client, if it is still there. */
export async function takeEffect(
  { db, log }: { readonly db: Queryable; readonly log: Logger },
  { loaded, write, data }: Effect,
): Promise<ClientRecord | undefined> {
  const { ability, client, userId, roles } = write;
  if (data !== undefined) {
    const known = await knownClient({ db, log }, loaded.name, { data, isLogin: false });
    return userId === undefined ? known : updateClient(db, known.id, { userId });
  }
  if (client === undefined) return undefined;
  if (ability === 'deleteClient') {
    await deleteClient(db, client.id);
    return undefined;
  }
  if (ability === 'enableClient') return updateClient(db, client.id, { enabled: true });
  // The local provider has written them itself: they stand nowhere else.
  if (loaded.name === LOCAL) return undefined;
  if (ability === 'addRoles') return alterRoles(db, client.id, (held) => [...new Set([...held, ...roles])]);
  if (ability === 'deleteRoles')
    return alterRoles(db, client.id, (held) => held.filter((role) => !roles.includes(role)));
  return undefined;
}
