import { z } from 'zod';

/** One Discord server as its API shows it: members, roles, audit log. Answers with Discord's own codes. */

export interface FakeMember {
  readonly id: string;
  readonly username: string;
  readonly bot: boolean;
  nick: string | null;
  roles: string[];
}

export interface FakeRole {
  readonly id: string;
  name: string;
  permissions: string;
  position: number;
  readonly managed: boolean;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
  ) {
    super(`refused with ${code}`);
  }
}

interface Request {
  readonly method: string;
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly reason: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

const MAX_ROLES = 250;
const MANAGE_ROLES = 1n << 28n;
const KICK_MEMBERS = 1n << 1n;
const Change = z.strictObject({ nick: z.string().max(32).nullish(), roles: z.array(z.string()).optional() });
const Joining = z.strictObject({ access_token: z.string(), nick: z.string().max(32).optional() });
const RoleFields = z.strictObject({ name: z.string().min(1).max(100), permissions: z.string().optional() });

export class FakeState {
  readonly guildId = '41771983423143937';
  readonly members = new Map<string, FakeMember>();
  readonly roles = new Map<string, FakeRole>();
  /** People with a Discord account, and the token that lets the bot add them; they need not be members. */
  readonly people = new Map<string, { readonly username: string; readonly accessToken: string }>();
  readonly #log: { readonly id: string; readonly target_id: string; readonly reason?: string }[] = [];
  readonly #botRole: FakeRole;
  readonly botId: string;
  #lastId = 80351110224678912n;

  constructor() {
    this.roles.set(this.guildId, {
      id: this.guildId,
      name: '@everyone',
      permissions: '0',
      position: 0,
      managed: false,
    });
    const all = (1n << 0n) | KICK_MEMBERS | (1n << 7n) | (1n << 27n) | MANAGE_ROLES;
    this.#botRole = this.addRole({ name: 'Muster', managed: true, permissions: String(all), position: 200 });
    this.botId = this.#nextId();
    const bot = { id: this.botId, username: 'muster', bot: true, nick: null, roles: [this.#botRole.id] };
    this.members.set(bot.id, bot);
  }

  /** What the bot may do from now on, as the bits of its role. */
  allow(permissions: bigint): void {
    this.#botRole.permissions = String(permissions);
  }

  addPerson(username: string): string {
    const id = this.#nextId();
    this.people.set(id, { username, accessToken: `Canary-oauth-${id}` });
    return id;
  }

  addMember(id: string): FakeMember {
    const member = { id, username: this.people.get(id)?.username ?? id, bot: false, nick: null, roles: [] };
    this.members.set(id, member);
    return member;
  }

  addRole(fields: Partial<FakeRole> & { readonly name: string }): FakeRole {
    const role = { permissions: '0', position: 1, managed: false, ...fields, id: this.#nextId() };
    this.roles.set(role.id, role);
    return role;
  }

  handle(request: Request): Answer {
    const [kind, id, part, item] = request.segments;
    if (kind === 'users' && id === '@me') return { status: 200, body: userOf(this.#member(this.botId)) };
    if (kind !== 'guilds') throw new Refusal(404, 0);
    if (id !== this.guildId) throw new Refusal(404, 10004);
    if (part === undefined) return { status: 200, body: { id, name: 'Lab', owner_id: '1' } };
    if (part === 'audit-logs') return this.#auditLog(request.query);
    if (part === 'roles') return item === undefined ? this.#allRoles(request) : this.#oneRole(request, item);
    if (part !== 'members') throw new Refusal(404, 0);
    return item === undefined ? this.#listMembers(request.query) : this.#oneMember(request, item);
  }

  #listMembers(query: URLSearchParams): Answer {
    const after = BigInt(query.get('after') ?? 0);
    const limit = Number(query.get('limit') ?? 1);
    const sorted = [...this.members.values()].sort((one, two) => (BigInt(one.id) < BigInt(two.id) ? -1 : 1));
    return {
      status: 200,
      body: sorted
        .filter(({ id }) => BigInt(id) > after)
        .slice(0, limit)
        .map(memberOf),
    };
  }

  #oneMember({ method, body }: Request, id: string): Answer {
    if (method === 'PUT') return this.#join(id, parsed(Joining, body));
    const member = this.#member(id);
    if (method === 'GET') return { status: 200, body: memberOf(member) };
    if (method === 'DELETE') {
      this.#needs(KICK_MEMBERS);
      this.members.delete(id);
      return { status: 204 };
    }
    const change = parsed(Change, body);
    if (change.roles !== undefined) this.#setRoles(member, change.roles);
    if (change.nick !== undefined) member.nick = change.nick === '' ? null : change.nick;
    return { status: 200, body: memberOf(member) };
  }

  #join(id: string, { access_token: token, nick }: z.infer<typeof Joining>): Answer {
    if (this.people.get(id)?.accessToken !== token) throw new Refusal(403, 50025);
    if (this.members.has(id)) return { status: 204 };
    const member = this.addMember(id);
    member.nick = nick ?? null;
    return { status: 201, body: memberOf(member) };
  }

  /** Roles of bots and integrations, and roles above the bot's own, can neither be given nor taken. */
  #setRoles(member: FakeMember, roles: readonly string[]): void {
    this.#needs(MANAGE_ROLES);
    if (roles.some((id) => !this.roles.has(id))) throw new Refusal(404, 10011);
    const changed = [...roles, ...member.roles].filter((id) => roles.includes(id) !== member.roles.includes(id));
    const fixed = changed.flatMap((id) => this.roles.get(id) ?? []).some((role) => !this.#isBelow(role));
    if (fixed) throw new Refusal(403, 50013);
    member.roles = [...roles];
  }

  #allRoles({ method, body, reason }: Request): Answer {
    if (method === 'GET') return { status: 200, body: [...this.roles.values()] };
    this.#needs(MANAGE_ROLES);
    const fields = parsed(RoleFields, body);
    if (this.roles.size >= MAX_ROLES) throw new Refusal(400, 30005);
    const role = this.addRole({ name: fields.name, permissions: fields.permissions ?? '0' });
    this.#log.unshift({ id: this.#nextId(), target_id: role.id, ...(reason === undefined ? {} : { reason }) });
    return { status: 200, body: role };
  }

  #oneRole({ method, body }: Request, id: string): Answer {
    this.#needs(MANAGE_ROLES);
    const role = this.roles.get(id);
    if (role === undefined) throw new Refusal(404, 10011);
    if (!this.#isBelow(role)) throw new Refusal(403, 50013);
    if (method === 'DELETE') {
      this.roles.delete(id);
      for (const member of this.members.values()) member.roles = member.roles.filter((each) => each !== id);
      return { status: 204 };
    }
    role.name = parsed(RoleFields, body).name;
    return { status: 200, body: role };
  }

  #auditLog(query: URLSearchParams): Answer {
    this.#needs(1n << 7n);
    const before = BigInt(query.get('before') ?? String(2n ** 63n));
    const found = this.#log.filter(({ id }) => BigInt(id) < before).slice(0, Number(query.get('limit') ?? 50));
    return { status: 200, body: { audit_log_entries: found } };
  }

  #isBelow(role: FakeRole): boolean {
    return !role.managed && role.position < this.#botRole.position && role.id !== this.guildId;
  }

  #needs(bit: bigint): void {
    if ((BigInt(this.#botRole.permissions) & bit) === 0n) throw new Refusal(403, 50013);
  }

  #member(id: string): FakeMember {
    const member = this.members.get(id);
    if (member === undefined) throw new Refusal(404, this.people.has(id) ? 10007 : 10013);
    return member;
  }

  #nextId(): string {
    this.#lastId += 4194304n;
    return String(this.#lastId);
  }
}

function memberOf(member: FakeMember): object {
  return { user: userOf(member), nick: member.nick, roles: member.roles };
}

function userOf({ id, username, bot }: FakeMember): object {
  return { id, username, ...(bot ? { bot } : {}) };
}

function parsed<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (!result.success) throw new Refusal(400, 50035);
  return result.data;
}
