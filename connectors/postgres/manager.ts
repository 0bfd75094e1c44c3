import { Misconfigured, Rejected, isServiceError } from '@muster/sdk';
import type {
  AccountKey,
  AccountProfile,
  AccountRef,
  AnyServiceError,
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
  Secret,
  WriteOutcome,
} from '@muster/sdk';
import type { PoolClient } from 'pg';
import { readRights } from './connection-test';
import { translatePostgresError } from './failures';
import { writeMemberships } from './memberships';
import { checkedRoleName } from './names';
import { dropWithPossessions, endSessionsOf } from './removal';
import * as roles from './roles';
import type { ListedRole } from './roles';
import type { PostgresConfig } from './schema';
import { scramVerifier } from './scram';
import { Session } from './session';

const PAGE_SIZE = 500;

/**
 * Login roles for people and NOLOGIN roles for groups on one PostgreSQL server. A role's oid is its remote id, its comment
 * carries our key. Every method is one transaction that first proves the role to be ours (delete: two, see there), so
 * running it twice ends in the same state.
 */
export class PostgresManager implements Manager {
  static readonly membership = 'by account';
  readonly #config: PostgresConfig;
  readonly #session: Session;

  constructor(config: PostgresConfig) {
    this.#config = config;
    this.#session = new Session(config);
  }

  /** A refused log-in is part of the report; a server that cannot be reached throws Unavailable. */
  async testConnection(call: CallContext): Promise<ConnectionReport> {
    try {
      return await this.#session.transaction(call, 'test', (client) => readRights(client, this.#config));
    } catch (error) {
      if (isServiceError(error) && error instanceof Misconfigured) return { ok: false, missing: [error.message] };
      throw error;
    }
  }

  async findAccount(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    const comment = roles.accountComment(key);
    const role = await this.#session.transaction(call, comment, async (client) => {
      const known = key.remoteId === undefined ? undefined : await roles.findOwn(client, key.remoteId, comment);
      // After a restore from a dump the oids are others, but the comments are the same.
      return known ?? (await roles.findByComment(client, comment));
    });
    return role === undefined ? undefined : remoteAccount(role);
  }

  async listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    return pageOf(await this.#list('user', cursor, call), remoteAccount);
  }

  async listGroups(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    return pageOf(await this.#list('group', cursor, call), remoteGroup);
  }

  /** Role and comment come in one transaction; a role that has our comment already is the account. */
  async createAccount(account: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const name = checkedRoleName(account.profile.name, this.#config.rolePrefix);
    const comment = roles.accountComment(account.key);
    return this.#session.transaction(call, comment, async (client) => {
      const existing = await roles.findByComment(client, comment);
      if (existing !== undefined) return { outcome: 'already existed', remoteId: existing.oid, name: existing.name };
      const oid = await roles.createRole(client, { name, comment, options: 'login password null' });
      return { outcome: 'created', remoteId: oid, name };
    });
  }

  /** A role has a name and nothing else that a profile could fill. A SCRAM password survives the renaming. */
  async updateAccount(ref: AccountRef, profile: AccountProfile, call: CallContext): Promise<WriteOutcome> {
    const name = checkedRoleName(profile.name, this.#config.rolePrefix);
    return this.#onOwn(ref, call, async (client, role) => {
      if (role.name === name) return 'unchanged';
      await roles.renameRole(client, role, name);
      return 'done';
    });
  }

  async enableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#setLogin(ref, true, call);
  }

  /** Sessions that are open stay open: `endSessions` ends them. */
  async disableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#setLogin(ref, false, call);
  }

  async endSessions(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    const outcome = await this.#onOwn(ref, call, async (client, role) =>
      (await endSessionsOf(client, role)) > 0 ? 'done' : 'unchanged',
    );
    return outcome === 'done' ? 'done' : 'nothing there';
  }

  /**
   * First, and committed, the role loses the right to log in; only then are its sessions ended, so that no new one can
   * begin in between. Whatever keeps the role from being dropped, access is gone.
   */
  async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    if ((await this.#setLogin(ref, false, call)) === 'gone') return 'nothing there';
    const outcome = await this.#onOwn(ref, call, async (client, role) => {
      await endSessionsOf(client, role);
      await dropWithPossessions(client, role, this.#config);
      return 'done';
    });
    return outcome === 'gone' ? 'nothing there' : 'done';
  }

  async setPassword(ref: AccountRef, secret: Secret, call: CallContext): Promise<WriteOutcome> {
    const verifier = await scramVerifier(secret.reveal());
    return this.#onOwn(ref, call, async (client, role) => {
      await roles.setVerifier(client, role, verifier);
      return 'done';
    });
  }

  async setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    return this.#onOwn(ref, call, (client, role) =>
      writeMemberships(client, { account: role, owner: ref.key.owner, groups }),
    );
  }

  /** Found again by its comment; a group of ours with another name is renamed. */
  async ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    const name = checkedRoleName(group.name, this.#config.groupPrefix);
    const comment = roles.groupComment(group);
    return this.#session.transaction(call, comment, async (client) => {
      const existing = await roles.findByComment(client, comment);
      if (existing === undefined) {
        const oid = await roles.createRole(client, { name, comment, options: 'nologin' });
        return { outcome: 'created', remoteId: oid, name };
      }
      if (existing.name !== name) await roles.renameRole(client, existing, name);
      return { outcome: 'already existed', remoteId: existing.oid, name };
    });
  }

  async renameGroup(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome> {
    const wanted = checkedRoleName(name, this.#config.groupPrefix);
    return this.#session.transaction(call, `group ${ref.remoteId}`, async (client) => {
      const role = await roles.findGroup(client, ref);
      if (role === undefined) return 'gone';
      if (role.name === wanted) return 'unchanged';
      await roles.renameRole(client, role, wanted);
      return 'done';
    });
  }

  /** Memberships go with the role; privileges that an administrator gave it keep it from being dropped (Rejected). */
  async removeGroup(ref: GroupRef, call: CallContext): Promise<DeleteOutcome> {
    return this.#session.transaction(call, `group ${ref.remoteId}`, async (client) => {
      const role = await roles.findGroup(client, ref);
      if (role === undefined) return 'nothing there';
      await roles.dropRole(client, role);
      return 'done';
    });
  }

  translateError(error: unknown): AnyServiceError | undefined {
    return translatePostgresError(error);
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async #setLogin(ref: AccountRef, login: boolean, call: CallContext): Promise<WriteOutcome> {
    return this.#onOwn(ref, call, async (client, role) => {
      if (role.canLogin === login) return 'unchanged';
      await roles.setLogin(client, role, login);
      return 'done';
    });
  }

  /** Runs `work` on the role, if it is there and carries this account's key. */
  async #onOwn(
    ref: AccountRef,
    call: CallContext,
    work: (client: PoolClient, role: ListedRole) => Promise<WriteOutcome>,
  ): Promise<WriteOutcome> {
    const comment = roles.accountComment(ref.key);
    return this.#session.transaction(call, comment, async (client) => {
      const role = await roles.findOwn(client, ref.remoteId, comment);
      return role === undefined ? 'gone' : work(client, role);
    });
  }

  async #list(kind: 'user' | 'group', cursor: string | undefined, call: CallContext): Promise<readonly ListedRole[]> {
    if (cursor !== undefined && !/^\d+$/.test(cursor)) throw new Rejected('The cursor is not one of this connector.');
    return this.#session.transaction(call, `list ${kind} ${cursor ?? ''}`, (client) =>
      roles.listByKind(client, { kind, after: cursor ?? '0', limit: PAGE_SIZE }),
    );
  }
}

function pageOf<T>(found: readonly ListedRole[], shape: (role: ListedRole) => T): Page<T> {
  const last = found.at(-1);
  return { items: found.map(shape), ...(found.length === PAGE_SIZE && last !== undefined ? { next: last.oid } : {}) };
}

function remoteAccount(role: ListedRole): RemoteAccount {
  const key = roles.parseComment(role.comment);
  return {
    remoteId: role.oid,
    name: role.name,
    enabled: role.canLogin,
    groups: role.memberOf,
    ...(key === undefined ? {} : { userId: key.id, owner: key.owner }),
  };
}

function remoteGroup(role: ListedRole): RemoteGroup {
  const key = roles.parseComment(role.comment);
  return { remoteId: role.oid, name: role.name, ...(key === undefined ? {} : { key: key.id, owner: key.owner }) };
}
