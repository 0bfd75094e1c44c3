import { z } from 'zod';
import { open } from './connect';

/**
 * A Discourse forum as docs.discourse.org tells of its API, with what it does silently: it takes over whoever has the mail
 * address, and alters names that are taken.
 */
export interface FakeUser {
  readonly id: number;
  username: string;
  name: string | null;
  email: string;
  externalId: string | null;
  suspension: { readonly reason: string; readonly till: string } | null;
  posts: number;
  logOuts: number;
}

export interface FakeGroup {
  readonly id: number;
  name: string;
  readonly automatic: boolean;
  readonly bio: string;
  members: number[];
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly body: object = { errors: ['The requested URL or resource could not be found.'], error_type: 'not_found' },
  ) {
    super(`refused with ${status}`);
  }
}

type Body = Readonly<Record<string, unknown>>;
type Route = readonly [method: string, pattern: RegExp, handle: (match: readonly string[], body: Body) => unknown];

const USERS_PER_PAGE = 3;
const GROUPS_PER_PAGE = 2;
const Name = z
  .string()
  .regex(/^[A-Za-z0-9_](?:[-_.]?[A-Za-z0-9])*$/)
  .min(3)
  .max(20);

export class FakeForum {
  readonly users = new Map<number, FakeUser>();
  readonly groups = new Map<number, FakeGroup>();
  #lastId = 0;

  constructor(readonly secret: string) {
    this.users.set(-1, { ...newUser(-1), username: 'system' });
    this.groups.set(10, { id: 10, name: 'trust_level_0', automatic: true, bio: '', members: [] });
  }

  add(fields: Partial<FakeUser> & { readonly username: string }): FakeUser {
    this.#lastId += 1;
    const user = { ...newUser(this.#lastId), email: `u${this.#lastId}@forum.example.org`, ...fields };
    this.users.set(user.id, user);
    const everybody = this.groups.get(10);
    everybody?.members.push(user.id);
    return user;
  }

  addGroup(name: string, bio = ''): FakeGroup {
    this.#lastId += 1;
    const group = { id: 100 + this.#lastId, name, automatic: false, bio, members: [] };
    this.groups.set(group.id, group);
    return group;
  }

  handle(method: string, url: URL, body: Body): unknown {
    const path = decodeURIComponent(url.pathname);
    for (const [verb, pattern, handle] of this.#routes(url.searchParams)) {
      const match = verb === method ? pattern.exec(path) : null;
      if (match !== null) return handle(match.slice(1), body);
    }
    throw new Refusal(404);
  }

  #routes(query: URLSearchParams): readonly Route[] {
    const page = Number(query.get('page') ?? 0);
    return [
      ['GET', /^\/admin\/users\.json$/, () => this.#list(query)],
      ['GET', /^\/admin\/users\/(-?\d+)\.json$/, ([id]) => this.#shown(this.#user(id))],
      ['DELETE', /^\/admin\/users\/(\d+)\.json$/, ([id]) => this.#delete(this.#user(id))],
      ['POST', /^\/admin\/users\/(\d+)\/log_out\.json$/, ([id]) => this.#logOut(this.#user(id))],
      ['PUT', /^\/admin\/users\/(\d+)\/suspend\.json$/, ([id], body) => this.#suspend(this.#user(id), body)],
      [
        'PUT',
        /^\/admin\/users\/(\d+)\/unsuspend\.json$/,
        ([id]) => Object.assign(this.#user(id), { suspension: null }),
      ],
      ['PUT', /^\/admin\/users\/(\d+)\/anonymize\.json$/, ([id]) => this.#anonymize(this.#user(id))],
      ['POST', /^\/admin\/users\/sync_sso$/, (_match, body) => this.#sync(body)],
      ['GET', /^\/u\/by-external\/([^/]+)\.json$/, ([id]) => ({ user: { id: this.#external(id).id } })],
      ['GET', /^\/u\/([^/]+)\.json$/, ([name]) => ({ user: pick(this.#called(name)) })],
      ['PUT', /^\/u\/([^/]+)\.json$/, ([name], body) => Object.assign(this.#called(name), { name: body['name'] })],
      ['PUT', /^\/u\/([^/]+)\/preferences\/username\.json$/, ([name], body) => this.#rename(this.#called(name), body)],
      ['GET', /^\/groups\.json$/, () => this.#listGroups(page)],
      ['GET', /^\/groups\/by-id\/(\d+)\.json$/, ([id]) => ({ group: shownGroup(this.#group(id)) })],
      ['GET', /^\/groups\/([^/]+)\.json$/, ([name]) => ({ group: shownGroup(this.#groupCalled(name)) })],
      ['POST', /^\/admin\/groups\.json$/, (_match, body) => this.#makeGroup(body)],
      ['PUT', /^\/groups\/(\d+)\.json$/, ([id], body) => this.#renameGroup(this.#group(id), body)],
      ['DELETE', /^\/admin\/groups\/(\d+)\.json$/, ([id]) => this.groups.delete(this.#group(id).id)],
      ['PUT', /^\/groups\/(\d+)\/members\.json$/, ([id], body) => this.#join(this.#group(id), body)],
      ['DELETE', /^\/groups\/(\d+)\/members\.json$/, ([id], body) => this.#leave(this.#group(id), body)],
    ];
  }

  #list(query: URLSearchParams): unknown {
    const email = query.get('email');
    const all = [...this.users.values()].filter((user) => email === null || user.email === email);
    const from = (Number(query.get('page') ?? 1) - 1) * USERS_PER_PAGE;
    return all.slice(from, from + USERS_PER_PAGE).map(pick);
  }

  #shown(user: FakeUser): object {
    const groups = [...this.groups.values()].filter(({ members }) => members.includes(user.id)).map(shownGroup);
    return {
      ...pick(user),
      name: user.name,
      groups,
      single_sign_on_record: user.externalId === null ? null : { external_id: user.externalId },
      ...(user.suspension === null
        ? {}
        : { suspended_till: user.suspension.till, full_suspend_reason: user.suspension.reason }),
    };
  }

  #sync(body: Body): object {
    const payload = open(z.object({ sso: z.string(), sig: z.string() }).parse(body), this.secret);
    const [externalId, email] = [payload.get('external_id') ?? '', payload.get('email') ?? ''];
    const known = [...this.users.values()].find((user) => user.externalId === externalId);
    const sameMail = known ?? [...this.users.values()].find((user) => user.email === email);
    if (sameMail !== undefined) return pick(Object.assign(sameMail, { externalId }));
    let username = payload.get('username') ?? 'user';
    for (let suffix = 1; this.#isTaken(username); suffix += 1) username = `${payload.get('username')}${suffix}`;
    return pick(this.add({ username, email, externalId, name: payload.get('name') }));
  }

  #delete(user: FakeUser): object {
    if (user.posts > 0) throw new Refusal(403, { deleted: false, errors: ['has posts'] });
    this.users.delete(user.id);
    for (const group of this.groups.values()) group.members = group.members.filter((id) => id !== user.id);
    return { deleted: true };
  }

  #logOut(user: FakeUser): object {
    user.logOuts += 1;
    return { success: 'OK' };
  }

  #suspend(user: FakeUser, body: Body): object {
    const { suspend_until: till, reason } = z
      .object({ suspend_until: z.string(), reason: z.string().min(1) })
      .parse(body);
    if (user.suspension !== null) throw new Refusal(409, { errors: ['already suspended'] });
    user.suspension = { till, reason };
    return {};
  }

  #anonymize(user: FakeUser): object {
    const anonymous = {
      username: `anon${user.id}`,
      name: null,
      email: `anon${user.id}@anonymized.invalid`,
      externalId: null,
    };
    return pick(Object.assign(user, anonymous));
  }

  #rename(user: FakeUser, body: Body): object {
    const username = Name.parse(body['new_username']);
    if (this.#isTaken(username, user)) throw new Refusal(422, { errors: ['Username must be unique'] });
    return pick(Object.assign(user, { username }));
  }

  #makeGroup(body: Body): object {
    const { group } = z.object({ group: z.object({ name: Name, bio_raw: z.string() }) }).parse(body);
    if (this.#isTaken(group.name)) throw new Refusal(422, { errors: ['Name has already been taken'] });
    const made = this.addGroup(group.name, group.bio_raw);
    return { basic_group: { id: made.id, name: made.name } };
  }

  #renameGroup(group: FakeGroup, body: Body): object {
    group.name = z.object({ group: z.object({ name: Name }) }).parse(body).group.name;
    return { success: 'OK' };
  }

  #join(group: FakeGroup, body: Body): object {
    const user = this.#called(String(body['usernames']));
    if (group.members.includes(user.id)) throw new Refusal(422, { errors: ['already a member of this group'] });
    group.members.push(user.id);
    return { success: 'OK', usernames: [user.username], emails: [] };
  }

  #leave(group: FakeGroup, body: Body): object {
    const user = this.#called(String(body['usernames']));
    group.members = group.members.filter((id) => id !== user.id);
    return { success: 'OK' };
  }

  #listGroups(page: number): object {
    const all = [...this.groups.values()];
    const groups = all.slice(page * GROUPS_PER_PAGE, (page + 1) * GROUPS_PER_PAGE).map(shownGroup);
    return { groups, total_rows_groups: all.length };
  }

  #user(id: string | undefined): FakeUser {
    return found(this.users.get(Number(id)));
  }

  #called(name: string | undefined): FakeUser {
    return found([...this.users.values()].find(({ username }) => isSame(username, name)));
  }

  #external(id: string | undefined): FakeUser {
    return found([...this.users.values()].find(({ externalId }) => externalId === id));
  }

  #group(id: string | undefined): FakeGroup {
    return found(this.groups.get(Number(id)));
  }

  #groupCalled(wanted: string | undefined): FakeGroup {
    return found([...this.groups.values()].find(({ name }) => isSame(name, wanted)));
  }

  #isTaken(name: string, by?: FakeUser): boolean {
    const users = [...this.users.values()].filter((user) => user !== by);
    return [...users.map(({ username }) => username), ...[...this.groups.values()].map((group) => group.name)].some(
      (each) => isSame(each, name),
    );
  }
}

function newUser(id: number): FakeUser {
  return { id, username: '', name: null, email: '', externalId: null, suspension: null, posts: 0, logOuts: 0 };
}

function pick({ id, username }: FakeUser): { readonly id: number; readonly username: string } {
  return { id, username };
}

function shownGroup({ id, name, automatic, bio }: FakeGroup): object {
  return { id, name, automatic, bio_raw: bio };
}

function found<T>(thing: T | undefined): T {
  if (thing === undefined) throw new Refusal(404);
  return thing;
}

function isSame(one: string, other: string | undefined): boolean {
  return one.toLowerCase() === other?.toLowerCase();
}
