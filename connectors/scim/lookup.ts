import { Misconfigured, path } from '@muster/sdk';
import type { CallContext } from '@muster/sdk';
import { equals } from './client';
import type { ScimClient } from './client';
import { GroupList, ScimGroup, UserList } from './schema';
import type { ScimUser } from './schema';

/** Looking resources up by a filter, and not believing a server that ignores it. */

export async function userWithKey(client: ScimClient, key: string, call: CallContext): Promise<ScimUser | undefined> {
  const query = { filter: equals('externalId', key), count: 10 };
  const { Resources } = await client.read({ path: '/Users', query, answer: UserList }, call);
  return only(Resources, ({ externalId }) => externalId === key);
}

/** `userName` is compared without case (RFC 7643 4.1.1). */
export async function userCalled(client: ScimClient, name: string, call: CallContext): Promise<ScimUser | undefined> {
  const query = { filter: equals('userName', name), count: 10 };
  const { Resources } = await client.read({ path: '/Users', query, answer: UserList }, call);
  return only(Resources, ({ userName }) => isSame(userName, name));
}

export async function groupWithKey(client: ScimClient, key: string, call: CallContext): Promise<ScimGroup | undefined> {
  const query = { filter: equals('externalId', key), count: 10 };
  const { Resources } = await client.read({ path: '/Groups', query, answer: GroupList }, call);
  return only(Resources, ({ externalId }) => externalId === key);
}

export async function groupCalled(client: ScimClient, name: string, call: CallContext): Promise<ScimGroup | undefined> {
  const query = { filter: equals('displayName', name), count: 10 };
  const { Resources } = await client.read({ path: '/Groups', query, answer: GroupList }, call);
  return only(Resources, ({ displayName }) => isSame(displayName, name));
}

export function findGroup(client: ScimClient, id: string, call: CallContext): Promise<ScimGroup | undefined> {
  return client.find({ path: path`/Groups/${id}`, answer: ScimGroup }, call);
}

/** What was asked for. A server that answers others ignores the filter; going on would make everybody twice. */
function only<T>(found: readonly T[], fits: (item: T) => boolean): T | undefined {
  const item = found.find(fits);
  if (item === undefined && found.length > 0) {
    throw new Misconfigured(
      'The server answers a filter with what does not fit it, so nobody can be found again by it.',
      {
        code: 'filter-ignored',
      },
    );
  }
  return item;
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
