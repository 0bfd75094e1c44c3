import { z } from 'zod';
import { defineConnector } from '../../sdk/index';
import type {
  AccountKey,
  AccountRef,
  Connector,
  GroupRef,
  Manager,
  MemberChange,
  NewAccount,
  NewGroup,
} from '../../sdk/index';

interface FarGroup {
  readonly remoteId: string;
  name: string;
  /** Names of accounts. */
  readonly members: Set<string>;
}

/** A far side in memory that keeps the members with the group. */
export class ByGroupTarget {
  /** Account names by user id. */
  readonly accounts = new Map<string, string>();
  readonly groups = new Map<string, FarGroup>();
  /** How many members each call to change members added and removed. */
  readonly changes: { readonly added: number; readonly removed: number }[] = [];
  #made = 0;

  group(name: string): FarGroup | undefined {
    return [...this.groups.values()].find((group) => group.name === name);
  }

  members(name: string): readonly string[] {
    return [...(this.group(name)?.members ?? [])].sort();
  }

  make(key: string, name: string): FarGroup {
    this.#made += 1;
    const made = { remoteId: `far-${this.#made}`, name, members: new Set<string>() };
    this.groups.set(key, made);
    return made;
  }

  byRemoteId(remoteId: string): FarGroup | undefined {
    return [...this.groups.values()].find((group) => group.remoteId === remoteId);
  }
}

/** The connector of such a far side, of the kind `by-group`. */
export function byGroupConnector(target: ByGroupTarget): Connector {
  return defineConnector({
    kind: 'by-group',
    title: 'By group',
    sdk: 1,
    config: z.record(z.string(), z.unknown()),
    names: { maxLength: 60, clean: (name) => name },
    groupNames: { maxLength: 60, clean: (name) => name },
    manager: managerClass(target),
  });
}

function managerClass(target: ByGroupTarget) {
  return class ByGroupManager implements Manager {
    static readonly membership = 'by group';

    async findAccount({ userId, owner }: AccountKey) {
      const name = target.accounts.get(userId);
      return name === undefined ? undefined : { remoteId: `account ${userId}`, name, userId, owner };
    }

    async createAccount({ key, profile }: NewAccount) {
      const outcome = target.accounts.has(key.userId) ? ('already existed' as const) : ('created' as const);
      target.accounts.set(key.userId, profile.name);
      return { outcome, remoteId: `account ${key.userId}`, name: profile.name };
    }

    async deleteAccount({ key, name }: AccountRef) {
      for (const { members } of target.groups.values()) members.delete(name);
      return target.accounts.delete(key.userId) ? ('done' as const) : ('nothing there' as const);
    }

    async ensureGroup({ key, name }: NewGroup) {
      const known = target.groups.get(key);
      const { remoteId } = known ?? target.make(key, name);
      return { outcome: known === undefined ? ('created' as const) : ('already existed' as const), remoteId, name };
    }

    async renameGroup({ remoteId }: GroupRef, name: string) {
      const group = target.byRemoteId(remoteId);
      if (group === undefined) return 'gone' as const;
      group.name = name;
      return 'done' as const;
    }

    async changeMembers({ remoteId }: GroupRef, { add, remove }: MemberChange) {
      const group = target.byRemoteId(remoteId);
      if (group === undefined) return 'gone' as const;
      target.changes.push({ added: add.length, removed: remove.length });
      for (const { name } of remove) group.members.delete(name);
      for (const { name } of add) group.members.add(name);
      return 'done' as const;
    }
  };
}
