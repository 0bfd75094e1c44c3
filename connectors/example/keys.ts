import type { AccountKey, NewGroup, RemoteAccount, RemoteGroup } from '@muster/sdk';
import type { RemoteTeam, RemoteUser } from './schema';

/** Our key as the service stores it, and back. */

export function accountKeyText(key: Pick<AccountKey, 'owner' | 'userId'>): string {
  return `muster:${key.owner}:user:${key.userId}`;
}

export function groupKeyText(group: Pick<NewGroup, 'owner' | 'key'>): string {
  return `muster:${group.owner}:group:${group.key}`;
}

const KEY = /^muster:(?<owner>.+):(?:user|group):(?<id>[^:]+)$/;

function parseKey(text: string | null): { readonly owner: string; readonly id: string } | undefined {
  const parts = KEY.exec(text ?? '')?.groups;
  if (parts?.['owner'] === undefined || parts['id'] === undefined) return undefined;
  return { owner: parts['owner'], id: parts['id'] };
}

export function remoteAccount(user: RemoteUser): RemoteAccount {
  const key = parseKey(user.externalId);
  return {
    remoteId: user.id,
    name: user.name,
    enabled: user.active,
    email: user.email,
    groups: user.groups,
    ...(key === undefined ? {} : { userId: key.id, owner: key.owner }),
  };
}

export function remoteGroup(team: RemoteTeam): RemoteGroup {
  const key = parseKey(team.externalId);
  return { remoteId: team.id, name: team.name, ...(key === undefined ? {} : { key: key.id, owner: key.owner }) };
}
