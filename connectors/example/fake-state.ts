import { z } from 'zod';

/** What the fake service holds, and its routes. Ids count up and are never used again. */

export interface FakeUser {
  readonly id: string;
  name: string;
  label: string;
  email: string | null;
  active: boolean;
  externalId: string | null;
  groups: string[];
  password: string | null;
}

export interface FakeGroup {
  readonly id: string;
  name: string;
  externalId: string | null;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

const PAGE_SIZE = 2;
const Name = z.string().regex(/^[a-z0-9._-]{1,40}$/);
const UserFields = z
  .strictObject({
    name: Name,
    label: z.string(),
    email: z.string().nullable(),
    active: z.boolean(),
    externalId: z.string(),
    groups: z.array(z.string()),
    password: z.string().min(8),
  })
  .partial();
const GroupFields = z.strictObject({ name: Name, externalId: z.string() }).partial();

export class FakeState {
  readonly users = new Map<string, FakeUser>();
  readonly groups = new Map<string, FakeGroup>();
  #lastId = 0;

  addUser(fields: Partial<FakeUser> & { readonly name: string }): FakeUser {
    if ([...this.users.values()].some((user) => user.name === fields.name))
      throw new Refusal(409, 'this name is taken');
    const user: FakeUser = {
      label: '',
      email: null,
      active: true,
      externalId: null,
      groups: [],
      password: null,
      ...fields,
      id: this.#nextId('u'),
    };
    this.users.set(user.id, user);
    return user;
  }

  addGroup(fields: Partial<FakeGroup> & { readonly name: string }): FakeGroup {
    if ([...this.groups.values()].some((group) => group.name === fields.name))
      throw new Refusal(409, 'this name is taken');
    const group: FakeGroup = { externalId: null, ...fields, id: this.#nextId('g') };
    this.groups.set(group.id, group);
    return group;
  }

  /** Answers a request, or throws a Refusal. */
  handle(request: Request): Answer {
    const [, kind, id] = request.path.split('/').map(decodeURIComponent);
    if (request.method === 'GET' && kind === 'about') {
      return { status: 200, body: { product: 'Example', version: '1.0', rights: ['users', 'groups'] } };
    }
    if (kind === 'users') return id === undefined ? this.#users(request) : this.#user(request, id);
    if (kind === 'groups') return id === undefined ? this.#groups(request) : this.#group(request, id);
    throw new Refusal(404, 'no such address');
  }

  #users(request: Request): Answer {
    if (request.method === 'GET')
      return { status: 200, body: page([...this.users.values()].map(shown), request.query) };
    if (request.method !== 'POST') throw new Refusal(405, 'not here');
    const fields = parsed(UserFields, request.body);
    if (fields.name === undefined) throw new Refusal(422, 'a name is needed');
    return { status: 201, body: shown(this.addUser(defined({ ...fields, name: fields.name }))) };
  }

  #user(request: Request, id: string): Answer {
    const user = this.users.get(id);
    if (user === undefined) throw new Refusal(404, 'no such user');
    if (request.method === 'GET') return { status: 200, body: shown(user) };
    if (request.method === 'DELETE') {
      this.users.delete(id);
      return { status: 204 };
    }
    const fields = parsed(UserFields, request.body);
    this.#nameIsFree(this.users, id, fields.name);
    const missing = fields.groups?.find((group) => !this.groups.has(group));
    if (missing !== undefined) return { status: 410, body: { error: 'no such group', group: missing } };
    Object.assign(user, defined(fields));
    return { status: 200, body: shown(user) };
  }

  #groups(request: Request): Answer {
    if (request.method === 'GET') return { status: 200, body: page([...this.groups.values()], request.query) };
    const fields = parsed(GroupFields, request.body);
    if (fields.name === undefined) throw new Refusal(422, 'a name is needed');
    return { status: 201, body: this.addGroup(defined({ ...fields, name: fields.name })) };
  }

  #group(request: Request, id: string): Answer {
    const group = this.groups.get(id);
    if (group === undefined) throw new Refusal(404, 'no such group');
    if (request.method === 'GET') return { status: 200, body: group };
    if (request.method === 'DELETE') {
      this.groups.delete(id);
      for (const user of this.users.values()) user.groups = user.groups.filter((each) => each !== id);
      return { status: 204 };
    }
    const fields = parsed(GroupFields, request.body);
    this.#nameIsFree(this.groups, id, fields.name);
    Object.assign(group, defined(fields));
    return { status: 200, body: group };
  }

  #nameIsFree(
    all: ReadonlyMap<string, { readonly id: string; readonly name: string }>,
    id: string,
    name: string | undefined,
  ): void {
    if ([...all.values()].some((each) => each.name === name && each.id !== id))
      throw new Refusal(409, 'this name is taken');
  }

  #nextId(letter: string): string {
    this.#lastId += 1;
    return `${letter}${this.#lastId}`;
  }
}

/** A password is never given back. */
function shown({ password: _password, ...user }: FakeUser): Omit<FakeUser, 'password'> {
  return user;
}

function page(
  all: readonly { readonly id: string; readonly externalId: string | null }[],
  query: URLSearchParams,
): object {
  const externalId = query.get('externalId');
  if (externalId !== null) return { items: all.filter((each) => each.externalId === externalId), next: null };
  const after = Number(query.get('after')?.slice(1) ?? 0);
  const rest = all.filter((each) => Number(each.id.slice(1)) > after);
  const items = rest.slice(0, PAGE_SIZE);
  return { items, next: rest.length > PAGE_SIZE ? (items.at(-1)?.id ?? null) : null };
}

function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (!result.success) throw new Refusal(422, 'a field is wrong');
  return result.data;
}

/** Without the fields that were not sent. */
function defined<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
}
