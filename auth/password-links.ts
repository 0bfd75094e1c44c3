import { findClient } from '../store/auth-clients';
import { LOCAL } from './providers/local';
import { issueAction, redeemAction } from './tokens';
import { onlyTry } from './client-writes';
import { AuthError } from './errors';
import type { ClientRecord } from '../store/auth-clients';
import type { Identity } from './identity';

/** A link in a mail is good so long. */
export const PASSWORD_LINK_S = { reset: 48 * 3_600, invitation: 7 * 24 * 3_600 } as const;

/** The permission inside of a link's token: this one client's password, nothing else. */
export function resetPermission(clientId: string): string {
  return `auth.password.reset.${clientId}`;
}

/** A token for a mail that lets a local client choose a password; undefined when nobody (who may log in) has this name. */
export async function passwordLink(
  identity: Pick<Identity, 'db' | 'settings'>,
  name: string,
  purpose: keyof typeof PASSWORD_LINK_S,
): Promise<{ readonly client: ClientRecord; readonly token: string } | undefined> {
  const client = await findClient(identity.db, { provider: LOCAL, name });
  if (client === undefined || !client.enabled) return undefined;
  const permission = resetPermission(client.id);
  return { client, token: await issueAction(identity, { client, permission, lifeS: PASSWORD_LINK_S[purpose] }) };
}

/** Sets a password with the token of a link, which is good once. @throws AuthError wrong-credentials, not-offered */
export async function setPasswordByLink(identity: Identity, token: string, password: string): Promise<void> {
  const client = await redeemAction(identity, token, resetPermission);
  const { provider } = identity.providers.get(client.provider) ?? {};
  if (provider?.updateClient === undefined) {
    throw new AuthError('not-offered', `The provider ${client.provider} does not offer updateClient.`);
  }
  await provider.updateClient(client.providerId, { password }, onlyTry());
}
