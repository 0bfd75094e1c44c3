import { randomUUID } from 'node:crypto';
import { Conflict, Gone, HttpClient, Rejected, isServiceError, path, tlsOf } from '@muster/sdk';
import type {
  AccountKey,
  AccountRef,
  CallContext,
  ConnectionReport,
  CreateOutcome,
  DeleteOutcome,
  EnsureGroupOutcome,
  GroupRef,
  HttpAnswer,
  HttpRequest,
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
import { DISABLED, carries, hostText, keyOfHost, keyOfUser, remoteAccount, remoteGroup, userTag } from './keys';
import { requireName } from './names';
import { pageOf } from './page';
import { NO_PASSWORD, hashed, locked, unlocked } from './passwords';
import type { StoredPassword } from './passwords';
import {
  BadRequest,
  Connections,
  Overview,
  Permissions,
  RemoteHost,
  RemoteHosts,
  RemoteUser,
  RemoteUsers,
  WhoAmI,
} from './schema';
import type { RabbitConfig } from './schema';

/** The tag of who may do everything. */
const ADMINISTRATOR = 'administrator';

/**
 * The client of one broker. Users carry our key as a tag, virtual hosts as their description; a permission in a virtual host is a
 * membership. Writing is PUT of the whole, so every method looks first and may run twice.
 */
export class RabbitManager implements Manager {
  static readonly membership = 'by account';
  readonly #http: HttpClient;
  readonly #user: string;
  readonly #tags: readonly string[];
  readonly #permission: Readonly<Record<'configure' | 'write' | 'read', string>>;

  constructor(config: RabbitConfig) {
    const basic = Buffer.from(`${config.user}:${config.password}`).toString('base64');
    this.#http = new HttpClient({
      baseUrl: `${config.url.replace(/\/+$/, '')}/api`,
      headers: { authorization: `Basic ${basic}` },
      tls: tlsOf(config),
      translate: missingHost,
    });
    this.#user = config.user;
    this.#tags = config.tags ?? [];
    const { configure = '.*', write = '.*', read = '.*' } = config;
    this.#permission = { configure, write, read };
  }

  async testConnection(call: CallContext): Promise<ConnectionReport> {
    const { tags } = await this.#http.request({ method: 'GET', path: '/whoami', answer: WhoAmI }, call);
    const missing = tags.includes(ADMINISTRATOR) ? [] : [`The user ${this.#user} lacks the tag administrator.`];
    const overview = await this.#http.request({ method: 'GET', path: '/overview', answer: Overview }, call);
    return { ok: missing.length === 0, missing, remote: `RabbitMQ ${overview.rabbitmq_version}` };
  }

  /** Tags cannot be searched, so it reads all users. Creation does not need it. */
  async findAccount(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    const found = (await this.#users(call)).find((user) => carries(user, key));
    return found === undefined ? undefined : remoteAccount(found, await this.#hostsOf(found.name, call));
  }

  async listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    const everybody = (await this.#users(call)).filter(({ name }) => name !== this.#user);
    const { items, next } = pageOf(everybody, cursor);
    const permissions = await this.#http.request({ method: 'GET', path: '/permissions', answer: Permissions }, call);
    const hostsOf = (name: string): readonly string[] =>
      permissions.filter(({ user }) => user === name).map(({ vhost }) => vhost);
    return { items: items.map((user) => remoteAccount(user, hostsOf(user.name))), ...next };
  }

  async listGroups(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    const { items, next } = pageOf(await this.#hosts(call), cursor);
    return { items: items.map(remoteGroup), ...next };
  }

  /** The name is the identity over there, and PUT makes or overwrites: what stands under the name is read first. */
  async createAccount({ key, profile }: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const name = requireName(profile.name);
    const existing = await this.#find(name, call);
    if (existing !== undefined) {
      const known = keyOfUser(existing);
      if (known !== undefined && carries(existing, key))
        return { outcome: 'already existed', remoteId: known.id, name };
      throw new Conflict('The broker has another user of this name.', { code: 'name-taken' });
    }
    const id = randomUUID();
    const { owner, userId } = key;
    await this.#put(name, NO_PASSWORD, { tags: [...this.#tags, userTag({ owner, userId, id })], call });
    return { outcome: 'created', remoteId: id, name };
  }

  /** Whoever administers the broker, Muster itself too, is nobody's account. */
  async adoptAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    const user = await this.#find(ref.name, call);
    if (user === undefined) return 'gone';
    const known = keyOfUser(user);
    if (known !== undefined) {
      if (carries(user, ref.key) && known.id === ref.remoteId) return 'unchanged';
      throw new Conflict('The user carries the key of another.', { code: 'not-ours' });
    }
    if (user.tags.includes(ADMINISTRATOR)) {
      throw new Rejected('An administrator of the broker is not taken over.', { code: 'administrator' });
    }
    const { owner, userId } = ref.key;
    const tags = [...user.tags, userTag({ owner, userId, id: ref.remoteId })];
    await this.#put(user.name, user, { tags, call });
    return 'done';
  }

  /** The password stays, and does not fit as long as the account is disabled. */
  async disableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#change(ref, call, (user) =>
      user.tags.includes(DISABLED) ? undefined : { ...user, ...locked(user), tags: [...user.tags, DISABLED] },
    );
  }

  async enableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#change(ref, call, (user) => {
      if (!user.tags.includes(DISABLED)) return undefined;
      return { ...user, ...unlocked(user), tags: user.tags.filter((tag) => tag !== DISABLED) };
    });
  }

  async setPassword(ref: AccountRef, secret: Secret, call: CallContext): Promise<WriteOutcome> {
    const fresh = hashed(secret.reveal());
    return this.#change(ref, call, (user) => ({
      ...user,
      ...(user.tags.includes(DISABLED) ? locked(fresh) : fresh),
    }));
  }

  async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    if ((await this.#own(ref, call)) === undefined) return 'nothing there';
    const outcome = await this.#remove({ method: 'DELETE', path: path`/users/${ref.name}` }, call);
    await this.#hangUp(ref.name, call);
    return outcome;
  }

  async endSessions(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    if ((await this.#own(ref, call)) === undefined) return 'nothing there';
    const request = { method: 'GET', path: path`/connections/username/${ref.name}`, answer: Connections } as const;
    const open = await this.#http.request(request, call);
    if (open.length === 0) return 'nothing there';
    await this.#hangUp(ref.name, call);
    return 'done';
  }

  /** Permissions in virtual hosts that are not managed are left alone. */
  async setGroups(ref: AccountRef, { wanted, managed }: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    if ((await this.#own(ref, call)) === undefined) return 'gone';
    const request = { method: 'GET', path: path`/users/${ref.name}/permissions`, answer: Permissions } as const;
    const permissions = await this.#http.find(request, call);
    if (permissions === undefined) return 'gone';
    const names = new Set(wanted.map(({ remoteId }) => remoteId));
    const body = this.#permission;
    const isRight = (host: string): boolean =>
      permissions.some(
        (each) => each.vhost === host && Object.entries(body).every(([key, value]) => each[key as 'read'] === value),
      );
    const missing = [...names].filter((host) => !isRight(host));
    const extra = managed.filter(
      ({ remoteId }) => !names.has(remoteId) && permissions.some(({ vhost }) => vhost === remoteId),
    );
    for (const { remoteId } of extra) {
      await this.#remove({ method: 'DELETE', path: path`/permissions/${remoteId}/${ref.name}` }, call);
    }
    for (const host of missing) {
      await this.#http.request({ method: 'PUT', path: path`/permissions/${host}/${ref.name}`, body }, call);
    }
    return missing.length + extra.length === 0 ? 'unchanged' : 'done';
  }

  /** A virtual host cannot be renamed: it is found by our key under the name it was made with. */
  async ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    const hosts = await this.#hosts(call);
    const own = hosts.find(({ description }) => description === hostText(group));
    if (own !== undefined) return { outcome: 'already existed', remoteId: own.name, name: own.name };
    const name = requireName(group.name);
    if (hosts.some((host) => host.name === name)) {
      throw new Conflict('The broker has another virtual host of this name.', { code: 'name-taken' });
    }
    const body = { description: hostText(group) };
    await this.#http.request({ method: 'PUT', path: path`/vhosts/${name}`, body }, call);
    return { outcome: 'created', remoteId: name, name };
  }

  /** With its queues and what is in them. */
  async removeGroup(ref: GroupRef, call: CallContext): Promise<DeleteOutcome> {
    const answer = RemoteHost;
    const host = await this.#http.find({ method: 'GET', path: path`/vhosts/${ref.remoteId}`, answer }, call);
    const key = host === undefined ? undefined : keyOfHost(host);
    const isOther = (ref.key ?? key?.key) !== key?.key || (ref.owner ?? key?.owner) !== key?.owner;
    if (key === undefined || isOther) return 'nothing there';
    return this.#remove({ method: 'DELETE', path: path`/vhosts/${ref.remoteId}` }, call);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  #users(call: CallContext): Promise<readonly RemoteUser[]> {
    return this.#http.request({ method: 'GET', path: '/users', answer: RemoteUsers }, call);
  }

  #hosts(call: CallContext): Promise<readonly RemoteHost[]> {
    return this.#http.request({ method: 'GET', path: '/vhosts', answer: RemoteHosts }, call);
  }

  #find(name: string, call: CallContext): Promise<RemoteUser | undefined> {
    return this.#http.find({ method: 'GET', path: path`/users/${name}`, answer: RemoteUser }, call);
  }

  async #hostsOf(name: string, call: CallContext): Promise<readonly string[]> {
    const answer = Permissions;
    const found = await this.#http.find({ method: 'GET', path: path`/users/${name}/permissions`, answer }, call);
    return (found ?? []).map(({ vhost }) => vhost);
  }

  /** The user of this name, if it is the very account. */
  async #own(ref: AccountRef, call: CallContext): Promise<RemoteUser | undefined> {
    const user = await this.#find(ref.name, call);
    const isOwn = user !== undefined && carries(user, ref.key) && keyOfUser(user)?.id === ref.remoteId;
    return isOwn ? user : undefined;
  }

  async #change(
    ref: AccountRef,
    call: CallContext,
    change: (user: RemoteUser) => RemoteUser | undefined,
  ): Promise<WriteOutcome> {
    const user = await this.#own(ref, call);
    if (user === undefined) return 'gone';
    const next = change(user);
    if (next === undefined) return 'unchanged';
    await this.#put(user.name, next, { tags: next.tags, call });
    return 'done';
  }

  async #put(
    name: string,
    { password_hash, hashing_algorithm }: StoredPassword,
    { tags, call }: { readonly tags: readonly string[]; readonly call: CallContext },
  ): Promise<void> {
    const body = { password_hash, hashing_algorithm, tags: tags.join(',') };
    await this.#http.request({ method: 'PUT', path: path`/users/${name}`, body }, call);
  }

  async #hangUp(name: string, call: CallContext): Promise<void> {
    await this.#remove({ method: 'DELETE', path: path`/connections/username/${name}` }, call);
  }

  async #remove(request: HttpRequest<void>, call: CallContext): Promise<DeleteOutcome> {
    try {
      await this.#http.request({ ...request, notFound: 'gone' }, call);
      return 'done';
    } catch (error) {
      if (isServiceError(error) && error.kind === 'gone') return 'nothing there';
      throw error;
    }
  }
}

/** Said of a permission in a virtual host that is not there; the user was read just before. */
function missingHost({ status, body }: HttpAnswer): Gone | undefined {
  const told = status === 400 ? BadRequest.safeParse(body) : undefined;
  if (told?.success !== true || told.data.reason !== 'vhost_or_user_not_found') return undefined;
  return new Gone('A virtual host is not there any more.', { what: 'group', code: 'group-gone' });
}
