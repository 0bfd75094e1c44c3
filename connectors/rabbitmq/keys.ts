import type { AccountKey, NewGroup, RemoteAccount, RemoteGroup } from '@muster/sdk';
import type { RemoteHost, RemoteUser } from './schema';

/** Tag of who is disabled. */
export const DISABLED = 'muster-disabled';

/** What a user's tag says of them. */
export interface UserKey {
  readonly owner: string;
  readonly userId: string;
  /** Made for this account alone: names may be used again. */
  readonly id: string;
}

/** Our key, as a tag of the user. */
export function userTag({ owner, userId, id }: UserKey): string {
  return `muster:${owner}:user:${userId}:${id}`;
}

export function keyOfUser({ tags }: RemoteUser): UserKey | undefined {
  for (const tag of tags) {
    const [, owner, userId, id] = /^muster:(.+):user:([^:]+):([^:]+)$/.exec(tag) ?? [];
    if (owner !== undefined && userId !== undefined && id !== undefined) return { owner, userId, id };
  }
  return undefined;
}

/** Does the user carry this key? */
export function carries(user: RemoteUser, { owner, userId }: AccountKey): boolean {
  const key = keyOfUser(user);
  return key?.owner === owner && key.userId === userId;
}

/** Our key, as the description of a virtual host. */
export function hostText({ owner, key }: Pick<NewGroup, 'owner' | 'key'>): string {
  return `muster:${owner}:group:${key}`;
}

export function keyOfHost({ description }: RemoteHost): Pick<NewGroup, 'owner' | 'key'> | undefined {
  const [, owner, key] = /^muster:(.+):group:([^:]+)$/.exec(description) ?? [];
  return owner === undefined || key === undefined ? undefined : { owner, key };
}

/** The remote id of who carries no key; it can be part of one. */
export function namedId(name: string): string {
  return `user.${Buffer.from(name).toString('base64url')}`;
}

/** A user as the SDK tells of one. */
export function remoteAccount(user: RemoteUser, groups: readonly string[]): RemoteAccount {
  const key = keyOfUser(user);
  return {
    remoteId: key?.id ?? namedId(user.name),
    name: user.name,
    enabled: !user.tags.includes(DISABLED),
    groups,
    ...(key === undefined ? {} : { userId: key.userId, owner: key.owner }),
  };
}

/** A virtual host as the SDK tells of a group: its name is its identity. */
export function remoteGroup(host: RemoteHost): RemoteGroup {
  return { remoteId: host.name, name: host.name, ...keyOfHost(host) };
}
