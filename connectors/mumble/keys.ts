import type { RemoteAccount } from '@muster/sdk';
import { NOBODY } from './murmur';

/** The server's own administrator. */
export const SUPER_USER = 0;

/** A registration as the server has it. */
export interface Registered {
  readonly id: number;
  readonly name: string;
  readonly key: Key | undefined;
  /** When the time of a guest is over. */
  readonly guestEnd?: number | undefined;
}

/** Our key, in the place of the e-mail address. */
export interface Key {
  readonly owner: string;
  readonly userId: string;
  /** Made for this account alone: the server uses ids again. */
  readonly account: string;
}

/** The server takes ids up to 31 bits; what is none finds nobody. */
export function idOf(remoteId: string): number {
  const id = Number(remoteId.split('.')[0]);
  return Number.isInteger(id) && id > SUPER_USER && id < NOBODY ? id : NOBODY;
}

export function remoteIdOf({ id, key }: Registered): string {
  return key === undefined ? String(id) : `${id}.${key.account}`;
}

export function remoteAccount(found: Registered): RemoteAccount {
  const { key } = found;
  const own = key === undefined ? {} : { userId: key.userId, owner: key.owner };
  return { remoteId: remoteIdOf(found), name: found.name, ...own };
}

export function keyText({ owner, userId, account }: Key): string {
  return `muster:${owner}:user:${userId}:${account}`;
}

export function parseKey(text: string): Key | undefined {
  const [, owner, userId, account] = /^muster:(.+):user:([^:]+):([^:]+)$/.exec(text) ?? [];
  return owner === undefined || userId === undefined || account === undefined ? undefined : { owner, userId, account };
}
