import type { AccountKey, GroupRef, NewGroup, RemoteAccount, RemoteGroup } from '@muster/sdk';
import type { ScimGroup, ScimUser } from './schema';

/** Our key as it stands in `externalId`, the attribute that RFC 7643 3.1 keeps for the client's own identifier. */
export function accountKeyText(key: Pick<AccountKey, 'owner' | 'userId'>): string {
  return `muster:${key.owner}:user:${key.userId}`;
}

export function groupKeyText(group: Pick<NewGroup, 'owner' | 'key'>): string {
  return `muster:${group.owner}:group:${group.key}`;
}

const KEY = /^muster:(?<owner>.+):(?<kind>user|group):(?<id>[^:]+)$/;

function parseKey(text: string | null | undefined, kind: string): { owner: string; id: string } | undefined {
  const parts = KEY.exec(text ?? '')?.groups;
  if (parts?.['owner'] === undefined || parts['id'] === undefined || parts['kind'] !== kind) return undefined;
  return { owner: parts['owner'], id: parts['id'] };
}

export function remoteAccount(user: ScimUser): RemoteAccount {
  const key = parseKey(user.externalId, 'user');
  return {
    remoteId: user.id,
    name: user.userName,
    enabled: user.active ?? true,
    ...(user.emails === undefined ? {} : { email: user.emails[0]?.value ?? null }),
    ...(user.groups === undefined ? {} : { groups: user.groups.map(({ value }) => value) }),
    ...(key === undefined ? {} : { userId: key.id, owner: key.owner }),
  };
}

export function remoteGroup(group: ScimGroup): RemoteGroup {
  const key = parseKey(group.externalId, 'group');
  return {
    remoteId: group.id,
    name: group.displayName,
    ...(key === undefined ? {} : { key: key.id, owner: key.owner }),
  };
}

/** Is it ours? Without a key in the reference any key of a Muster counts. */
export function isGroupOf(group: ScimGroup, { key, owner }: GroupRef): boolean {
  if (key !== undefined && owner !== undefined) return group.externalId === groupKeyText({ key, owner });
  return parseKey(group.externalId, 'group') !== undefined;
}
