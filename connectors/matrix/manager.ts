import { Conflict, Rejected, path } from '@muster/sdk';
import type {
  AccountKey,
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
import { MatrixClient } from './client';
import { checked, localparts, roomNames } from './names';
import { findRoom, makeRoom, ownRoom, remoteGroup, renameRoom, writeRooms } from './rooms';
import { Devices, IsAdmin, RoomPage, UserPage, Version } from './schema';
import type { MatrixConfig, User } from './schema';
import {
  PROVIDER,
  accountKeyText,
  findUser,
  localpartOf,
  ownUser,
  remoteAccount,
  userChange,
  userWithKey,
  keyOf,
} from './users';

/** Each user of a page is asked for by itself, since the list does not hold their keys. */
const USERS_PAGE = 25;
const ROOMS_PAGE = 100;

/**
 * Users and rooms of a Synapse homeserver. A user carries our key as an external id and is found by it; a room's alias holds
 * the group's. Every method reads first and writes what differs, so it may run twice.
 */
export class MatrixManager implements Manager {
  static readonly membership = 'by account';
  readonly #config: MatrixConfig;
  readonly #client: MatrixClient;

  constructor(config: MatrixConfig) {
    this.#config = config;
    this.#client = new MatrixClient(config);
  }

  async testConnection(call: CallContext): Promise<ConnectionReport> {
    const { userId, serverName } = await this.#client.identity(call);
    const version = await this.#client.read('/_synapse/admin/v1/server_version', { answer: Version }, call);
    const remote = `Synapse ${version.server_version.split(' ')[0] ?? ''}, ${serverName}`;
    const where = path`/_synapse/admin/v1/users/${userId}/admin`;
    const { admin } = await this.#client.read(where, { answer: IsAdmin }, call);
    return { ok: admin, missing: admin ? [] : ['The token is not that of a server administrator.'], remote };
  }

  async findAccount(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    const user = await userWithKey(this.#client, key, call);
    return user === undefined || user.deactivated ? undefined : remoteAccount(user);
  }

  async listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    const query = { from: cursor ?? '0', limit: USERS_PAGE, guests: false, deactivated: false, locked: true };
    const page = await this.#client.read('/_synapse/admin/v2/users', { answer: UserPage, query }, call);
    const users = await Promise.all(page.users.map(({ name }) => findUser(this.#client, name, call)));
    return {
      items: users.filter((user): user is User => user?.deactivated === false).map(remoteAccount),
      ...(page.next_token === undefined ? {} : { next: page.next_token }),
    };
  }

  async listGroups(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    const query = { from: cursor ?? '0', limit: ROOMS_PAGE };
    const page = await this.#client.read('/_synapse/admin/v1/rooms', { answer: RoomPage, query }, call);
    return {
      items: page.rooms.map(remoteGroup),
      ...(page.next_batch === undefined ? {} : { next: String(page.next_batch) }),
    };
  }

  /**
   * Without a password: the person gets one by `setPassword`, or logs in by single sign-on. A user that carries our key and
   * was deactivated is the same person coming back, and is activated again.
   */
  async createAccount({ key, profile }: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const name = checked(profile.name, localparts);
    const existing = await userWithKey(this.#client, key, call);
    if (existing !== undefined) {
      if (existing.deactivated) await this.#client.write(userChange(existing.name, { deactivated: false }), call);
      return { outcome: 'already existed', remoteId: existing.name, name: localpartOf(existing.name) };
    }
    const userId = `@${name}:${(await this.#client.identity(call)).serverName}`;
    // The same call would change a user that is there, so it must not be.
    if ((await findUser(this.#client, userId, call)) !== undefined) {
      throw new Conflict('A user with this name exists already and is not ours.', { code: 'name-taken' });
    }
    const threepids = profile.email === null ? [] : [{ medium: 'email', address: profile.email }];
    const externalIds = [{ auth_provider: PROVIDER, external_id: accountKeyText(key) }];
    const body = { displayname: shownName(profile.nickname, name), threepids, external_ids: externalIds };
    await this.#client.write(userChange(userId, body), call);
    return { outcome: 'created', remoteId: userId, name };
  }

  /** Muster's own administrator is nobody's account. */
  async adoptAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    const user = await findUser(this.#client, ref.remoteId, call);
    if (user === undefined || user.deactivated) return 'gone';
    const text = accountKeyText(ref.key);
    const known = keyOf(user);
    if (known === text) return 'unchanged';
    if (known !== undefined) throw new Conflict('The user carries the key of another.', { code: 'not-ours' });
    if (user.name === (await this.#client.identity(call)).userId) {
      throw new Rejected("Muster's own user is not taken over.", { code: 'own-account' });
    }
    // The list is replaced as a whole.
    const externalIds = [...user.external_ids, { auth_provider: PROVIDER, external_id: text }];
    await this.#client.write(userChange(user.name, { external_ids: externalIds }), call);
    return 'done';
  }

  /** The display name, in every room they are in. */
  async setNickname(ref: AccountRef, nickname: string, call: CallContext): Promise<WriteOutcome> {
    const displayname = shownName(nickname, ref.name);
    return this.#change(ref, (user) => (user.displayname === displayname ? undefined : { displayname }), call);
  }

  async enableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#change(ref, (user) => (user.locked ? { locked: false } : undefined), call);
  }

  /** Locked: devices stay known, but can do nothing until the account is enabled again. */
  async disableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#change(ref, (user) => (user.locked ? undefined : { locked: true }), call);
  }

  /** Deactivated: sessions end, rooms are left. The user id is never given to anybody else. */
  async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    if ((await ownUser(this.#client, ref, call)) === undefined) return 'nothing there';
    const where = path`/_synapse/admin/v1/deactivate/${ref.remoteId}`;
    await this.#client.write({ method: 'POST', path: where, body: { erase: this.#config.erase ?? false } }, call);
    return 'done';
  }

  async endSessions(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    if ((await ownUser(this.#client, ref, call)) === undefined) return 'nothing there';
    const where = path`/_synapse/admin/v2/users/${ref.remoteId}/devices`;
    const devices = (await this.#client.read(where, { answer: Devices }, call)).devices.map((each) => each.device_id);
    if (devices.length === 0) return 'nothing there';
    const end = path`/_synapse/admin/v2/users/${ref.remoteId}/delete_devices`;
    await this.#client.write({ method: 'POST', path: end, body: { devices } }, call);
    return 'done';
  }

  /** Ends all sessions too: whoever knew the old password is out. */
  async setPassword(ref: AccountRef, secret: Secret, call: CallContext): Promise<WriteOutcome> {
    if ((await ownUser(this.#client, ref, call)) === undefined) return 'gone';
    const where = path`/_synapse/admin/v1/reset_password/${ref.remoteId}`;
    const body = { new_password: secret.reveal(), logout_devices: true };
    await this.#client.write({ method: 'POST', path: where, body }, call);
    return 'done';
  }

  async setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    if ((await ownUser(this.#client, ref, call)) === undefined) return 'gone';
    return writeRooms(this.#client, { userId: ref.remoteId, groups }, call);
  }

  async ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    const name = checked(group.name, roomNames);
    const existing = await findRoom(this.#client, group, call);
    if (existing === undefined) {
      const remoteId = await makeRoom(this.#client, { group, config: this.#config }, call);
      return { outcome: 'created', remoteId, name };
    }
    if (existing.name !== name) await renameRoom(this.#client, existing.room_id, { name, call });
    return { outcome: 'already existed', remoteId: existing.room_id, name };
  }

  async renameGroup(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome> {
    checked(name, roomNames);
    const room = await ownRoom(this.#client, ref, call);
    if (room === undefined) return 'gone';
    if (room.name === name) return 'unchanged';
    await renameRoom(this.#client, room.room_id, { name, call });
    return 'done';
  }

  /** Everybody leaves, and the room with its history is taken off the server. */
  async removeGroup(ref: GroupRef, call: CallContext): Promise<DeleteOutcome> {
    const room = await ownRoom(this.#client, ref, call);
    if (room === undefined) return 'nothing there';
    const where = path`/_synapse/admin/v1/rooms/${room.room_id}`;
    await this.#client.write({ method: 'DELETE', path: where, body: { purge: true } }, call);
    return 'done';
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** Reads, compares, and writes only what differs. `change` answers undefined for "nothing to do". */
  async #change(ref: AccountRef, change: (user: User) => object | undefined, call: CallContext): Promise<WriteOutcome> {
    const user = await ownUser(this.#client, ref, call);
    if (user === undefined) return 'gone';
    const body = change(user);
    if (body === undefined) return 'unchanged';
    await this.#client.write(userChange(user.name, body), call);
    return 'done';
  }
}

/** Without a nickname people see the name. */
function shownName(nickname: string, name: string): string {
  return nickname.trim() === '' ? name : nickname.trim();
}
