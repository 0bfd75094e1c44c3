import { Conflict, Gone, Rejected, isServiceError } from '@muster/sdk';
import type {
  AccountKey,
  AccountProfile,
  AccountRef,
  CallContext,
  ConnectionReport,
  CreateOutcome,
  DeleteOutcome,
  EnsureGroupOutcome,
  GroupRef,
  ManagedGroups,
  Manager,
  NewAccount,
  NewGroup,
  Page,
  RemoteAccount,
  RemoteGroup,
  Secret,
  WriteOutcome,
} from '@muster/sdk';
import { KeycloakClient } from './client';
import { RealmGroups, RealmRoles, isOwn } from './groups';
import type { Grouping } from './groups';
import { KEY_ATTRIBUTE, accountKeyText, keyOf, remoteAccount, remoteGroup } from './keys';
import { checked, groupNames, usernames } from './names';
import { GroupList, Sessions, User, UserList, UserProfile } from './schema';
import type { KeycloakConfig } from './schema';
import { isSame, ownUser, userWithKey, wantedUser } from './users';

const PAGE = 100;
/** Begins the names of users that stand for clients. */
const SERVICE_ACCOUNT = 'service-account-';

/**
 * Users, groups or roles of one Keycloak realm. Our key is an attribute that can be searched. Every method reads first and
 * writes what differs, so it may run twice.
 */
export class KeycloakManager implements Manager {
  static readonly membership = 'by account';
  readonly #config: KeycloakConfig;
  readonly #client: KeycloakClient;
  readonly #grouping: Grouping;

  constructor(config: KeycloakConfig) {
    this.#config = config;
    this.#client = new KeycloakClient(config);
    this.#grouping = config.groupsAre === 'role' ? new RealmRoles(this.#client) : new RealmGroups(this.#client);
  }

  /** Reads what everything else needs; a realm whose user profile would drop our key is told. */
  async testConnection(call: CallContext): Promise<ConnectionReport> {
    const { realm } = this.#client;
    const remote = `Keycloak, realm ${this.#config.realm}`;
    await this.#client.read(realm`/users`, { answer: UserList, query: { max: 1 } }, call);
    await this.#client.read(realm`/groups`, { answer: GroupList, query: { max: 1 } }, call);
    const profile = await this.#client.read(realm`/users/profile`, { answer: UserProfile }, call);
    const isKept =
      ['ENABLED', 'ADMIN_EDIT'].includes(profile.unmanagedAttributePolicy ?? '') ||
      profile.attributes.some(({ name }) => name === KEY_ATTRIBUTE);
    const missing = `The realm drops attributes that its user profile does not name: add ${KEY_ATTRIBUTE}, for administrators only.`;
    return { ok: isKept, missing: isKept ? [] : [missing], remote };
  }

  async findAccount(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    const user = await userWithKey(this.#client, key, call);
    return user === undefined ? undefined : remoteAccount(user);
  }

  async listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    const from = Number(cursor ?? 0);
    const query = { first: from, max: PAGE, briefRepresentation: false };
    const users = await this.#client.read(this.#client.realm`/users`, { answer: UserList, query }, call);
    return { items: users.map(remoteAccount), ...(users.length < PAGE ? {} : { next: String(from + PAGE) }) };
  }

  async listGroups(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    const { groups, next } = await this.#grouping.list(Number(cursor ?? 0), call);
    return { items: groups.map(remoteGroup), ...(next === undefined ? {} : { next: String(next) }) };
  }

  /** Without a password. A name or a mail address that somebody else has is Keycloak's 409. */
  async createAccount({ key, profile }: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const name = checked(profile.name, usernames);
    const existing = await userWithKey(this.#client, key, call);
    if (existing !== undefined) return { outcome: 'already existed', remoteId: existing.id, name: existing.username };
    const attributes = { [KEY_ATTRIBUTE]: [accountKeyText(key)] };
    const { requiredActions = [] } = this.#config;
    const body = { ...wantedUser({ attributes }, profile, this.#config), enabled: true, requiredActions };
    const remoteId = await this.#client.make({ method: 'POST', path: this.#client.realm`/users`, body }, call);
    return { outcome: 'created', remoteId, name };
  }

  /** The users of clients are Keycloak's own. */
  async adoptAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    const user = await this.#client.find(this.#client.realm`/users/${ref.remoteId}`, User, call);
    if (user === undefined) return 'gone';
    const text = accountKeyText(ref.key);
    const known = keyOf(user);
    if (known === text) return 'unchanged';
    if (known !== undefined) throw new Conflict('The user carries the key of another.', { code: 'not-ours' });
    if (user.username.startsWith(SERVICE_ACCOUNT)) {
      throw new Rejected('The user of a client is not taken over.', { code: 'service-account' });
    }
    const body = { ...user, attributes: { ...user.attributes, [KEY_ATTRIBUTE]: [text] } };
    return this.#write({ method: 'PUT', path: this.#client.realm`/users/${user.id}`, body }, call);
  }

  async updateAccount(ref: AccountRef, profile: AccountProfile, call: CallContext): Promise<WriteOutcome> {
    checked(profile.name, usernames);
    return this.#change(ref, (user) => wantedUser(user, profile, this.#config), call);
  }

  async enableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#enable(ref, true, call);
  }

  /** Nobody can log in or renew a token with it; tokens that are out live to their end (`endSessions`). */
  async disableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#enable(ref, false, call);
  }

  /** Its sessions end with it. */
  async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    const user = await ownUser(this.#client, ref, call);
    if (user === undefined) return 'nothing there';
    const where = this.#client.realm`/users/${user.id}`;
    return (await this.#write({ method: 'DELETE', path: where }, call)) === 'gone' ? 'nothing there' : 'done';
  }

  async endSessions(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    const user = await ownUser(this.#client, ref, call);
    if (user === undefined) return 'nothing there';
    const sessions = await this.#client.read(
      this.#client.realm`/users/${user.id}/sessions`,
      { answer: Sessions },
      call,
    );
    await this.#write({ method: 'POST', path: this.#client.realm`/users/${user.id}/logout` }, call);
    return sessions.length === 0 ? 'nothing there' : 'done';
  }

  async setPassword(ref: AccountRef, secret: Secret, call: CallContext): Promise<WriteOutcome> {
    const user = await ownUser(this.#client, ref, call);
    if (user === undefined) return 'gone';
    const body = { type: 'password', value: secret.reveal(), temporary: false };
    return this.#write({ method: 'PUT', path: this.#client.realm`/users/${user.id}/reset-password`, body }, call);
  }

  /** Joins and leaves, one request each. */
  async setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    const user = await ownUser(this.#client, ref, call);
    if (user === undefined) return 'gone';
    const present = new Set(await this.#grouping.of(user.id, call));
    const wanted = new Set(groups.wanted.map(({ remoteId }) => remoteId));
    const joins = groups.wanted.filter(({ remoteId }) => !present.has(remoteId));
    const leaves = groups.managed.filter(({ remoteId }) => present.has(remoteId) && !wanted.has(remoteId));
    for (const group of joins)
      await this.#grouping.join(user.id, group, call).catch((error: unknown) => rethrow(error, group));
    for (const group of leaves) await this.#grouping.leave(user.id, group, call).catch(unlessGone);
    return joins.length + leaves.length === 0 ? 'unchanged' : 'done';
  }

  async ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    const name = checked(group.name, groupNames);
    const existing = await this.#grouping.existing(group, call);
    if (existing === undefined) return { outcome: 'created', remoteId: await this.#grouping.make(group, call), name };
    if (existing.name !== name) await this.#grouping.rename(existing, name, call);
    return { outcome: 'already existed', remoteId: existing.id, name };
  }

  async renameGroup(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome> {
    checked(name, groupNames);
    const group = await this.#grouping.find(ref.remoteId, call);
    if (group === undefined || !isOwn(group, ref)) return 'gone';
    if (group.name === name) return 'unchanged';
    await this.#grouping.rename(group, name, call);
    return 'done';
  }

  async removeGroup(ref: GroupRef, call: CallContext): Promise<DeleteOutcome> {
    const group = await this.#grouping.find(ref.remoteId, call);
    if (group === undefined || !isOwn(group, ref)) return 'nothing there';
    await this.#grouping.remove(group, call);
    return 'done';
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #enable(ref: AccountRef, enabled: boolean, call: CallContext): Promise<WriteOutcome> {
    const user = await ownUser(this.#client, ref, call);
    if (user === undefined) return 'gone';
    if (user.enabled === enabled) return 'unchanged';
    return this.#write(
      { method: 'PUT', path: this.#client.realm`/users/${user.id}`, body: { ...user, enabled } },
      call,
    );
  }

  async #change(ref: AccountRef, change: (user: User) => Partial<User>, call: CallContext): Promise<WriteOutcome> {
    const user = await ownUser(this.#client, ref, call);
    if (user === undefined) return 'gone';
    const body = change(user);
    if (isSame(user, body)) return 'unchanged';
    return this.#write({ method: 'PUT', path: this.#client.realm`/users/${user.id}`, body }, call);
  }

  async #write(writing: Parameters<KeycloakClient['write']>[0], call: CallContext): Promise<'done' | 'gone'> {
    try {
      await this.#client.write(writing, call);
      return 'done';
    } catch (error) {
      if (error instanceof Gone) return 'gone';
      throw error;
    }
  }
}

function rethrow(error: unknown, { remoteId }: GroupRef): never {
  if (isServiceError(error) && error.kind === 'gone') {
    throw new Gone('A group or role is not there any more.', { what: 'group', remoteId, code: 'group-gone' });
  }
  // Roles of administrators are not ours to give; that is one account.
  if (isServiceError(error) && error.code === 'http-403') {
    throw new Rejected('The client may not give or take one of the roles.', { code: 'role-right', cause: error });
  }
  throw error;
}

function unlessGone(error: unknown): void {
  if (!(isServiceError(error) && error.kind === 'gone')) throw error;
}
