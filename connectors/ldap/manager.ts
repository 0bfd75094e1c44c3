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
  RemoteGroup,
  Secret,
  WriteOutcome,
} from '@muster/sdk';
import { Accounts } from './accounts';
import { activeDirectoryDialect } from './active-directory';
import { testActiveDirectory, testStandard } from './connection-test';
import type { Dialect } from './dialect';
import { Directory } from './directory';
import { Groups } from './groups';
import { Listings } from './listings';
import { Memberships } from './memberships';
import type { ActiveDirectoryConfig, ConnectionConfig, LdapConfig } from './schema';
import { LdapSession } from './session';
import { standardDialect } from './standard';

/** The client of one directory, whatever its dialect. */
abstract class DirectoryManager implements Manager {
  static readonly membership = 'by group';
  readonly #session: LdapSession;
  readonly #accounts: Accounts;
  readonly #groups: Groups;
  readonly #listings: Listings;
  protected readonly directory: () => Directory;

  constructor(config: ConnectionConfig, dialect: Dialect) {
    this.#session = new LdapSession(config);
    const directory = new Directory(this.#session, dialect.idIsBinary ? [dialect.idAttribute] : []);
    const memberships = new Memberships(directory, dialect);
    this.#accounts = new Accounts(directory, dialect, memberships);
    this.#groups = new Groups(directory, dialect, memberships);
    this.#listings = new Listings(this.#session, dialect);
    this.directory = () => directory;
  }

  findAccount(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    return this.#accounts.find(key, call);
  }

  listAccounts(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
    return this.#listings.accounts(cursor, call);
  }

  listGroups(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>> {
    return this.#listings.groups(cursor, call);
  }

  createAccount(account: NewAccount, call: CallContext): Promise<CreateOutcome> {
    return this.#accounts.create(account, call);
  }

  adoptAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#accounts.adopt(ref, call);
  }

  updateAccount(ref: AccountRef, profile: AccountProfile, call: CallContext): Promise<WriteOutcome> {
    return this.#accounts.update(ref, profile, call);
  }

  enableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#accounts.switchTo(ref, true, call);
  }

  disableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    return this.#accounts.switchTo(ref, false, call);
  }

  deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    return this.#accounts.remove(ref, call);
  }

  setPassword(ref: AccountRef, secret: Secret, call: CallContext): Promise<WriteOutcome> {
    return this.#accounts.setPassword(ref, secret, call);
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

  changeMembers(ref: GroupRef, change: MemberChange, call: CallContext): Promise<WriteOutcome> {
    return this.#groups.changeMembers(ref, change, call);
  }

  async close(): Promise<void> {
    await this.#listings.close();
    await this.#session.close();
  }
}

/** OpenLDAP, 389 Directory Server and others. */
export class LdapManager extends DirectoryManager {
  readonly #config: LdapConfig;

  constructor(config: LdapConfig) {
    super(config, standardDialect(config));
    this.#config = config;
  }

  testConnection(call: CallContext): Promise<ConnectionReport> {
    return testStandard(this.directory(), this.#config, call);
  }
}

/** Active Directory, or Samba as one. */
export class ActiveDirectoryManager extends DirectoryManager {
  readonly #config: ActiveDirectoryConfig;

  constructor(config: ActiveDirectoryConfig) {
    super(config, activeDirectoryDialect(config));
    this.#config = config;
  }

  testConnection(call: CallContext): Promise<ConnectionReport> {
    return testActiveDirectory(this.directory(), this.#config, call);
  }
}
