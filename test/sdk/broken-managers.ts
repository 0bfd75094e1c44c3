import { randomUUID } from 'node:crypto';
import { Conflict, Gone, Rejected, Secret } from '@muster/sdk';
import type {
  AccountProfile,
  AccountRef,
  CallContext,
  ConnectionReport,
  CreateOutcome,
  DeleteOutcome,
  EnsureGroupOutcome,
  GroupRef,
  ManagedGroups,
  NewAccount,
  NewGroup,
  WriteOutcome,
} from '@muster/sdk';
import { ExampleManager } from '../../connectors/example/manager';

/** More negative controls of the kit: a manager with one fault each. */

class SaysCreatedAgain extends ExampleManager {
  override async createAccount(account: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const made = await super.createAccount(account, call);
    return made.outcome === 'already existed' ? { ...made, outcome: 'created' } : made;
  }
}

class IgnoresTheSignal extends ExampleManager {
  override async createAccount(account: NewAccount): Promise<CreateOutcome> {
    return super.createAccount(account, { signal: AbortSignal.timeout(5_000), timeoutMs: 5_000 });
  }
}

class AltersNames extends ExampleManager {
  override async createAccount(account: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const name = account.profile.name.slice(0, -1);
    return super.createAccount({ ...account, profile: { ...account.profile, name } }, call);
  }
}

class FindsAnotherName extends ExampleManager {
  override async createAccount(account: NewAccount, call: CallContext): Promise<CreateOutcome> {
    try {
      return await super.createAccount(account, call);
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      return super.createAccount({ ...account, profile: { ...account.profile, name: randomUUID() } }, call);
    }
  }
}

class BeginsWithAPassword extends ExampleManager {
  override async createAccount(account: NewAccount, call: CallContext): Promise<CreateOutcome> {
    const made = await super.createAccount(account, call);
    if (made.outcome === 'created') {
      const { remoteId, name } = made;
      await this.setPassword({ remoteId, name, key: account.key }, new Secret('password'), call);
    }
    return made;
  }
}

class AdoptsAnything extends ExampleManager {
  override async adoptAccount(): Promise<WriteOutcome> {
    return 'done';
  }
}

class SaysDoneToNobody extends ExampleManager {
  override async updateAccount(ref: AccountRef, profile: AccountProfile, call: CallContext): Promise<WriteOutcome> {
    const outcome = await super.updateAccount(ref, profile, call);
    return outcome === 'gone' ? 'done' : outcome;
  }
}

class DisablesOnce extends ExampleManager {
  override async disableAccount(ref: AccountRef, call: CallContext): Promise<WriteOutcome> {
    const outcome = await super.disableAccount(ref, call);
    return outcome === 'unchanged' ? 'gone' : outcome;
  }
}

class RepeatsDeletions extends ExampleManager {
  override async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    return super.deleteAccount(ref, call).catch(() => super.deleteAccount(ref, call));
  }
}

class DeletesToEndSessions extends ExampleManager {
  async endSessions(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    return this.deleteAccount(ref, call);
  }
}

class KeepsTheFirstPassword extends ExampleManager {
  readonly #known = new Set<string>();

  override async setPassword(ref: AccountRef, secret: Secret, call: CallContext): Promise<WriteOutcome> {
    if (this.#known.has(ref.remoteId)) return 'done';
    this.#known.add(ref.remoteId);
    return super.setPassword(ref, secret, call);
  }
}

class ComplainsAndIsContent extends ExampleManager {
  override async testConnection(): Promise<ConnectionReport> {
    return { ok: true, missing: ['Something lacks.'] };
  }
}

class SaysCreatedGroupAgain extends ExampleManager {
  override async ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    return { ...(await super.ensureGroup(group, call)), outcome: 'created' };
  }
}

class RepeatsGroups extends ExampleManager {
  override async ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    return super.ensureGroup(group, call).catch(() => super.ensureGroup(group, call));
  }
}

class TakesGroupsByName extends ExampleManager {
  override async ensureGroup(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome> {
    try {
      return await super.ensureGroup(group, call);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      return { outcome: 'already existed', remoteId: 'g1', name: group.name };
    }
  }
}

class MakesGroupsAnew extends ExampleManager {
  override async renameGroup(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome> {
    await this.removeGroup(ref, call);
    await this.ensureGroup({ key: ref.key ?? '', owner: ref.owner ?? '', name }, call);
    return 'done';
  }
}

class MissesRemovedGroups extends ExampleManager {
  override async removeGroup(ref: GroupRef, call: CallContext): Promise<DeleteOutcome> {
    if ((await super.removeGroup(ref, call)) === 'nothing there') throw new Gone('no such group');
    return 'done';
  }
}

class ListsNoGroups extends ExampleManager {
  override async listGroups(): ReturnType<ExampleManager['listGroups']> {
    return { items: [] };
  }
}

class OnlyAdds extends ExampleManager {
  override async setGroups(ref: AccountRef, { wanted }: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    return super.setGroups(ref, { wanted, managed: wanted }, call);
  }
}

class RepeatsSettings extends ExampleManager {
  override async setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    return super.setGroups(ref, groups, call).catch(() => super.setGroups(ref, groups, call));
  }
}

class TakesGroupsForAccounts extends ExampleManager {
  override async setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    try {
      return await super.setGroups(ref, groups, call);
    } catch (error) {
      if (error instanceof Gone) return 'gone';
      throw error;
    }
  }
}

/** The rule that must find each. */
export const MORE_CONTROLS = [
  ['creating twice leaves one account', SaysCreatedAgain],
  ['a call that was cancelled changes nothing', IgnoresTheSignal],
  ['cleaned names are taken as they are', AltersNames],
  ['names that it cannot take are rejected', FindsAnotherName],
  ['a new account has no usable password', BeginsWithAPassword],
  ['an account without a key can be adopted, twice, and only it gets our key', AdoptsAnything],
  ['an account with the key of another is never adopted', AdoptsAnything],
  ['every write on an unknown account says so', SaysDoneToNobody],
  ['disabling and enabling may each run twice', DisablesOnce],
  ['a lost answer after deleting ends in nothing there', RepeatsDeletions],
  ['ending sessions may run twice', DeletesToEndSessions],
  ['the password that was set last logs in', KeepsTheFirstPassword],
  ['the connection test is content and changes nothing', ComplainsAndIsContent],
  ['ensuring a group twice leaves one group', SaysCreatedGroupAgain],
  ['a lost answer after making a group leaves exactly one', RepeatsGroups],
  ['a group name taken by a foreigner is a conflict', TakesGroupsByName],
  ['renaming a group keeps its identity', MakesGroupsAnew],
  ['removing a group twice finds nothing the second time', MissesRemovedGroups],
  ['the listing of groups equals what was written', ListsNoGroups],
  ['the managed groups become exactly the wanted ones', OnlyAdds],
  ['a lost answer after setting groups ends in the same set', RepeatsSettings],
  ['a wanted group that is gone is told', TakesGroupsForAccounts],
] as const;
