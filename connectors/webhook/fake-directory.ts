import { randomUUID } from 'node:crypto';
import { z } from 'zod';

/** The people and groups of the in-house system, kept by Muster's calls. A receiver to learn from. */

export interface HeldAccount {
  readonly remoteId: string;
  /** Muster's key; undefined = somebody else made it. */
  readonly userId?: string | undefined;
  readonly owner?: string | undefined;
  name: string;
  nickname: string;
  enabled: boolean;
  groups: string[];
  password?: string;
}

export interface HeldGroup {
  readonly remoteId: string;
  readonly key?: string | undefined;
  readonly owner?: string | undefined;
  name: string;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly body?: object,
  ) {
    super(`refused with ${status}`);
  }
}

const Key = z.object({ userId: z.string(), owner: z.string() });
const Profile = z.object({ name: z.string(), nickname: z.string() });
const Ref = Key.extend({ remoteId: z.string() });
const GroupKey = z.object({ remoteId: z.string(), key: z.string().optional(), owner: z.string().optional() });
const Groups = z.array(z.object({ remoteId: z.string() }));

type Body = Readonly<Record<string, unknown>>;

export class FakeDirectory {
  readonly accounts = new Map<string, HeldAccount>();
  readonly groups = new Map<string, HeldGroup>();

  /** Answers a call, or throws a Refusal. */
  handle({ call, ...body }: Body): object {
    const handler = this.#handlers[String(call)];
    if (handler === undefined) throw new Refusal(400);
    return handler(body);
  }

  add(fields: {
    readonly name: string;
    readonly userId?: string;
    readonly owner?: string;
    readonly nickname?: string;
  }): HeldAccount {
    this.#checkName(this.accounts, fields.name);
    const account = { nickname: '', enabled: true, groups: [], ...fields, remoteId: randomUUID() };
    this.accounts.set(account.remoteId, account);
    return account;
  }

  addGroup(fields: { readonly name: string; readonly key?: string; readonly owner?: string }): HeldGroup {
    this.#checkName(this.groups, fields.name);
    const group = { ...fields, remoteId: randomUUID() };
    this.groups.set(group.remoteId, group);
    return group;
  }

  readonly #handlers: Readonly<Record<string, (body: Body) => object>> = {
    testConnection: () => ({ ok: true, remote: 'In-house 1.0' }),
    createAccount: ({ account, profile }) => {
      const key = Key.parse(account);
      const { name, nickname } = Profile.parse(profile);
      const held = this.#find(key);
      if (held !== undefined) return { outcome: 'already existed', remoteId: held.remoteId, name: held.name };
      return { outcome: 'created', remoteId: this.add({ ...key, name, nickname }).remoteId, name };
    },
    updateAccount: ({ account, profile }) => {
      const held = this.#own(account);
      const { name, nickname } = Profile.parse(profile);
      this.#checkName(this.accounts, name, held.remoteId);
      Object.assign(held, { name, nickname });
      return {};
    },
    setNickname: ({ account, nickname }) => change(this.#own(account), { nickname: String(nickname) }),
    enableAccount: ({ account }) => change(this.#own(account), { enabled: true }),
    disableAccount: ({ account }) => change(this.#own(account), { enabled: false }),
    setPassword: ({ account, password }) => change(this.#own(account), { password: String(password) }),
    endSessions: ({ account }) => change(this.#own(account), {}),
    deleteAccount: ({ account }) => ({
      outcome: this.accounts.delete(this.#own(account).remoteId) ? 'done' : 'nothing there',
    }),
    setGroups: ({ account, wanted, managed }) => {
      const held = this.#own(account);
      const [add, all] = [Groups.parse(wanted).map(idOf), new Set(Groups.parse(managed).map(idOf))];
      const missing = add.find((id) => !this.groups.has(id));
      if (missing !== undefined) throw new Refusal(410, { what: 'group', remoteId: missing });
      return change(held, { groups: [...new Set([...held.groups.filter((id) => !all.has(id)), ...add])] });
    },
    ensureGroup: ({ group }) => {
      const wanted = z.object({ key: z.string(), owner: z.string(), name: z.string() }).parse(group);
      const held = [...this.groups.values()].find(({ key, owner }) => key === wanted.key && owner === wanted.owner);
      if (held === undefined) return { outcome: 'created', remoteId: this.addGroup(wanted).remoteId };
      held.name = wanted.name;
      return { outcome: 'already existed', remoteId: held.remoteId };
    },
    renameGroup: ({ group, name }) => change(this.#ownGroup(group), { name: String(name) }),
    removeGroup: ({ group }) => ({
      outcome: this.groups.delete(this.#ownGroup(group).remoteId) ? 'done' : 'nothing there',
    }),
    findAccount: ({ account }) => ({ account: shown(this.#find(Key.parse(account))) }),
    listAccounts: () => ({ items: [...this.accounts.values()].map(shown) }),
    listGroups: () => ({ items: [...this.groups.values()] }),
  };

  #find({ userId, owner }: z.infer<typeof Key>): HeldAccount | undefined {
    return [...this.accounts.values()].find((each) => each.userId === userId && each.owner === owner);
  }

  /** The account of that id, if it carries the key of the call. */
  #own(ref: unknown): HeldAccount {
    const { remoteId, userId, owner } = Ref.parse(ref);
    const held = this.accounts.get(remoteId);
    if (held?.userId !== userId || held.owner !== owner) throw new Refusal(404);
    return held;
  }

  #ownGroup(ref: unknown): HeldGroup {
    const { remoteId, key, owner } = GroupKey.parse(ref);
    const held = this.groups.get(remoteId);
    if (held === undefined || held.key !== key || held.owner !== owner) throw new Refusal(404);
    return held;
  }

  #checkName(
    all: ReadonlyMap<string, { readonly name: string; readonly remoteId: string }>,
    name: string,
    own?: string,
  ): void {
    if (name === '' || name === 'root') throw new Refusal(422);
    if ([...all.values()].some((each) => each.name === name && each.remoteId !== own)) throw new Refusal(409);
  }
}

function change<T extends object>(held: T, fields: Partial<T>): object {
  Object.assign(held, fields);
  return {};
}

function shown(account: HeldAccount | undefined): object | null {
  if (account === undefined) return null;
  const { password: _password, nickname: _nickname, ...seen } = account;
  return seen;
}

function idOf({ remoteId }: { readonly remoteId: string }): string {
  return remoteId;
}
