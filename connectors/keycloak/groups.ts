import { Conflict, Gone } from '@muster/sdk';
import type { CallContext, GroupRef, NewGroup } from '@muster/sdk';
import type { KeycloakClient } from './client';
import { KEY_ATTRIBUTE, groupKeyText, keyOf, remoteGroup } from './keys';
import { Group, GroupList } from './schema';

const PAGE = 100;

/** What groups are in the realm: its groups, or its roles. Both keep our key as an attribute. */
export interface Grouping {
  find(id: string, call: CallContext): Promise<Group | undefined>;
  list(
    from: number,
    call: CallContext,
  ): Promise<{ readonly groups: readonly Group[]; readonly next: number | undefined }>;
  /** The one of this key, or undefined. Throws Conflict where only the name fits. */
  existing(group: NewGroup, call: CallContext): Promise<Group | undefined>;
  /** Answers the id. */
  make(group: NewGroup, call: CallContext): Promise<string>;
  rename(group: Group, name: string, call: CallContext): Promise<void>;
  remove(group: Group, call: CallContext): Promise<void>;
  /** The ids of those that a user is in. */
  of(userId: string, call: CallContext): Promise<readonly string[]>;
  /** Throws Gone for one that is not there. */
  join(userId: string, group: GroupRef, call: CallContext): Promise<void>;
  leave(userId: string, group: GroupRef, call: CallContext): Promise<void>;
}

export function attributesOf(group: NewGroup): { readonly [KEY_ATTRIBUTE]: readonly string[] } {
  return { [KEY_ATTRIBUTE]: [groupKeyText(group)] };
}

/** Is it Muster's: of this very key, where the reference says which? */
export function isOwn(group: Group, ref: GroupRef): boolean {
  const { key, owner } = remoteGroup(group);
  if (key === undefined || (ref.key !== undefined && ref.key !== key)) return false;
  return ref.owner === undefined || ref.owner === owner;
}

export function nextPage(groups: readonly Group[], from: number): number | undefined {
  return groups.length < PAGE ? undefined : from + PAGE;
}

/** Groups at the top of the realm. */
export class RealmGroups implements Grouping {
  constructor(private readonly client: KeycloakClient) {}

  find(id: string, call: CallContext): Promise<Group | undefined> {
    return this.client.find(this.client.realm`/groups/${id}`, Group, call);
  }

  async list(from: number, call: CallContext) {
    const query = { first: from, max: PAGE, briefRepresentation: false };
    const groups = await this.client.read(this.client.realm`/groups`, { answer: GroupList, query }, call);
    return { groups, next: nextPage(groups, from) };
  }

  async existing(group: NewGroup, call: CallContext): Promise<Group | undefined> {
    const text = groupKeyText(group);
    const query = { q: `${KEY_ATTRIBUTE}:${text}`, briefRepresentation: false, max: 10 };
    const found = await this.client.read(this.client.realm`/groups`, { answer: GroupList, query }, call);
    return found.find((each) => keyOf(each) === text);
  }

  /** A name that is taken is Keycloak's 409. */
  make(group: NewGroup, call: CallContext): Promise<string> {
    const body = { name: group.name, attributes: attributesOf(group) };
    return this.client.make({ method: 'POST', path: this.client.realm`/groups`, body }, call);
  }

  async rename(group: Group, name: string, call: CallContext): Promise<void> {
    const where = this.client.realm`/groups/${group.id}`;
    await this.client.write({ method: 'PUT', path: where, body: { ...group, name } }, call);
  }

  async remove(group: Group, call: CallContext): Promise<void> {
    await this.client.write({ method: 'DELETE', path: this.client.realm`/groups/${group.id}` }, call);
  }

  async of(userId: string, call: CallContext): Promise<readonly string[]> {
    const query = { max: 10_000 };
    const where = this.client.realm`/users/${userId}/groups`;
    return (await this.client.read(where, { answer: GroupList, query }, call)).map(({ id }) => id);
  }

  async join(userId: string, { remoteId }: GroupRef, call: CallContext): Promise<void> {
    await this.client.write({ method: 'PUT', path: this.client.realm`/users/${userId}/groups/${remoteId}` }, call);
  }

  async leave(userId: string, { remoteId }: GroupRef, call: CallContext): Promise<void> {
    await this.client.write({ method: 'DELETE', path: this.client.realm`/users/${userId}/groups/${remoteId}` }, call);
  }
}

/** Roles of the realm. */
export class RealmRoles implements Grouping {
  constructor(private readonly client: KeycloakClient) {}

  find(id: string, call: CallContext): Promise<Group | undefined> {
    return this.client.find(this.client.realm`/roles-by-id/${id}`, Group, call);
  }

  async list(from: number, call: CallContext) {
    const query = { first: from, max: PAGE, briefRepresentation: false };
    const groups = await this.client.read(this.client.realm`/roles`, { answer: GroupList, query }, call);
    return { groups, next: nextPage(groups, from) };
  }

  /** Roles cannot be searched by attribute: by name, and then through all of them. */
  async existing(group: NewGroup, call: CallContext): Promise<Group | undefined> {
    const text = groupKeyText(group);
    const namesake = await this.client.find(this.client.realm`/roles/${group.name}`, Group, call);
    if (namesake !== undefined && keyOf(namesake) === text) return namesake;
    for (let from: number | undefined = 0; from !== undefined;) {
      const page: Awaited<ReturnType<Grouping['list']>> = await this.list(from, call);
      const found = page.groups.find((each) => keyOf(each) === text);
      if (found !== undefined) return found;
      from = page.next;
    }
    if (namesake === undefined) return undefined;
    throw new Conflict('A role with this name exists already and is not ours.', { code: 'name-taken' });
  }

  /** Name and attributes come in one request; the id is asked for, since `Location` holds the name. */
  async make(group: NewGroup, call: CallContext): Promise<string> {
    const body = { name: group.name, attributes: attributesOf(group) };
    await this.client.write({ method: 'POST', path: this.client.realm`/roles`, body }, call);
    return (await this.client.read(this.client.realm`/roles/${group.name}`, { answer: Group }, call)).id;
  }

  async rename(group: Group, name: string, call: CallContext): Promise<void> {
    const where = this.client.realm`/roles-by-id/${group.id}`;
    await this.client.write({ method: 'PUT', path: where, body: { ...group, name } }, call);
  }

  async remove(group: Group, call: CallContext): Promise<void> {
    await this.client.write({ method: 'DELETE', path: this.client.realm`/roles-by-id/${group.id}` }, call);
  }

  async of(userId: string, call: CallContext): Promise<readonly string[]> {
    const where = this.client.realm`/users/${userId}/role-mappings/realm`;
    return (await this.client.read(where, { answer: GroupList }, call)).map(({ id }) => id);
  }

  async join(userId: string, group: GroupRef, call: CallContext): Promise<void> {
    await this.#map('POST', { userId, group }, call);
  }

  async leave(userId: string, group: GroupRef, call: CallContext): Promise<void> {
    await this.#map('DELETE', { userId, group }, call);
  }

  /** Keycloak looks a role up by its name here, so the name must be the one it has now. */
  async #map(
    method: 'POST' | 'DELETE',
    { userId, group }: { readonly userId: string; readonly group: GroupRef },
    call: CallContext,
  ): Promise<void> {
    const role = await this.find(group.remoteId, call);
    if (role === undefined)
      throw new Gone('A role is not there any more.', { what: 'group', remoteId: group.remoteId });
    const body = [{ id: role.id, name: role.name }];
    await this.client.write({ method, path: this.client.realm`/users/${userId}/role-mappings/realm`, body }, call);
  }
}
