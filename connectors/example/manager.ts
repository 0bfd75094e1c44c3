import { Conflict, Gone, HttpClient, path } from '@muster/sdk';
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
  HttpAnswer,
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
import { accountKeyText, groupKeyText, remoteAccount, remoteGroup } from './keys';
import { About, GroupGone, RemoteTeam, RemoteUser, TeamPage, UserPage } from './schema';
import type { ExampleConfig } from './schema';

const RIGHTS = ['users', 'groups'];

/**
 * The client of the example service. The service keeps our key in its field `externalId`, which can be searched, so
 * every method looks first and may run twice.
 */
export class ExampleManager implements Manager {
  static readonly membership = 'by account';
  readonly #http: HttpClient;

  constructor(config: ExampleConfig) {
    this.#http = new HttpClient({
      baseUrl: config.url,
      headers: { authorization: `Bearer ${config.token}` },
      translate: groupGone,
    });
  }

  async testConnection(call: CallContext): Promise<ConnectionReport> {
    const about = await this.#http.request({ method: 'GET', path: '/about', answer: About }, call);
    const missing = RIGHTS.filter((right) => !about.rights.includes(right)).map(
      (right) => `The token lacks the right "${right}".`,
    );
    return { ok: missing.length === 0, missing, remote: `${about.product} ${about.version}` };
  }

  async findAccount(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    const user = await this.#findUser(key, call);
    return user === undefined ? undefined : remoteAccount(user);
  }

  async listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    const page = await this.#http.request(
      { method: 'GET', path: '/users', query: { after: cursor }, answer: UserPage },
      call,
    );
    return { items: page.items.map(remoteAccount), ...(page.next === null ? {} : { next: page.next }) };
  }

  async listGroups(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    const page = await this.#http.request(
      { method: 'GET', path: '/groups', query: { after: cursor }, answer: TeamPage },
      call,
    );
    return { items: page.items.map(remoteGroup), ...(page.next === null ? {} : { next: page.next }) };
  }

  /** Looks for our key first: after a lost answer the account is there. A taken name is the service's 409, a Conflict. */
  async createAccount(account: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const existing = await this.#findUser(account.key, call);
    if (existing !== undefined) return { outcome: 'already existed', remoteId: existing.id, name: existing.name };
    const body = { ...fields(account.profile), externalId: accountKeyText(account.key) };
    const user = await this.#http.request({ method: 'POST', path: '/users', body, answer: RemoteUser }, call);
    return { outcome: 'created', remoteId: user.id, name: user.name };
  }

  /** The key goes into the field that is empty; one that holds something else is somebody's. */
  async adoptAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    const where = path`/users/${ref.remoteId}`;
    const user = await this.#http.find({ method: 'GET', path: where, answer: RemoteUser }, call);
    if (user === undefined) return 'gone';
    const externalId = accountKeyText(ref.key);
    if (user.externalId === externalId) return 'unchanged';
    if (user.externalId !== null) throw new Conflict('The account carries the key of another.', { code: 'not-ours' });
    await this.#http.request({ method: 'PATCH', path: where, body: { externalId }, notFound: 'gone' }, call);
    return 'done';
  }

  async updateAccount(ref: AccountRef, profile: AccountProfile, call: CallContext): Promise<WriteOutcome> {
    const wanted = fields(profile);
    return this.#change(ref, call, (user) => {
      const same = user.name === wanted.name && user.label === wanted.label && user.email === wanted.email;
      return same ? undefined : wanted;
    });
  }

  async enableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#change(ref, call, (user) => (user.active ? undefined : { active: true }));
  }

  async disableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#change(ref, call, (user) => (user.active ? { active: false } : undefined));
  }

  async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    if ((await this.#own(ref, call)) === undefined) return 'nothing there';
    return this.#remove(path`/users/${ref.remoteId}`, call);
  }

  async setPassword(ref: AccountRef, secret: Secret, call: CallContext): Promise<WriteOutcome> {
    return this.#change(ref, call, () => ({ password: secret.reveal() }));
  }

  /** The service replaces the whole set, so groups that are not managed are sent along. */
  async setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    const managed = new Set(groups.managed.map((group) => group.remoteId));
    const wanted = groups.wanted.map((group) => group.remoteId);
    return this.#change(ref, call, (user) => {
      const kept = user.groups.filter((id) => !managed.has(id));
      const next = [...new Set([...kept, ...wanted])].sort();
      return next.join() === [...user.groups].sort().join() ? undefined : { groups: next };
    });
  }

  async ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    const externalId = groupKeyText(group);
    const found = await this.#http.request(
      { method: 'GET', path: '/groups', query: { externalId }, answer: TeamPage },
      call,
    );
    const existing = found.items[0];
    if (existing === undefined) {
      const body = { name: group.name, externalId };
      const made = await this.#http.request({ method: 'POST', path: '/groups', body, answer: RemoteTeam }, call);
      return { outcome: 'created', remoteId: made.id, name: made.name };
    }
    if (existing.name !== group.name) await this.renameGroup({ ...group, remoteId: existing.id }, group.name, call);
    return { outcome: 'already existed', remoteId: existing.id, name: group.name };
  }

  async renameGroup(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome> {
    const team = await this.#http.find(
      { method: 'GET', path: path`/groups/${ref.remoteId}`, answer: RemoteTeam },
      call,
    );
    if (team === undefined || remoteGroup(team).key === undefined) return 'gone';
    if (team.name === name) return 'unchanged';
    await this.#http.request(
      { method: 'PATCH', path: path`/groups/${ref.remoteId}`, body: { name }, notFound: 'gone' },
      call,
    );
    return 'done';
  }

  async removeGroup(ref: GroupRef, call: CallContext): Promise<DeleteOutcome> {
    const team = await this.#http.find(
      { method: 'GET', path: path`/groups/${ref.remoteId}`, answer: RemoteTeam },
      call,
    );
    if (team === undefined || remoteGroup(team).key === undefined) return 'nothing there';
    return this.#remove(path`/groups/${ref.remoteId}`, call);
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  async #findUser(key: AccountKey, call: CallContext): Promise<RemoteUser | undefined> {
    const query = { externalId: accountKeyText(key) };
    const page = await this.#http.request({ method: 'GET', path: '/users', query, answer: UserPage }, call);
    return page.items[0];
  }

  /** The account, if it is there and carries our key: an id alone proves nothing. */
  async #own(ref: AccountRef, call: CallContext): Promise<RemoteUser | undefined> {
    const user = await this.#http.find({ method: 'GET', path: path`/users/${ref.remoteId}`, answer: RemoteUser }, call);
    return user?.externalId === accountKeyText(ref.key) ? user : undefined;
  }

  /** Reads, compares, and writes only what differs. `change` answers undefined for "nothing to do". */
  async #change(
    ref: AccountRef,
    call: CallContext,
    change: (user: RemoteUser) => object | undefined,
  ): Promise<WriteOutcome> {
    const user = await this.#own(ref, call);
    if (user === undefined) return 'gone';
    const body = change(user);
    if (body === undefined) return 'unchanged';
    await this.#http.request({ method: 'PATCH', path: path`/users/${ref.remoteId}`, body, notFound: 'gone' }, call);
    return 'done';
  }

  async #remove(what: ReturnType<typeof path>, call: CallContext): Promise<DeleteOutcome> {
    try {
      await this.#http.request({ method: 'DELETE', path: what, notFound: 'gone' }, call);
      return 'done';
    } catch (error) {
      if (error instanceof Gone) return 'nothing there';
      throw error;
    }
  }
}

/** The service says 410 where a user is to enter a group that it does not have. By its status alone it would be the user. */
function groupGone({ status, body }: HttpAnswer): Gone | undefined {
  const told = status === 410 ? GroupGone.safeParse(body) : undefined;
  if (told?.success !== true) return undefined;
  return new Gone('A group is not there any more.', { what: 'group', remoteId: told.data.group, code: 'group-gone' });
}

function fields(profile: AccountProfile): {
  readonly name: string;
  readonly label: string;
  readonly email: string | null;
} {
  return { name: profile.name, label: profile.nickname, email: profile.email };
}
