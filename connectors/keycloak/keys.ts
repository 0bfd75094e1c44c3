import type { AccountKey, NewGroup, RemoteAccount, RemoteGroup } from '@muster/sdk';
import type { Group, User } from './schema';

/**
 * Our key is an attribute. It has no colon and no space, which Keycloak's search by attributes (`q=name:value`) would take for
 * its own.
 */
export const KEY_ATTRIBUTE = 'musterKey';

export function accountKeyText({ owner, userId }: Pick<AccountKey, 'owner' | 'userId'>): string {
  return `muster/${encodeURIComponent(owner)}/user/${userId}`;
}

export function groupKeyText({ owner, key }: Pick<NewGroup, 'owner' | 'key'>): string {
  return `muster/${encodeURIComponent(owner)}/group/${key}`;
}

export function keyOf({ attributes }: Pick<User, 'attributes'>): string | undefined {
  return attributes?.[KEY_ATTRIBUTE]?.[0];
}

const KEY = /^muster\/(?<owner>[^/]+)\/(?<kind>user|group)\/(?<id>[^/]+)$/;

function parsed(text: string | undefined, kind: string): { readonly owner: string; readonly id: string } | undefined {
  const parts = KEY.exec(text ?? '')?.groups;
  if (parts?.['owner'] === undefined || parts['id'] === undefined || parts['kind'] !== kind) return undefined;
  return { owner: decodeURIComponent(parts['owner']), id: parts['id'] };
}

export function remoteAccount(user: User): RemoteAccount {
  const key = parsed(keyOf(user), 'user');
  return {
    remoteId: user.id,
    name: user.username,
    enabled: user.enabled,
    email: user.email ?? null,
    ...(key === undefined ? {} : { userId: key.id, owner: key.owner }),
  };
}

export function remoteGroup(group: Group): RemoteGroup {
  const key = parsed(keyOf(group), 'group');
  return { remoteId: group.id, name: group.name, ...(key === undefined ? {} : { key: key.id, owner: key.owner }) };
}
