import { Gone, path } from '@muster/sdk';
import type {
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
  WriteOutcome,
} from '@muster/sdk';
import { DiscordClient } from './client';
import { checkConnection } from './connection-test';
import { linkOf } from './link';
import type { DiscordLink } from './link';
import { writeRoles } from './membership';
import { checkedRoleName, nicknameOf } from './names';
import { existingRole, isReserved, keysOfRoles, listRoles, makeRole } from './roles';
import { Member, MemberList } from './schema';
import type { DiscordConfig, Role } from './schema';

const PAGE_SIZE = 1000;
/** Nothing tells that somebody has joined by themselves. */
const JOIN_CHECK_MS = 300_000;

/**
 * Members and roles of one Discord server. Discord keeps no key of ours for a member: the remote id is the Discord user id,
 * which is never given to anybody else. Every method reads first and writes what differs, so it may run twice.
 */
export class DiscordManager implements Manager {
  static readonly membership = 'by account';
  readonly #config: DiscordConfig;
  readonly #client: DiscordClient;

  constructor(config: DiscordConfig) {
    this.#config = config;
    this.#client = new DiscordClient(config);
  }

  testConnection(call: CallContext): Promise<ConnectionReport> {
    return checkConnection(this.#client, this.#config, call);
  }

  /** Members by their Discord user id, without bots. None carries a key: who they are is known by that id alone. */
  async listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    const query = { limit: PAGE_SIZE, after: cursor ?? '0' };
    const where = path`/guilds/${this.#client.guildId}/members`;
    const members = await this.#client.read(where, { answer: MemberList, query }, call);
    const last = members.length < PAGE_SIZE ? undefined : members.at(-1)?.user.id;
    return {
      items: members.filter(({ user }) => user.bot !== true).map(remoteAccount),
      ...(last === undefined ? {} : { next: last }),
    };
  }

  async listGroups(_cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    const roles = await listRoles(this.#client, call);
    const keys = await keysOfRoles(this.#client, call);
    return {
      items: roles
        .filter((role) => this.#isOrdinary(role))
        .map((role) => ({ remoteId: role.id, name: role.name, ...keys.get(role.id) })),
    };
  }

  /**
   * Somebody who is in the server already has the account. Others are added where their linked account allows it
   * (PUT answers 201, or 204 for a member); else they must join by themselves.
   */
  async createAccount(account: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const link = await this.linkOf(account, call);
    if (link === undefined) return { outcome: 'action required', instruction: 'Link your Discord account.' };
    const member = await this.#member(link.userId, call);
    if (member !== undefined) {
      return { outcome: 'already existed', remoteId: member.user.id, name: member.user.username };
    }
    if (link.accessToken === undefined) {
      const where = this.#config.inviteUrl === undefined ? '' : ` Go to ${this.#config.inviteUrl}`;
      return {
        outcome: 'action required',
        instruction: `Join the Discord server with the account that you linked.${where}`,
        remoteId: link.userId,
        checkAfterMs: JOIN_CHECK_MS,
      };
    }
    await this.#join(link.userId, { token: link.accessToken.reveal(), nickname: account.profile.nickname }, call);
    const joined = await this.#client.read(this.#client.member(link.userId), { answer: Member }, call);
    return { outcome: 'created', remoteId: joined.user.id, name: joined.user.username };
  }

  /** Cut to what Discord takes. */
  async setNickname(ref: AccountRef, nickname: string, call: CallContext): Promise<WriteOutcome> {
    const member = await this.#own(ref, call);
    if (member === undefined) return 'gone';
    const nick = nicknameOf(nickname);
    if (this.#config.setNicknames === false || (member.nick ?? '') === nick) return 'unchanged';
    return this.#write('PATCH', member, { body: { nick: nick === '' ? null : nick }, call });
  }

  async setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    const member = await this.#own(ref, call);
    if (member === undefined) return 'gone';
    return writeRoles(this.#client, { member, groups, config: this.#config }, call);
  }

  /** Kicks the member: they lose the server at once, and everything that was said stays. */
  async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    const member = await this.#own(ref, call);
    if (member === undefined) return 'nothing there';
    return (await this.#write('DELETE', member, { call })) === 'gone' ? 'nothing there' : 'done';
  }

  async ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    const name = checkedRoleName(group.name);
    const existing = await existingRole(this.#client, { group, config: this.#config }, call);
    if (existing === undefined) {
      const made = await makeRole(this.#client, group, call);
      return { outcome: 'created', remoteId: made.id, name: made.name };
    }
    if (existing.name !== name) await this.#renameRole(existing.id, name, call);
    return { outcome: 'already existed', remoteId: existing.id, name };
  }

  async renameGroup(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome> {
    const wanted = checkedRoleName(name);
    const role = await this.#ownRole(ref, call);
    if (role === undefined) return 'gone';
    if (role.name === wanted) return 'unchanged';
    await this.#renameRole(role.id, wanted, call);
    return 'done';
  }

  async removeGroup(ref: GroupRef, call: CallContext): Promise<DeleteOutcome> {
    const role = await this.#ownRole(ref, call);
    if (role === undefined) return 'nothing there';
    const where = path`/guilds/${this.#client.guildId}/roles/${role.id}`;
    try {
      await this.#client.write({ method: 'DELETE', path: where, reason: 'Muster: group removed' }, call);
      return 'done';
    } catch (error) {
      if (error instanceof Gone) return 'nothing there';
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** Who this person is on Discord; undefined = they have not said. */
  protected async linkOf(account: NewAccount, call: CallContext): Promise<DiscordLink | undefined> {
    return linkOf(account, this.#config, call);
  }

  async #member(userId: string, call: CallContext): Promise<Member | undefined> {
    try {
      return await this.#client.read(this.#client.member(userId), { answer: Member }, call);
    } catch (error) {
      if (error instanceof Gone) return undefined;
      throw error;
    }
  }

  /** The member, if the key was made for this very Discord user. */
  async #own({ remoteId, key }: AccountRef, call: CallContext): Promise<Member | undefined> {
    if (key.remoteId !== undefined && key.remoteId !== remoteId) return undefined;
    return this.#member(remoteId, call);
  }

  async #join(
    userId: string,
    { token, nickname }: { readonly token: string; readonly nickname: string },
    call: CallContext,
  ): Promise<void> {
    const nick = this.#config.setNicknames === false ? '' : nicknameOf(nickname);
    // Roles come later, by setGroups: given here they would skip the server's membership screening.
    const body = { access_token: token, ...(nick === '' ? {} : { nick }) };
    await this.#client.write({ method: 'PUT', path: this.#client.member(userId), body, reason: 'Muster: joins' }, call);
  }

  async #write(
    method: 'PATCH' | 'DELETE',
    member: Member,
    { body, call }: { readonly body?: object; readonly call: CallContext },
  ): Promise<WriteOutcome> {
    const where = this.#client.member(member.user.id);
    const reason = method === 'DELETE' ? 'Muster: no longer entitled' : 'Muster: nickname';
    try {
      await this.#client.write({ method, path: where, reason, ...(body === undefined ? {} : { body }) }, call);
      return 'done';
    } catch (error) {
      if (error instanceof Gone) return 'gone';
      throw error;
    }
  }

  async #ownRole(ref: GroupRef, call: CallContext): Promise<Role | undefined> {
    const role = (await listRoles(this.#client, call)).find(({ id }) => id === ref.remoteId);
    return role !== undefined && this.#isOrdinary(role) ? role : undefined;
  }

  /** Not @everyone, no role of a bot or integration, and not reserved. */
  #isOrdinary(role: Role): boolean {
    return role.id !== this.#client.guildId && !role.managed && !isReserved(role, this.#config);
  }

  async #renameRole(id: string, name: string, call: CallContext): Promise<void> {
    const where = path`/guilds/${this.#client.guildId}/roles/${id}`;
    await this.#client.write({ method: 'PATCH', path: where, body: { name }, reason: 'Muster: group renamed' }, call);
  }
}

function remoteAccount({ user, roles }: Member): RemoteAccount {
  return { remoteId: user.id, name: user.username, enabled: true, groups: roles };
}
