import { z } from 'zod';
import { defineConnector, HttpClient, isServiceError, path } from '@muster/sdk';
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

const Config = z.object({ url: z.string() });

const Account = z.object({
  id: z.string(),
  name: z.string(),
  key: z.string(),
  owner: z.string(),
  enabled: z.boolean(),
  groups: z.array(z.string()),
});
const Accounts = z.object({ items: z.array(Account), next: z.string().optional() });
const Group = z.object({ id: z.string(), name: z.string(), key: z.string(), owner: z.string() });
const Groups = z.object({ items: z.array(Group) });

/** The client of the throttling fake: one request per call, like a real connector's. */
class ThrottledManager implements Manager {
  static readonly membership = 'by account';
  readonly #http: HttpClient;

  constructor(config: z.output<typeof Config>) {
    this.#http = new HttpClient({ baseUrl: config.url });
  }

  async testConnection(call: CallContext): Promise<ConnectionReport> {
    await this.#http.request({ method: 'GET', path: '/health' }, call);
    return { ok: true, missing: [] };
  }

  async findAccount(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    const found = await this.#http.find({ method: 'GET', path: path`/accounts/${key.userId}`, answer: Account }, call);
    return found === undefined ? undefined : remote(found);
  }

  async listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    const request = { method: 'GET', path: '/accounts', query: { cursor }, answer: Accounts } as const;
    const { items, next } = await this.#http.request(request, call);
    return { items: items.map(remote), ...(next === undefined ? {} : { next }) };
  }

  async listGroups(_cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    const { items } = await this.#http.request({ method: 'GET', path: '/groups', answer: Groups }, call);
    return { items: items.map(({ id, name, key, owner }) => ({ remoteId: id, name, key, owner })) };
  }

  async createAccount({ key, profile }: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const body = { key: key.userId, owner: key.owner, name: profile.name, nickname: profile.nickname };
    const made = await this.#http.request({ method: 'POST', path: '/accounts', body, answer: Account }, call);
    return { outcome: 'created', remoteId: made.id, name: made.name };
  }

  updateAccount(ref: AccountRef, profile: AccountProfile, call: CallContext): Promise<WriteOutcome> {
    return this.#patch(ref, { name: profile.name, nickname: profile.nickname }, call);
  }

  enableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#patch(ref, { enabled: true }, call);
  }

  disableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#patch(ref, { enabled: false }, call);
  }

  async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    try {
      await this.#http.request({ method: 'DELETE', path: path`/accounts/${ref.remoteId}`, notFound: 'gone' }, call);
      return 'done';
    } catch (error) {
      if (isServiceError(error) && error.kind === 'gone') return 'nothing there';
      throw error;
    }
  }

  async setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    const ids = (refs: readonly GroupRef[]) => refs.map((group) => group.remoteId);
    const body = { wanted: ids(groups.wanted), managed: ids(groups.managed) };
    const request = { method: 'PUT', path: path`/accounts/${ref.remoteId}/groups`, body, answer: Account } as const;
    return (await this.#http.find(request, call)) === undefined ? 'gone' : 'done';
  }

  async ensureGroup({ key, owner, name }: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    const body = { key, owner, name };
    const made = await this.#http.request({ method: 'POST', path: '/groups', body, answer: Group }, call);
    return { outcome: 'created', remoteId: made.id, name: made.name };
  }

  async renameGroup(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome> {
    const request = { method: 'PATCH', path: path`/groups/${ref.remoteId}`, body: { name }, answer: Group } as const;
    return (await this.#http.find(request, call)) === undefined ? 'gone' : 'done';
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  async #patch(ref: AccountRef, body: object, call: CallContext): Promise<WriteOutcome> {
    const request = { method: 'PATCH', path: path`/accounts/${ref.remoteId}`, body, answer: Account } as const;
    return (await this.#http.find(request, call)) === undefined ? 'gone' : 'done';
  }
}

function remote({ id, name, key, owner, enabled, groups }: z.output<typeof Account>): RemoteAccount {
  return { remoteId: id, name, userId: key, owner, enabled, groups };
}

/** The throttling fake as a service of Muster. */
export const connector = defineConnector({
  kind: 'throttled',
  title: 'Throttled',
  sdk: 1,
  config: Config,
  secrets: [],
  manager: ThrottledManager,
  names: { maxLength: 60, clean: (name) => name },
  groupNames: { maxLength: 60, clean: (name) => name },
  maxConcurrency: 16,
});
