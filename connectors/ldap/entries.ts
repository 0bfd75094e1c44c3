import type { RemoteAccount, RemoteGroup } from '@muster/sdk';
import type { Filter } from 'ldapts';
import type { Dialect, KindOfEntry } from './dialect';
import type { Entry } from './directory';
import { equals } from './directory';
import { parseKey } from './keys';

/** What is read of a person: "*" for what the mapping may name; the rest may be operational, and must be asked for. */
export function accountAttributes({ users, idAttribute, keyAttribute, stateAttributes }: Dialect): readonly string[] {
  return ['*', users.nameAttribute, idAttribute, keyAttribute, ...stateAttributes];
}

/** What is read of a group; its members are many and stay out. */
export function groupAttributes({ groups, idAttribute, keyAttribute }: Dialect): readonly string[] {
  return [groups.nameAttribute, idAttribute, keyAttribute];
}

/** Finds an entry by what `remoteId` says. */
export function idFilter({ idAttribute, idIsBinary }: Dialect, remoteId: string): Filter {
  return equals(idAttribute, idIsBinary ? Buffer.from(remoteId, 'hex') : remoteId);
}

/** The entry's remote id and name. */
export function identityOf(
  entry: Entry,
  { nameAttribute }: KindOfEntry,
  { idAttribute }: Dialect,
): { readonly remoteId: string; readonly name: string } {
  return { remoteId: entry.values(idAttribute)[0] ?? '', name: entry.values(nameAttribute)[0] ?? '' };
}

/** A person as the SDK tells of one. Groups are the caller's to add. */
export function remoteAccount(entry: Entry, dialect: Dialect): RemoteAccount {
  const key = parseKey(entry.values(dialect.keyAttribute));
  const enabled = dialect.isEnabled(entry);
  const [email] = entry.values('mail');
  return {
    ...identityOf(entry, dialect.users, dialect),
    ...(key?.kind === 'user' ? { userId: key.id, owner: key.owner } : {}),
    ...(enabled === undefined ? {} : { enabled }),
    ...(email === undefined ? {} : { email }),
  };
}

/** A group as the SDK tells of one. */
export function remoteGroup(entry: Entry, dialect: Dialect): RemoteGroup {
  const key = parseKey(entry.values(dialect.keyAttribute));
  return {
    ...identityOf(entry, dialect.groups, dialect),
    ...(key?.kind === 'group' ? { key: key.id, owner: key.owner } : {}),
  };
}
