import { randomUUID } from 'node:crypto';
import { Conflict, Rejected, Unavailable, isServiceError } from '@muster/sdk';
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
  Secret,
  WriteOutcome,
} from '@muster/sdk';
import { GuestWish, Guests, guestEnd } from './guests';
import { SUPER_USER, idOf, keyText, parseKey, remoteAccount, remoteIdOf } from './keys';
import type { Registered } from './keys';
import { InvalidUser, Murmur } from './murmur';
import { aclGroupNames, requireName, userNames } from './names';
import { GuestIds } from './schema';
import type { MumbleConfig } from './schema';
import { USER_EMAIL, USER_NAME, USER_PASSWORD } from './wire';
import type { AclGroup } from './wire';

const PAGE = 200;
const REMOVED = 'Your account was removed.';
/** The client of one virtual server. Registered users carry our key as their e-mail address, which only administrators see. */
export class MumbleManager implements Manager {
  static readonly membership = 'by group';
  readonly #murmur: Murmur;
  readonly #guests: Guests;
  readonly #channel: number;

  constructor(config: MumbleConfig) {
    this.#murmur = new Murmur(config);
    this.#guests = new Guests(this.#murmur);
    this.#channel = config.channel ?? 0;
  }

  async testConnection(call: CallContext): Promise<ConnectionReport> {
    const remote = `Mumble ${await this.#murmur.version(call)}`;
    const missing: string[] = [];
    try {
      if (!(await this.#murmur.isRunning(call))) missing.push('The virtual server does not run.');
      else await this.#murmur.acl(this.#channel, call);
      await this.#murmur.tryToWrite(call);
    } catch (error) {
      if (!isServiceError(error) || error.kind !== 'misconfigured') throw error;
      missing.push(error.message);
    }
    return { ok: missing.length === 0, missing, remote };
  }

  /** Keys cannot be searched: without the remote id every registration is read. Creation does not need that. */
  async findAccount(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    const isMeant = ({ key: own }: Registered): boolean => own?.owner === key.owner && own.userId === key.userId;
    const ids = key.remoteId === undefined ? [...(await this.#murmur.registered(call)).keys()] : [idOf(key.remoteId)];
    for (const id of ids) {
      const found = await this.#read(id, call);
      if (found !== undefined && isMeant(found)) return remoteAccount(found);
    }
    return undefined;
  }

  /** Guests are nobody's accounts; those whose time is over go now. */
  async listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    const after = cursor === undefined ? SUPER_USER : Number(cursor);
    const ids = [...(await this.#murmur.registered(call)).keys()].filter((id) => id > after).sort((a, b) => a - b);
    const { groups } = await this.#murmur.acl(this.#channel, call);
    const items: RemoteAccount[] = [];
    for (const id of ids.slice(0, PAGE)) {
      const found = await this.#read(id, call);
      if (found === undefined) continue;
      if (found.guestEnd !== undefined) {
        await this.#guests.end([id], false, call);
        continue;
      }
      const names = groups.filter(({ add }) => add.includes(id)).map(({ name }) => name);
      items.push({ ...remoteAccount(found), groups: names });
    }
    const last = ids[PAGE - 1];
    return { items, ...(ids.length > PAGE && last !== undefined ? { next: String(last) } : {}) };
  }

  async createAccount({ key, profile }: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const name = requireName(profile.name, userNames);
    const taken = await this.#murmur.idOf(name, call);
    if (taken !== undefined) {
      const found = await this.#read(taken, call);
      if (found?.key?.owner !== key.owner || found.key.userId !== key.userId) throw nameTaken();
      return { outcome: 'already existed', remoteId: remoteIdOf(found), name: found.name };
    }
    const own = { owner: key.owner, userId: key.userId, account: randomUUID() };
    const info = new Map([
      [USER_NAME, name],
      [USER_EMAIL, keyText(own)],
    ]);
    const id = await this.#murmur.register(info, call).catch(invalidName);
    return { outcome: 'created', remoteId: remoteIdOf({ id, name, key: own }), name };
  }

  async updateAccount(ref: AccountRef, profile: AccountProfile, call: CallContext): Promise<WriteOutcome> {
    const found = await this.#own(ref, call);
    if (found === undefined) return 'gone';
    if (found.name === profile.name) return 'unchanged';
    const name = requireName(profile.name, userNames);
    const taken = await this.#murmur.idOf(name, call);
    if (taken !== undefined && taken !== found.id) throw nameTaken();
    await this.#murmur.update(found.id, new Map([[USER_NAME, name]]), call).catch(invalidName);
    return 'done';
  }

  /** The id leaves the groups first, since the next who is registered may get it. */
  async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    const found = await this.#own(ref, call);
    if (found === undefined) return 'nothing there';
    await this.#alterGroups((groups) => groups.map((group) => withMembers(group, [], [found.id])), call);
    // Who is unregistered goes on as somebody without a number, whom nothing tells from other guests.
    const sessions = await this.#sessionsOf(found.id, call);
    try {
      await this.#murmur.unregister(found.id, call);
    } catch (error) {
      if (!(error instanceof InvalidUser)) throw error;
    }
    for (const session of sessions) await this.#murmur.kick(session, REMOVED, call);
    return 'done';
  }

  async endSessions(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    const found = await this.#own(ref, call);
    if (found === undefined) return 'nothing there';
    const sessions = await this.#sessionsOf(found.id, call);
    for (const session of sessions) await this.#murmur.kick(session, REMOVED, call);
    return sessions.length > 0 ? 'done' : 'nothing there';
  }

  async setPassword(ref: AccountRef, secret: Secret, call: CallContext): Promise<WriteOutcome> {
    const found = await this.#own(ref, call);
    if (found === undefined) return 'gone';
    await this.#murmur.update(found.id, new Map([[USER_PASSWORD, secret.reveal()]]), call).catch(invalidName);
    return 'done';
  }

  /** A group has nothing but its name, and others may have members in it: it is shared with them. */
  async ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    const name = requireName(group.name, aclGroupNames);
    const made = await this.#alterGroups(
      (groups) => (groups.some((each) => each.name === name) ? groups : [...groups, emptyGroup(name)]),
      call,
    );
    return { outcome: made ? 'created' : 'already existed', remoteId: name, name };
  }

  async changeMembers(ref: GroupRef, change: MemberChange, call: CallContext): Promise<WriteOutcome> {
    const add = await this.#idsOf(change.add, call);
    const remove = await this.#idsOf(change.remove, call);
    let isThere = false;
    const altered = await this.#alterGroups((groups) => {
      isThere = groups.some(({ name }) => name === ref.remoteId);
      return groups.map((group) => (group.name === ref.remoteId ? withMembers(group, add, remove) : group));
    }, call);
    if (!isThere) return 'gone';
    return altered ? 'done' : 'unchanged';
  }

  /** What the hook's temporary links ask for. */
  async callAction(action: string, input: unknown, call: CallContext): Promise<unknown> {
    if (action === 'let a guest in') return this.#guests.letIn(GuestWish.parse(input), call);
    if (action === 'end guests') return this.#guests.end(GuestIds.parse(input).ids, true, call);
    throw new Rejected(`There is no action "${action}".`, { code: 'no-action' });
  }

  close(): Promise<void> {
    this.#guests.close();
    return this.#murmur.close();
  }

  #queue: Promise<unknown> = Promise.resolve();

  /**
   * Rules and groups are read and written as a whole, so whoever writes in between is lost. Ours go one after the other, and what was
   * written is read again: an administrator who saved at the same moment has the last word, and it is tried again.
   */
  #alterGroups(alter: (groups: readonly AclGroup[]) => readonly AclGroup[], call: CallContext): Promise<boolean> {
    const work = this.#queue.then(async () => {
      const acl = await this.#murmur.acl(this.#channel, call);
      const groups = alter(acl.groups);
      if (sameGroups(groups, acl.groups)) return false;
      await this.#murmur.setAcl(this.#channel, { ...acl, groups }, call);
      const { groups: after } = await this.#murmur.acl(this.#channel, call);
      if (!sameGroups(alter(after), after)) {
        throw new Unavailable('Somebody else wrote the groups at the same moment.', { code: 'overtaken' });
      }
      return true;
    });
    this.#queue = work.catch(() => undefined);
    return work;
  }

  async #sessionsOf(id: number, call: CallContext): Promise<readonly number[]> {
    return [...(await this.#murmur.sessions(call))].flatMap(([session, userid]) => (userid === id ? [session] : []));
  }

  async #idsOf(refs: readonly AccountRef[], call: CallContext): Promise<readonly number[]> {
    const ids: number[] = [];
    for (const ref of refs) {
      const found = await this.#own(ref, call);
      if (found !== undefined) ids.push(found.id);
    }
    return ids;
  }

  async #read(id: number, call: CallContext): Promise<Registered | undefined> {
    const info = await this.#murmur.registration(id, call);
    const name = info?.get(USER_NAME);
    if (info === undefined || name === undefined) return undefined;
    const email = info.get(USER_EMAIL) ?? '';
    return { id, name, key: parseKey(email), guestEnd: guestEnd(email) };
  }

  async #own(ref: AccountRef, call: CallContext): Promise<Registered | undefined> {
    const found = await this.#read(idOf(ref.remoteId), call);
    if (found?.key?.owner !== ref.key.owner || found.key.userId !== ref.key.userId) return undefined;
    return remoteIdOf(found) === ref.remoteId ? found : undefined;
  }
}

function withMembers(group: AclGroup, add: readonly number[], remove: readonly number[]): AclGroup {
  const kept = group.add.filter((id) => !remove.includes(id));
  return { ...group, add: [...kept, ...add.filter((id) => !kept.includes(id))] };
}

function emptyGroup(name: string): AclGroup {
  return { name, inherited: false, inherit: true, inheritable: true, add: [], remove: [], members: [] };
}

function sameGroups(one: readonly AclGroup[], other: readonly AclGroup[]): boolean {
  const text = (groups: readonly AclGroup[]): string =>
    JSON.stringify(groups.map(({ name, add }) => [name, [...add].sort()]).sort());
  return text(one) === text(other);
}

function nameTaken(): Conflict {
  return new Conflict('The server has another user of this name.', { code: 'name-taken' });
}

/** The server says no more than that; whether the name is taken was looked up just before. */
function invalidName(error: unknown): never {
  if (!(error instanceof InvalidUser)) throw error;
  throw new Rejected('The server does not take this name.', { code: 'name-characters' });
}
