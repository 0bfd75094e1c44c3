import { z } from 'zod';
import { defineConnector } from '../../sdk/index';
import type {
  AccountKey,
  AccountProfile,
  AccountRef,
  CallContext,
  ConnectionReport,
  Connector,
  CreateOutcome,
  GroupRef,
  HookContext,
  ManagedGroups,
  Manager,
  NewAccount,
  NewGroup,
  Page,
  RemoteAccount,
  Secret,
  ServiceHook,
} from '../../sdk/index';
import type { ConnectorRegistry } from '../../hooks/registry';

/** One account at the far side. */
export interface TargetAccount {
  readonly remoteId: string;
  readonly key: AccountKey;
  profile: AccountProfile;
  enabled: boolean;
  groups: readonly string[];
  password: string | undefined;
}

export interface TargetCall {
  readonly method: string;
  /** The account's user id; undefined for calls about no account. */
  readonly userId: string | undefined;
  /** The name that is asked for, where one is. */
  readonly name?: string;
}

/** What a call meets before it is done: a thrown error, a wait, or an answer in place of the ordinary one. */
export type Script = (call: TargetCall, context: CallContext) => Promise<unknown> | undefined;

/** A far side in memory that does what a script says. */
export class ScriptedTarget {
  readonly accounts = new Map<string, TargetAccount>();
  readonly groups = new Map<string, GroupRef>();
  readonly calls: TargetCall[] = [];
  running = 0;
  mostAtOnce = 0;
  script: Script = () => undefined;

  called(method: string, userId?: string): number {
    return this.calls.filter((call) => call.method === method && (userId === undefined || call.userId === userId))
      .length;
  }

  /** Forgets calls and script, keeps accounts. */
  reset(): void {
    this.calls.length = 0;
    this.mostAtOnce = 0;
    this.script = () => undefined;
  }

  byName(name: string): TargetAccount | undefined {
    return [...this.accounts.values()].find((account) => account.profile.name === name);
  }

  async answer<T>(call: TargetCall, context: CallContext, ordinary: () => T): Promise<T> {
    this.calls.push(call);
    this.running += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running);
    try {
      const scripted = await this.script(call, context);
      return scripted === undefined ? ordinary() : (scripted as T);
    } finally {
      this.running -= 1;
    }
  }
}

export interface ScriptedOptions {
  /** Kind of the connector. Default `scripted`. */
  readonly kind?: string;
  readonly hook?: (context: HookContext) => ServiceHook;
  readonly maxConcurrency?: number;
  /** false: the hook only wants the calls. */
  readonly manager?: boolean;
}

const config = z.record(z.string(), z.unknown());

/** The connector of a scripted target. It can do everything that an account needs. */
export function scriptedConnector(target: ScriptedTarget, options: ScriptedOptions = {}): Connector {
  const kind = options.kind ?? 'scripted';
  return defineConnector({
    kind,
    title: kind,
    sdk: 1,
    config,
    secrets: ['token'],
    names: { maxLength: 60, clean: (name) => name },
    groupNames: { maxLength: 60, clean: (name) => name },
    maxConcurrency: options.maxConcurrency ?? 8,
    ...(options.manager === false ? {} : { manager: managerClass(target) }),
    ...(options.hook === undefined ? {} : { hook: options.hook }),
  });
}

function managerClass(target: ScriptedTarget) {
  return class ScriptedManager implements Manager {
    static readonly membership = 'by account';

    testConnection(call: CallContext): Promise<ConnectionReport> {
      return target.answer({ method: 'testConnection', userId: undefined }, call, () => ({ ok: true, missing: [] }));
    }

    findAccount(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
      return target.answer({ method: 'findAccount', userId: key.userId }, call, () => {
        const found = target.accounts.get(key.userId);
        return found === undefined
          ? undefined
          : { remoteId: found.remoteId, name: found.profile.name, userId: key.userId, enabled: found.enabled };
      });
    }

    listAccounts(_cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>> {
      return target.answer({ method: 'listAccounts', userId: undefined }, call, () => ({
        items: [...target.accounts.values()].map((account) => ({
          remoteId: account.remoteId,
          name: account.profile.name,
          userId: account.key.userId,
          owner: account.key.owner,
          enabled: account.enabled,
        })),
      }));
    }

    createAccount({ key, profile }: NewAccount, call: CallContext): Promise<CreateOutcome> {
      return target.answer({ method: 'createAccount', userId: key.userId, name: profile.name }, call, () =>
        create(target, key, profile),
      );
    }

    updateAccount(ref: AccountRef, profile: AccountProfile, call: CallContext) {
      return change(target, { method: 'updateAccount', ref, call }, (account) => void (account.profile = profile));
    }

    setNickname(ref: AccountRef, nickname: string, call: CallContext) {
      return change(
        target,
        { method: 'setNickname', ref, call },
        (account) => void (account.profile = { ...account.profile, nickname }),
      );
    }

    enableAccount(ref: AccountRef, call: CallContext) {
      return change(target, { method: 'enableAccount', ref, call }, (account) => void (account.enabled = true));
    }

    disableAccount(ref: AccountRef, call: CallContext) {
      return change(target, { method: 'disableAccount', ref, call }, (account) => void (account.enabled = false));
    }

    setPassword(ref: AccountRef, secret: Secret, call: CallContext) {
      return change(
        target,
        { method: 'setPassword', ref, call },
        (account) => void (account.password = secret.reveal()),
      );
    }

    setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext) {
      return change(target, { method: 'setGroups', ref, call }, (account) => {
        account.groups = groups.wanted.map((group) => group.name).sort();
      });
    }

    deleteAccount(ref: AccountRef, call: CallContext) {
      return target.answer({ method: 'deleteAccount', userId: ref.key.userId }, call, () =>
        target.accounts.delete(ref.key.userId) ? ('done' as const) : ('nothing there' as const),
      );
    }

    ensureGroup(group: NewGroup, call: CallContext) {
      return target.answer({ method: 'ensureGroup', userId: undefined, name: group.name }, call, () => {
        const made = { remoteId: `group ${group.key}`, name: group.name };
        target.groups.set(group.key, made);
        return { outcome: 'created' as const, ...made };
      });
    }
  };
}

function create(target: ScriptedTarget, key: AccountKey, profile: AccountProfile): CreateOutcome {
  const known = target.accounts.get(key.userId);
  if (known !== undefined) return { outcome: 'already existed', remoteId: known.remoteId, name: known.profile.name };
  const remoteId = `remote ${key.userId}`;
  target.accounts.set(key.userId, { remoteId, key, profile, enabled: true, groups: [], password: undefined });
  return { outcome: 'created', remoteId, name: profile.name };
}

function change(
  target: ScriptedTarget,
  call: { readonly method: string; readonly ref: AccountRef; readonly call: CallContext },
  alter: (account: TargetAccount) => void,
): Promise<'done' | 'gone'> {
  const { userId } = call.ref.key;
  return target.answer({ method: call.method, userId }, call.call, () => {
    const account = target.accounts.get(userId);
    if (account === undefined) return 'gone';
    alter(account);
    return 'done';
  });
}

/** A registry of exactly these connectors. */
export function registryOf(...connectors: readonly Connector[]): ConnectorRegistry {
  return {
    get: (kind) => connectors.find((connector) => connector.kind === kind),
    list: () => connectors,
    menuItems: () => [],
    urlHooks: () => [],
    skipped: [],
  };
}
