import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { defineConnector } from '@muster/sdk';
import type { AccountRef, GroupRef, ManagedGroups, MemberChange, NewAccount, NewGroup } from '@muster/sdk';

/** What one worker process has been asked for. */
export interface InstantCounts {
  created: number;
  updated: number;
  removed: number;
  groupsSet: number;
  groupsMade: number;
  memberChanges: number;
  membersAdded: number;
  membersRemoved: number;
}

const Config = z.object({ counts: z.string() });

/** How often the counts are written down. */
const WRITE_MS = 200;

/** A target inside the worker: it answers at once and keeps nothing but counts, in a file for each process. */
class Instant {
  readonly #file: string;
  #timer: NodeJS.Timeout | undefined;
  readonly #counts: InstantCounts = {
    created: 0,
    updated: 0,
    removed: 0,
    groupsSet: 0,
    groupsMade: 0,
    memberChanges: 0,
    membersAdded: 0,
    membersRemoved: 0,
  };

  constructor({ counts }: z.output<typeof Config>) {
    this.#file = join(counts, `${process.pid}-${Date.now()}.json`);
  }

  async createAccount({ key, profile }: NewAccount) {
    this.count({ created: 1 });
    return { outcome: 'created', remoteId: key.userId, name: profile.name } as const;
  }

  // What it has no memory of it cannot find: after a crash the account is made again, and counted.
  async findAccount() {
    return undefined;
  }

  async updateAccount() {
    this.count({ updated: 1 });
    return 'done' as const;
  }

  async deleteAccount(_ref: AccountRef) {
    this.count({ removed: 1 });
    return 'done' as const;
  }

  async ensureGroup({ key, name }: NewGroup) {
    this.count({ groupsMade: 1 });
    return { outcome: 'created', remoteId: key, name } as const;
  }

  async renameGroup() {
    return 'done' as const;
  }

  async close() {
    clearTimeout(this.#timer);
    this.#write();
  }

  protected count(more: Partial<InstantCounts>): void {
    for (const [what, by] of Object.entries(more)) this.#counts[what as keyof InstantCounts] += by;
    this.#timer ??= setTimeout(() => this.#write(), WRITE_MS);
  }

  #write(): void {
    this.#timer = undefined;
    writeFileSync(this.#file, JSON.stringify(this.#counts));
  }
}

class InstantByAccount extends Instant {
  static readonly membership = 'by account';

  async setGroups(_ref: AccountRef, { wanted }: ManagedGroups) {
    this.count({ groupsSet: 1, membersAdded: wanted.length });
    return 'done' as const;
  }
}

class InstantByGroup extends Instant {
  static readonly membership = 'by group';

  async changeMembers(_ref: GroupRef, { add, remove }: MemberChange) {
    this.count({ memberChanges: 1, membersAdded: add.length, membersRemoved: remove.length });
    return 'done' as const;
  }
}

const shared = {
  sdk: 1,
  config: Config,
  secrets: [],
  names: { maxLength: 60, clean: (name: string) => name },
  groupNames: { maxLength: 60, clean: (name: string) => name },
  maxConcurrency: 16,
};

/** Keeps memberships with the account. */
export const byAccount = defineConnector({
  ...shared,
  kind: 'instant',
  title: 'Instant',
  manager: InstantByAccount,
});

/** Keeps memberships with the group. */
export const byGroup = defineConnector({
  ...shared,
  kind: 'instant-by-group',
  title: 'Instant, by group',
  manager: InstantByGroup,
});
