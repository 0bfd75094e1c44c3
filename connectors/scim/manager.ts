import { Conflict, Gone, Misconfigured, Rejected, path } from '@muster/sdk';
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
  Manager,
  MemberChange,
  NewAccount,
  NewGroup,
  Page,
  RemoteAccount,
  RemoteGroup,
  Secret,
  WriteOutcome,
} from '@muster/sdk';
import { differing, newUser, patchOf, profileFields, replacement } from './attributes';
import type { Field } from './attributes';
import { ScimClient } from './client';
import { checkConnection } from './connection-test';
import { Discovery } from './discovery';
import { findGroup, groupCalled, groupWithKey, userCalled, userWithKey } from './lookup';
import { accountKeyText, groupKeyText, isGroupOf, remoteAccount, remoteGroup } from './keys';
import { writeMembers } from './members';
import { checkedName } from './names';
import { GroupList, ScimGroup, ScimUser, UserList } from './schema';
import type { ScimConfig } from './schema';

const PAGE_SIZE = 100;
const GROUP_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Group';

/**
 * Users and groups of a SCIM 2.0 server. `externalId` holds our key and can be searched, so every method looks first and
 * may run twice; what is written is what differs.
 */
export class ScimManager implements Manager {
  static readonly membership = 'by group';
  readonly #config: ScimConfig;
  readonly #client: ScimClient;
  readonly #discovery: Discovery;

  constructor(config: ScimConfig) {
    this.#config = config;
    this.#client = new ScimClient(config);
    this.#discovery = new Discovery(this.#client, config);
  }

  /** A refused token is part of the report; a server that cannot be reached throws Unavailable. */
  async testConnection(call: CallContext): Promise<ConnectionReport> {
    try {
      return await checkConnection(this.#client, await this.#discovery.features(call), call);
    } catch (error) {
      if (error instanceof Misconfigured) return { ok: false, missing: [error.message] };
      throw error;
    }
  }

  async findAccount(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    const user = await userWithKey(this.#client, accountKeyText(key), call);
    return user === undefined ? undefined : remoteAccount(user);
  }

  async listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    const query = { ...window(cursor), attributes: 'userName,externalId,active,emails,groups' };
    const list = await this.#client.read({ path: '/Users', query, answer: UserList }, call);
    return { items: list.Resources.map(remoteAccount), ...nextOf(list, query.startIndex) };
  }

  async listGroups(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    const query = { ...window(cursor), attributes: 'displayName,externalId' };
    const list = await this.#client.read({ path: '/Groups', query, answer: GroupList }, call);
    return { items: list.Resources.map(remoteGroup), ...nextOf(list, query.startIndex) };
  }

  /** Looks for our key first. A 409 is read back by name: what carries our key was made by us a moment ago. */
  async createAccount(account: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const name = checkedName(account.profile.name);
    const externalId = accountKeyText(account.key);
    const existing = await userWithKey(this.#client, externalId, call);
    if (existing !== undefined) return { outcome: 'already existed', remoteId: existing.id, name: existing.userName };
    const body = newUser(externalId, profileFields(account.profile, this.#config));
    try {
      const made = await this.#client.exchange({ method: 'POST', path: '/Users', body, answer: ScimUser }, call);
      return { outcome: 'created', remoteId: made.id, name: made.userName };
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const other = await userCalled(this.#client, name, call);
      if (other?.externalId !== externalId) throw error;
      return { outcome: 'already existed', remoteId: other.id, name: other.userName };
    }
  }

  /** `externalId` may be another client's too: what holds anything is not taken. */
  async adoptAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    const user = await this.#client.find({ path: path`/Users/${ref.remoteId}`, answer: ScimUser }, call);
    if (user === undefined) return 'gone';
    const externalId = accountKeyText(ref.key);
    if (user.externalId === externalId) return 'unchanged';
    if ((user.externalId ?? '') !== '')
      throw new Conflict('The user carries the key of another.', { code: 'not-ours' });
    return this.#write(user, [{ path: 'externalId', value: externalId }], call);
  }

  async updateAccount(ref: AccountRef, profile: AccountProfile, call: CallContext): Promise<WriteOutcome> {
    checkedName(profile.name);
    return this.#change(ref, profileFields(profile, this.#config), call);
  }

  async setNickname(ref: AccountRef, nickname: string, call: CallContext): Promise<WriteOutcome> {
    return this.#change(ref, [{ path: 'nickName', value: nickname === '' ? undefined : nickname }], call);
  }

  async enableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#change(ref, [{ path: 'active', value: true }], call);
  }

  async disableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#change(ref, [{ path: 'active', value: false }], call);
  }

  async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    if ((await this.#own(ref, call)) === undefined) return 'nothing there';
    return this.#remove(path`/Users/${ref.remoteId}`, call);
  }

  async setPassword(ref: AccountRef, secret: Secret, call: CallContext): Promise<WriteOutcome> {
    if (!(await this.#discovery.features(call)).changePassword) {
      if ((await this.#own(ref, call)) === undefined) return 'gone';
      throw new Rejected('This server does not let passwords be changed.', { code: 'no-passwords' });
    }
    return this.#change(ref, [{ path: 'password', value: secret.reveal() }], call);
  }

  /** Found again by its key. Servers may take a name twice (RFC 7643 4.2), so it is looked for first. */
  async ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    const displayName = checkedName(group.name);
    const externalId = groupKeyText(group);
    const existing = await groupWithKey(this.#client, externalId, call);
    if (existing !== undefined) {
      if (existing.displayName !== displayName) await this.#rename(existing, displayName, call);
      return { outcome: 'already existed', remoteId: existing.id, name: displayName };
    }
    if ((await groupCalled(this.#client, displayName, call)) !== undefined) {
      throw new Conflict('A group with this name exists already and is not ours.', { code: 'name-taken' });
    }
    const body = { schemas: [GROUP_SCHEMA], displayName, externalId };
    const made = await this.#client.exchange({ method: 'POST', path: '/Groups', body, answer: ScimGroup }, call);
    return { outcome: 'created', remoteId: made.id, name: made.displayName };
  }

  async renameGroup(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome> {
    const displayName = checkedName(name);
    const group = await this.#ownGroup(ref, call);
    if (group === undefined) return 'gone';
    if (group.displayName === displayName) return 'unchanged';
    await this.#rename(group, displayName, call);
    return 'done';
  }

  async removeGroup(ref: GroupRef, call: CallContext): Promise<DeleteOutcome> {
    if ((await this.#ownGroup(ref, call)) === undefined) return 'nothing there';
    return this.#remove(path`/Groups/${ref.remoteId}`, call);
  }

  async changeMembers(ref: GroupRef, change: MemberChange, call: CallContext): Promise<WriteOutcome> {
    const features = await this.#discovery.features(call);
    const group = await this.#ownGroup(ref, call);
    if (group === undefined) return 'gone';
    const { membersPerRequest } = this.#config;
    return writeMembers(this.#client, { group, change, features, membersPerRequest }, call);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** The user, if it is there and carries our key: an id alone proves nothing. */
  async #own(ref: AccountRef, call: CallContext): Promise<ScimUser | undefined> {
    const user = await this.#client.find({ path: path`/Users/${ref.remoteId}`, answer: ScimUser }, call);
    return user?.externalId === accountKeyText(ref.key) ? user : undefined;
  }

  async #ownGroup(ref: GroupRef, call: CallContext): Promise<ScimGroup | undefined> {
    const group = await findGroup(this.#client, ref.remoteId, call);
    return group !== undefined && isGroupOf(group, ref) ? group : undefined;
  }

  /** Reads, compares, and writes only what differs, if nobody else wrote meanwhile (where the server has versions). */
  async #change(ref: AccountRef, wanted: readonly Field[], call: CallContext): Promise<WriteOutcome> {
    const user = await this.#own(ref, call);
    if (user === undefined) return 'gone';
    const fields = differing(user, wanted);
    return fields.length === 0 ? 'unchanged' : this.#write(user, fields, call);
  }

  async #write(user: ScimUser, fields: readonly Field[], call: CallContext): Promise<WriteOutcome> {
    const { write, etag } = await this.#discovery.features(call);
    await this.#client.write(
      {
        ...(write === 'patch'
          ? { method: 'PATCH', body: patchOf(fields) }
          : { method: 'PUT', body: replacement(user, fields) }),
        path: path`/Users/${user.id}`,
        version: etag ? user.meta?.version : undefined,
      },
      call,
    );
    return 'done';
  }

  async #rename(group: ScimGroup, displayName: string, call: CallContext): Promise<void> {
    const { write, etag } = await this.#discovery.features(call);
    const { meta, ...kept } = group;
    const fields = [{ path: 'displayName', value: displayName }];
    await this.#client.write(
      {
        ...(write === 'patch'
          ? { method: 'PATCH', body: patchOf(fields) }
          : { method: 'PUT', body: { ...kept, displayName } }),
        path: path`/Groups/${group.id}`,
        version: etag ? meta?.version : undefined,
      },
      call,
    );
  }

  async #remove(what: ReturnType<typeof path>, call: CallContext): Promise<DeleteOutcome> {
    try {
      await this.#client.write({ method: 'DELETE', path: what }, call);
      return 'done';
    } catch (error) {
      if (error instanceof Gone) return 'nothing there';
      throw error;
    }
  }
}

function window(cursor: string | undefined): { readonly startIndex: number; readonly count: number } {
  const startIndex = Number(cursor ?? 1);
  if (!Number.isInteger(startIndex)) throw new Rejected('The cursor is not one of this connector.');
  return { startIndex, count: PAGE_SIZE };
}

/** Servers may answer fewer than were asked for (RFC 7644 3.4.2.4), so the next page begins behind what came. */
function nextOf(
  list: { readonly totalResults: number; readonly Resources: readonly unknown[] },
  startIndex: number,
): { readonly next?: string } {
  const next = startIndex + list.Resources.length;
  return list.Resources.length > 0 && next <= list.totalResults ? { next: String(next) } : {};
}
