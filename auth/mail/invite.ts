import { createClient, findClient, readLocalPassword } from '../../store/auth-clients';
import type { ClientRecord } from '../../store/auth-clients';
import type { Database, Queryable } from '../../store/database';
import { StoreError } from '../../store/errors';
import { newMailId, queueInvitation } from '../../store/mails';
import { readUser } from '../../store/users';
import type { UserRecord } from '../../store/users';
import { LOCAL } from '../providers/local';

/**
 * Makes a local login for a person, named as they are, and queues the mail with the link for its first password, in one commit.
 * @throws StoreError not-found, user-inactive, not-acceptable-value without an address, conflict when they have a password
 */
export function inviteUser(
  db: Database,
  { userId, actor }: { readonly userId: string; readonly actor: string },
): Promise<{ readonly mailId: string; readonly operationId: string }> {
  return db.transaction(async (client) => {
    const user = await readUser(client, userId);
    if (user === undefined) throw new StoreError('not-found', 'There is no such user.');
    if (!user.active) throw new StoreError('user-inactive', `${user.username} is not active.`);
    if (user.email === null) throw new StoreError('not-acceptable-value', `${user.username} has no mail address.`);
    const login = await loginOf(client, user);
    if ((await readLocalPassword(client, login.id)) !== undefined)
      throw new StoreError('conflict', `${user.username} has a password: they can ask for a new one.`);
    const mailId = newMailId();
    return { mailId, operationId: await queueInvitation(client, { id: mailId, clientId: login.id, userId, actor }) };
  });
}

/** A login of that name that belongs to somebody else is never theirs. */
async function loginOf(client: Queryable, { id, username }: UserRecord): Promise<ClientRecord> {
  const standing = await findClient(client, { provider: LOCAL, name: username });
  if (standing === undefined) {
    const rights = { roles: [], acl: [], metadata: {} };
    return createClient(client, {
      name: username,
      provider: LOCAL,
      providerId: username.toLowerCase(),
      userId: id,
      ...rights,
    });
  }
  if (standing.userId === id) return standing;
  throw new StoreError('conflict', `The login ${username} belongs to somebody else.`);
}
