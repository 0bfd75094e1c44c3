import { Conflict, Misconfigured, Rejected, path } from '@muster/sdk';
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
  WriteOutcome,
} from '@muster/sdk';
import { DiscourseClient } from './client';
import { existingGroup, groupPage, makeGroup, ownGroup, remoteGroup, renameGroup, writeGroups } from './groups';
import { checkedName, forumNames } from './names';
import { Arrival, UserList } from './schema';
import type { DiscourseConfig, ForumUser } from './schema';
import { answerLogin, readLogin } from './sso';
import {
  DISABLED,
  REMOVED,
  isNameTaken,
  isRemoved,
  isSuspended,
  logOut,
  makeUser,
  ownUser,
  remoteAccount,
  suspend,
  userOfPerson,
} from './users';
import type { Person } from './users';

/**
 * People and groups of a Discourse forum. A person is known by the external id of DiscourseConnect, which is Muster's id of
 * them; a group by a comment in its description. Every method reads first and writes what differs, so it may run twice.
 */
export class DiscourseManager implements Manager {
  static readonly membership = 'by account';
  readonly #config: DiscourseConfig;
  readonly #client: DiscourseClient;

  constructor(config: DiscourseConfig) {
    this.#config = config;
    this.#client = new DiscourseClient(config);
  }

  /** A refused key is part of the report; what cannot be reached throws Unavailable. */
  async testConnection(call: CallContext): Promise<ConnectionReport> {
    try {
      await this.#client.read('/admin/users.json', { answer: UserList, query: { page: 1 } }, call);
      return { ok: true, missing: [], remote: `Discourse, ${new URL(this.#config.url).host}` };
    } catch (error) {
      if (!(error instanceof Misconfigured || error instanceof Rejected)) throw error;
      return {
        ok: false,
        missing: [`The list of users cannot be read: the key must be one for all users. ${error.message}`],
      };
    }
  }

  async findAccount(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    const user = await userOfPerson(this.#client, key.userId, call);
    return user === undefined || isRemoved(user) ? undefined : remoteAccount(user);
  }

  /** Without what only a request for each would tell. The forum's own users have negative ids. */
  async listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    const page = Number(cursor ?? 1);
    const query = { order: 'created', asc: true, page };
    const users = await this.#client.read('/admin/users.json', { answer: UserList, query }, call);
    return {
      items: users.filter(({ id }) => id > 0).map(({ id, username }) => ({ remoteId: String(id), name: username })),
      ...(users.length === 0 ? {} : { next: String(page + 1) }),
    };
  }

  async listGroups(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    const page = Number(cursor ?? 0);
    const { groups, isLast } = await groupPage(this.#client, page, call);
    return { items: groups.map(remoteGroup), ...(isLast ? {} : { next: String(page + 1) }) };
  }

  /** Who was removed and comes back gets the same user, with what they wrote. */
  async createAccount({ key, profile }: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const username = checkedName(profile.name);
    const existing = await userOfPerson(this.#client, key.userId, call);
    if (existing !== undefined) {
      if (isRemoved(existing)) await suspend(this.#client, existing, { reason: undefined, call });
      return { outcome: 'already existed', remoteId: String(existing.id), name: existing.username };
    }
    if (this.#config.accounts !== 'at once') {
      return { outcome: 'action required', instruction: `Log in to the forum once: ${this.#config.url}` };
    }
    const person = { userId: key.userId, username, name: profile.nickname, email: profile.email };
    const made = await makeUser(this.#client, { person, config: this.#config }, call);
    return { outcome: 'created', remoteId: String(made.id), name: made.username };
  }

  async updateAccount(ref: AccountRef, profile: AccountProfile, call: CallContext): Promise<WriteOutcome> {
    const username = checkedName(profile.name);
    const user = await ownUser(this.#client, ref, call);
    if (user === undefined) return 'gone';
    const isRenamed = user.username !== username;
    if (isRenamed) await this.#rename(user, username, call);
    const isNamed = (user.name ?? '') !== profile.nickname;
    if (isNamed) {
      await this.#client.write(
        { method: 'PUT', path: path`/u/${username}.json`, body: { name: profile.nickname } },
        call,
      );
    }
    return isRenamed || isNamed ? 'done' : 'unchanged';
  }

  async enableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#suspend(ref, undefined, call);
  }

  async disableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#suspend(ref, DISABLED, call);
  }

  /** Logged out everywhere first, whatever becomes of the user then. */
  async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    const user = await ownUser(this.#client, ref, call);
    if (user === undefined || !(await logOut(this.#client, user.id, call))) return 'nothing there';
    const where = path`/admin/users/${user.id}.json`;
    if (this.#config.onRemoval === 'delete')
      await this.#client.write({ method: 'DELETE', path: where, body: {} }, call);
    else if (this.#config.onRemoval === 'anonymize') {
      await this.#client.write({ method: 'PUT', path: path`/admin/users/${user.id}/anonymize.json`, body: {} }, call);
    } else await suspend(this.#client, user, { reason: REMOVED, call });
    return 'done';
  }

  async endSessions(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    const user = await ownUser(this.#client, ref, call);
    return user !== undefined && (await logOut(this.#client, user.id, call)) ? 'done' : 'nothing there';
  }

  async setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    const user = await ownUser(this.#client, ref, call);
    return user === undefined ? 'gone' : writeGroups(this.#client, { user, groups }, call);
  }

  async ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    const name = checkedName(group.name);
    const existing = await existingGroup(this.#client, group, call);
    if (existing === undefined) {
      return { outcome: 'created', remoteId: String(await makeGroup(this.#client, group, call)), name };
    }
    if (existing.name !== name) await renameGroup(this.#client, existing.id, { name, call });
    return { outcome: 'already existed', remoteId: String(existing.id), name };
  }

  async renameGroup(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome> {
    checkedName(name);
    const group = await ownGroup(this.#client, ref, call);
    if (group === undefined) return 'gone';
    if (group.name === name) return 'unchanged';
    await renameGroup(this.#client, group.id, { name, call });
    return 'done';
  }

  async removeGroup(ref: GroupRef, call: CallContext): Promise<DeleteOutcome> {
    const group = await ownGroup(this.#client, ref, call);
    if (group === undefined) return 'nothing there';
    await this.#client.write({ method: 'DELETE', path: path`/admin/groups/${group.id}.json`, body: {} }, call);
    return 'done';
  }

  /** `sso`: somebody who may comes from the forum to log in. Their user is made before they are sent back. */
  async callAction(action: string, input: unknown, call: CallContext): Promise<unknown> {
    const arrival = Arrival.safeParse(input);
    if (action !== 'sso' || !arrival.success) throw new Rejected('There is no such action.', { code: 'no-action' });
    const request = readLogin(arrival.data, this.#config);
    const person = { ...arrival.data, username: forumNames.clean(arrival.data.username) };
    const username = await this.#arrives(person, call);
    return { location: answerLogin(request, { ...person, username }, this.#config) };
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** Answers the name under which the forum has them; where theirs is taken that is one of the forum's making. */
  async #arrives(person: Person, call: CallContext): Promise<string> {
    const existing = await userOfPerson(this.#client, person.userId, call);
    if (existing === undefined) {
      return (await makeUser(this.#client, { person, config: this.#config, mayBeAltered: true }, call)).username;
    }
    if (isRemoved(existing)) await suspend(this.#client, existing, { reason: undefined, call });
    return existing.username;
  }

  async #rename(user: ForumUser, username: string, call: CallContext): Promise<void> {
    const isOnlyCase = user.username.toLowerCase() === username.toLowerCase();
    if (!isOnlyCase && (await isNameTaken(this.#client, username, call))) {
      throw new Conflict('A user with this name exists already and is not ours.', { code: 'name-taken' });
    }
    const where = path`/u/${user.username}/preferences/username.json`;
    await this.#client.write({ method: 'PUT', path: where, body: { new_username: username } }, call);
  }

  async #suspend(ref: AccountRef, reason: string | undefined, call: CallContext): Promise<WriteOutcome> {
    const user = await ownUser(this.#client, ref, call);
    if (user === undefined) return 'gone';
    if (isSuspended(user) === (reason !== undefined)) return 'unchanged';
    await suspend(this.#client, user, { reason, call });
    return 'done';
  }
}
