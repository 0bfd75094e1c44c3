import { randomUUID } from 'node:crypto';
import { Conflict, Gone, Rejected, isServiceError } from '@muster/sdk';
import type {
  AccountKey,
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
import { EjabberdApi } from './api';
import { SharedGroups } from './groups';
import { accountNames, fromLocalPart, toLocalPart } from './names';
import { Registry } from './registry';
import type { Entry } from './registry';
import type { XmppConfig } from './schema';

const PAGE = 500;
const LOOKUPS_AT_A_TIME = 8;

/** The client of one ejabberd. Every method looks into the registry first, and may run twice. */
export class XmppManager implements Manager {
  static readonly membership = 'by group';
  readonly #api: EjabberdApi;
  readonly #registry: Registry;
  readonly #groups: SharedGroups;

  constructor(config: XmppConfig) {
    this.#api = new EjabberdApi(config);
    this.#registry = new Registry(this.#api);
    this.#groups = new SharedGroups(this.#api);
  }

  async testConnection(call: CallContext): Promise<ConnectionReport> {
    const nobody = `muster-test-${randomUUID()}`;
    // Each is harmless for somebody who is not there; together they need every kind of right that is used.
    const tries: Readonly<Record<string, () => Promise<unknown>>> = {
      check_account: () => this.#api.exists(nobody, call),
      check_password: () => this.#api.isPassword(nobody, nobody, call),
      kick_user: () => this.#api.kick(nobody, call),
      unregister: () => this.#api.unregister(nobody, call),
      change_password: () => this.#api.changePassword(nobody, nobody, call),
      registered_users: () => this.#api.registered(call),
      private_get: () => this.#api.read('urn:muster:test', call),
      private_set: () => this.#api.store("<m xmlns='urn:muster:test'/>", call),
      srg_list: () => this.#api.groups(call),
      srg_get_info: () => this.#api.group(nobody, call),
      srg_user_del: () => this.#api.leave(nobody, nobody, call),
    };
    const missing: string[] = [];
    for (const [command, attempt] of Object.entries(tries)) {
      const refused = await attempt().then(() => undefined, refusalOf);
      if (refused !== undefined) missing.push(`The command ${command} is refused: ${refused}`);
    }
    return { ok: missing.length === 0, missing, remote: 'ejabberd' };
  }

  async findAccount(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    const entry = await this.#registry.byKey(key, call);
    if (entry === undefined || entry.state === 'claimed') return undefined;
    return (await this.#api.exists(entry.user, call)) ? remoteAccount(entry) : undefined;
  }

  async listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    const all = [...(await this.#api.registered(call))].sort().filter((user) => !this.#api.isOurs(user));
    const rest = all.filter((user) => cursor === undefined || user > cursor);
    const page = rest.slice(0, PAGE);
    const items: RemoteAccount[] = [];
    for (let from = 0; from < page.length; from += LOOKUPS_AT_A_TIME) {
      const users = page.slice(from, from + LOOKUPS_AT_A_TIME);
      items.push(...(await Promise.all(users.map((user) => this.#describe(user, call)))));
    }
    const next = rest.length > PAGE ? page.at(-1) : undefined;
    return { items, ...(next === undefined ? {} : { next }) };
  }

  listGroups(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    return this.#groups.list(cursor, call);
  }

  /** First the name is claimed, then registered: whoever comes back knows the account by its first password. */
  async createAccount({ key, profile }: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const known = await this.#registry.byKey(key, call);
    if (known !== undefined && known.state !== 'claimed' && (await this.#api.exists(known.user, call))) {
      return { outcome: 'already existed', remoteId: known.id, name: fromLocalPart(known.user) };
    }
    const user = toLocalPart(requireName(profile.name));
    const isClaimed = known?.state === 'claimed' && known.user === user;
    if (known !== undefined && !isClaimed) await this.#abandon(known, call);
    const { owner, userId } = key;
    const entry: Entry = isClaimed ? known : { owner, userId, user, id: randomUUID(), state: 'claimed' };
    if (!isClaimed) await this.#registry.save(entry, call);
    const outcome = await this.#register(entry, call);
    await this.#registry.save({ ...entry, state: 'active' }, call);
    if (profile.nickname !== '') await this.#api.setNickname(user, profile.nickname, call);
    return { outcome, remoteId: entry.id, name: profile.name };
  }

  /** Only Muster's own list of accounts is written; the account itself has no field for it. */
  async adoptAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    const user = toLocalPart(requireName(ref.name));
    if (this.#api.isOurs(user)) throw new Rejected("Muster's own account is not taken over.", { code: 'own-account' });
    const { owner, userId } = ref.key;
    const holder = await this.#registry.byName(user, call);
    if (holder !== undefined) {
      if (holder.owner === owner && holder.userId === userId && holder.id === ref.remoteId) return 'unchanged';
      throw new Conflict('The account carries the key of another.', { code: 'not-ours' });
    }
    if (ref.remoteId !== strangerId(user) || !(await this.#api.exists(user, call))) return 'gone';
    const known = await this.#registry.byKey(ref.key, call);
    if (known !== undefined) await this.#abandon(known, call);
    await this.#registry.save({ owner, userId, user, id: ref.remoteId, state: 'active' }, call);
    return 'done';
  }

  async setNickname(ref: AccountRef, nickname: string, call: CallContext): Promise<WriteOutcome> {
    return this.#write(ref, call, (entry) => this.#api.setNickname(entry.user, nickname, call));
  }

  async enableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    const entry = await this.#own(ref, call);
    if (entry?.state === 'active') return 'unchanged';
    return this.#write(ref, call, async (banned) => {
      await this.#api.unban(banned.user, call);
      await this.#registry.save({ ...banned, state: 'active' }, call);
    });
  }

  /** Ends the sessions too. Before 24.06 the server forgets the password, so who comes back needs a new one. */
  async disableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#write(ref, call, async (entry) => {
      await this.#api.ban(entry.user, call);
      await this.#registry.save({ ...entry, state: 'banned' }, call);
    });
  }

  async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    const entry = await this.#registered(ref, call);
    if (entry === undefined) return 'nothing there';
    const wasThere = await this.#api.exists(entry.user, call);
    if (wasThere) {
      await this.#api.kick(entry.user, call);
      await this.#api.unregister(entry.user, call);
    }
    await this.#registry.forget(entry, call);
    return wasThere ? 'done' : 'nothing there';
  }

  async endSessions(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    const entry = await this.#own(ref, call);
    if (entry === undefined) return 'nothing there';
    return (await this.#api.kick(entry.user, call)) > 0 ? 'done' : 'nothing there';
  }

  async setPassword(ref: AccountRef, secret: Secret, call: CallContext): Promise<WriteOutcome> {
    return this.#write(ref, call, async (entry) => {
      if (entry.state === 'banned') {
        throw new Rejected('A new password would let a disabled account in again.', { code: 'account-disabled' });
      }
      await this.#api.changePassword(entry.user, secret.reveal(), call);
    });
  }

  ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    return this.#groups.ensure(group, call);
  }

  renameGroup(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome> {
    return this.#groups.rename(ref, name, call);
  }

  removeGroup(ref: GroupRef, call: CallContext): Promise<DeleteOutcome> {
    return this.#groups.remove(ref, call);
  }

  /** Each is one request; the server takes both of them twice. */
  async changeMembers(ref: GroupRef, { add, remove }: MemberChange, call: CallContext): Promise<WriteOutcome> {
    if ((await this.#groups.own(ref, call)) === undefined) return 'gone';
    for (const member of remove) {
      const entry = await this.#registered(member, call);
      if (entry !== undefined) await this.#api.leave(entry.user, ref.remoteId, call);
    }
    for (const member of add) {
      const entry = await this.#registered(member, call);
      if (entry !== undefined) await this.#api.join(entry.user, ref.remoteId, call);
    }
    return 'done';
  }

  close(): Promise<void> {
    return this.#api.close();
  }

  /** An earlier try had another name, and may have registered it; or the account was taken away by hand. */
  async #abandon(entry: Entry, call: CallContext): Promise<void> {
    const isOrphan =
      entry.state === 'claimed' && (await this.#api.isPassword(entry.user, this.#passwordOf(entry), call));
    if (isOrphan) await this.#api.unregister(entry.user, call);
    await this.#registry.forget(entry, call);
  }

  #passwordOf(entry: Entry): string {
    return this.#api.firstPassword(entry.id);
  }

  /** A name that is taken is ours if an earlier try got so far: then it has the password that only we can make. */
  async #register(entry: Entry, call: CallContext): Promise<'created' | 'already existed'> {
    const password = this.#passwordOf(entry);
    try {
      await this.#api.register(entry.user, password, call);
      return 'created';
    } catch (error) {
      if (error instanceof Rejected) await this.#registry.forget(entry, call);
      if (!(error instanceof Conflict)) throw error;
      if (await this.#api.isPassword(entry.user, password, call)) return 'already existed';
      await this.#registry.forget(entry, call);
      throw new Conflict('The server has an account of this name.', { code: 'name-taken' });
    }
  }

  async #describe(user: string, call: CallContext): Promise<RemoteAccount> {
    const entry = await this.#registry.byName(user, call);
    return entry === undefined ? { remoteId: strangerId(user), name: fromLocalPart(user) } : remoteAccount(entry);
  }

  /** What the registry has for this very account. */
  async #registered(ref: AccountRef, call: CallContext): Promise<Entry | undefined> {
    const entry = await this.#registry.byKey(ref.key, call);
    return entry?.id === ref.remoteId && entry.state !== 'claimed' ? entry : undefined;
  }

  async #own(ref: AccountRef, call: CallContext): Promise<Entry | undefined> {
    const entry = await this.#registered(ref, call);
    return entry !== undefined && (await this.#api.exists(entry.user, call)) ? entry : undefined;
  }

  async #write(ref: AccountRef, call: CallContext, write: (entry: Entry) => Promise<void>): Promise<'done' | 'gone'> {
    const entry = await this.#own(ref, call);
    if (entry === undefined) return 'gone';
    try {
      await write(entry);
    } catch (error) {
      if (error instanceof Gone) return 'gone';
      throw error;
    }
    return 'done';
  }
}

/** The remote id of an account that nobody's key is known of. */
function strangerId(user: string): string {
  return `jid:${user}`;
}

function remoteAccount({ id, user, userId, owner, state }: Entry): RemoteAccount {
  return { remoteId: id, name: fromLocalPart(user), userId, owner, enabled: state === 'active' };
}

function requireName(name: string): string {
  if (name === '' || Buffer.byteLength(name) > accountNames.maxLength || accountNames.clean(name) !== name) {
    throw new Rejected('This name cannot be part of a JID as it is.', { code: 'name-characters' });
  }
  return name;
}

/** Only what is about rights is missing; that nobody of this name is there was to be expected. */
function refusalOf(error: unknown): string | undefined {
  if (isServiceError(error) && error.kind === 'misconfigured') return error.message;
  if (isServiceError(error) && (error.kind === 'gone' || error.kind === 'rejected')) return undefined;
  throw error;
}
