import { mapAttributes } from '@muster/sdk';
import type { AccountKey, AccountProfile, AccountRef, CallContext } from '@muster/sdk';
import type { KeycloakClient } from './client';
import { KEY_ATTRIBUTE, accountKeyText, keyOf } from './keys';
import { User, UserList } from './schema';
import type { KeycloakConfig } from './schema';

/** The default user profile's limit for first and last names. */
const PERSON_NAME_LENGTH = 255;

/** The user that carries the key. The search is believed only where the answer carries it. */
export async function userWithKey(
  client: KeycloakClient,
  key: AccountKey,
  call: CallContext,
): Promise<User | undefined> {
  const text = accountKeyText(key);
  const query = { q: `${KEY_ATTRIBUTE}:${text}`, briefRepresentation: false, max: 10 };
  const users = await client.read(client.realm`/users`, { answer: UserList, query }, call);
  return users.find((user) => keyOf(user) === text);
}

/** The user, if it is there and carries this account's key. */
export async function ownUser(client: KeycloakClient, ref: AccountRef, call: CallContext): Promise<User | undefined> {
  const user = await client.find(client.realm`/users/${ref.remoteId}`, User, call);
  return user !== undefined && keyOf(user) === accountKeyText(ref.key) ? user : undefined;
}

/** The user as it should be: what others wrote into it stays, PUT replaces everything. */
export function wantedUser(user: Partial<User>, profile: AccountProfile, config: KeycloakConfig): Partial<User> {
  const mapped = Object.entries(mapAttributes(config.attributes ?? {}, profile));
  const [first, last] = [mapped.find(([name]) => name === 'firstName'), mapped.find(([name]) => name === 'lastName')];
  const attributes = Object.fromEntries(mapped.filter(([name]) => name !== 'firstName' && name !== 'lastName'));
  return {
    ...user,
    username: profile.name,
    email: profile.email ?? '',
    firstName: personName(first === undefined ? profile.nickname : (first[1][0] ?? '')),
    lastName: last === undefined ? (user.lastName ?? '') : personName(last[1][0] ?? ''),
    attributes: { ...user.attributes, ...mutable(attributes) },
  };
}

/** What Keycloak's check of person names takes ("person-name-prohibited-characters"): people only read it, so the rest is left out. */
function personName(text: string): string {
  const plain = text.replace(/[<>&"$%!#?§,;:*~/\\|^=[\]{}()\p{C}]/gu, ' ').replace(/\s+/g, ' ');
  return Array.from(plain.trim()).slice(0, PERSON_NAME_LENGTH).join('').trim();
}

/** Are they the same in all that Keycloak tells? It leaves out what is empty. */
export function isSame(one: Partial<User>, other: Partial<User>): boolean {
  const plain = (user: Partial<User>): string =>
    JSON.stringify([
      user.username,
      user.email ?? '',
      user.firstName ?? '',
      user.lastName ?? '',
      Object.entries(user.attributes ?? {})
        .filter(([, values]) => values.length > 0)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ]);
  return plain(one) === plain(other);
}

function mutable(map: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(map).map(([name, values]) => [name, [...values]]));
}
