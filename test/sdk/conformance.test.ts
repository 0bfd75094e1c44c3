import { z } from 'zod';
import { Conflict, Gone, Unavailable, defineConnector } from '@muster/sdk';
import type {
  AccountKey,
  AccountProfile,
  AccountRef,
  AnyServiceError,
  CallContext,
  CreateOutcome,
  DeleteOutcome,
  ManagedGroups,
  MemberChange,
  NewAccount,
  GroupRef,
  RemoteAccount,
  WriteOutcome,
} from '@muster/sdk';
import { CONFORMANCE_CHECKS, HTTP_CHECKS, runCheck } from '@muster/sdk/conformance';
import { connector as good } from '../../connectors/example';
import { startExampleTarget } from '../../connectors/example/fake-target';
import { ExampleManager } from '../../connectors/example/manager';
import { ExampleConfig } from '../../connectors/example/schema';
import { MORE_CONTROLS } from './broken-managers';

/** The kit's negative controls: a manager with one fault each, and the rule that must find it. */

class RetriesInside extends ExampleManager {
  override async createAccount(account: NewAccount, call: CallContext): Promise<CreateOutcome> {
    return super.createAccount(account, call).catch(() => super.createAccount(account, call));
  }
}

class ForgetsKeys extends ExampleManager {
  override async findAccount(): Promise<undefined> {
    return undefined;
  }
}

class AdoptsByName extends ExampleManager {
  override async createAccount(account: NewAccount, call: CallContext): Promise<CreateOutcome> {
    try {
      return await super.createAccount(account, call);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const { items } = await this.listAccounts(undefined, call);
      const named = items.find(({ name }) => name === account.profile.name);
      return { outcome: 'already existed', remoteId: named?.remoteId ?? '?', name: account.profile.name };
    }
  }
}

class MissesDeleted extends ExampleManager {
  override async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    if ((await super.deleteAccount(ref, call)) === 'nothing there') throw new Gone('no such account');
    return 'done';
  }
}

class TrustsIds extends ExampleManager {
  override async deleteAccount(ref: AccountRef, call: CallContext): Promise<DeleteOutcome> {
    const { items } = await this.listAccounts(undefined, call);
    const found = items.find(({ remoteId }) => remoteId === ref.remoteId);
    if (found?.userId === undefined) return 'nothing there';
    return super.deleteAccount({ ...ref, key: { userId: found.userId, owner: found.owner ?? '' } }, call);
  }
}

class RecreatesToRename extends ExampleManager {
  override async updateAccount(ref: AccountRef, profile: AccountProfile, call: CallContext): Promise<WriteOutcome> {
    await this.deleteAccount(ref, call);
    await this.createAccount({ key: ref.key, profile }, call);
    return 'done';
  }
}

class EmptyMeansNotGiven extends ExampleManager {
  override async setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    return groups.wanted.length === 0 ? 'unchanged' : super.setGroups(ref, groups, call);
  }
}

class WritesOverOthers extends ExampleManager {
  override async setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    const account = await this.findAccount(ref.key, call);
    const all = (account?.groups ?? []).map((remoteId) => ({ remoteId, name: '' }));
    return super.setGroups(ref, { wanted: groups.wanted, managed: [...groups.managed, ...all] }, call);
  }
}

class ListsOnePage extends ExampleManager {
  override async listAccounts(): ReturnType<ExampleManager['listAccounts']> {
    return { items: [] };
  }
}

class ListsForEver extends ExampleManager {
  override async listAccounts(): ReturnType<ExampleManager['listAccounts']> {
    return { items: [], next: 'again' };
  }
}

class ShowsItsToken extends ExampleManager {
  readonly token: string;

  constructor(config: ExampleConfig) {
    super(config);
    this.token = config.token;
  }
}

class HidesItsMethods extends ExampleManager {
  endSessions = async (): Promise<DeleteOutcome> => 'nothing there';
}

class ClaimsEveryError extends ExampleManager {
  translateError(error: unknown): AnyServiceError {
    return new Unavailable('something', { cause: error });
  }
}

class SwallowsErrors extends ExampleManager {
  override async findAccount(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined> {
    return super.findAccount(key, call).catch(() => undefined);
  }
}

class DropsWhatComesTogether extends ExampleManager {
  #isBusy = false;

  override async setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    if (this.#isBusy) return 'done';
    this.#isBusy = true;
    try {
      return await super.setGroups(ref, groups, call);
    } finally {
      this.#isBusy = false;
    }
  }
}

const CONTROLS = [
  ['a lost answer after creating leaves exactly one account', RetriesInside],
  ['an account is found by its key alone', ForgetsKeys],
  ['a name taken by a foreigner is a conflict and the foreigner stays', AdoptsByName],
  ['a key of another owner is never adopted', AdoptsByName],
  ['deleting twice finds nothing the second time', MissesDeleted],
  ['someone new with the old name gets a new account', TrustsIds],
  ['an update renames and keeps the identity', RecreatesToRename],
  ['an empty set clears, an unmanaged one changes nothing', EmptyMeansNotGiven],
  ['groups that are not managed are kept', WritesOverOthers],
  ['the listing of accounts equals what was written', ListsOnePage],
  ['the listing of accounts equals what was written', ListsForEver],
  ['no secret is in an error, in JSON or in what is printed', ShowsItsToken],
  ['abilities are read without building the manager', HidesItsMethods],
  ['an error that is not its own is left alone', ClaimsEveryError],
  ['two accounts that enter one group at once are both in it', DropsWhatComesTogether],
  ['a creation that failed at the far side is made good by the next', RetriesInside],
  ...MORE_CONTROLS,
  ...HTTP_CHECKS.filter(({ needs }) => needs.length === 0).map(({ title }) => [title, SwallowsErrors] as const),
] as const;

function brokenBy(manager: typeof ExampleManager): typeof good {
  return defineConnector({
    kind: 'broken',
    title: 'Broken',
    sdk: 1,
    config: ExampleConfig,
    secrets: ['token'],
    manager,
    ...(good.names === undefined ? {} : { names: good.names }),
  });
}

test.each(CONTROLS)('the rule "%s" finds %p', async (title, manager) => {
  const target = await startExampleTarget();

  await expect(runCheck(title, brokenBy(manager), target)).rejects.toThrow(/./);

  await target.stop();
});

/** The example service has no sessions. */
const RULES = [...new Set(CONTROLS.map(([title]) => title))].filter(
  (title) => title !== 'ending sessions may run twice',
);

test.each(RULES)('the rule "%s" is content with a good one', async (title) => {
  const target = await startExampleTarget();

  await expect(runCheck(title, good, target)).resolves.toBeUndefined();

  await target.stop();
});

/** The example service as one that keeps members by group. */
function byGroup(manager: typeof ExampleManager): typeof good {
  class ByGroup extends manager {
    static override readonly membership = 'by group' as never;

    async changeMembers(group: GroupRef, { add, remove }: MemberChange, call: CallContext): Promise<WriteOutcome> {
      for (const ref of add) await this.setGroups(ref, { wanted: [group], managed: [group] }, call);
      for (const ref of remove) await this.setGroups(ref, { wanted: [], managed: [group] }, call);
      return 'done';
    }
  }
  return brokenBy(ByGroup);
}

test('the rule about two who join at once finds a manager that drops one', async () => {
  const title = 'two who join one group at once are both in it';
  const target = await startExampleTarget();

  await expect(runCheck(title, byGroup(DropsWhatComesTogether), target)).rejects.toThrow(/./);
  await expect(runCheck(title, byGroup(ExampleManager), target)).resolves.toBeUndefined();

  await target.stop();
});

test('a configuration that takes anything is found', async () => {
  const target = await startExampleTarget();
  const config = z.looseObject({ url: z.string(), token: z.string() });
  const loose = defineConnector({ kind: 'broken', title: 'Broken', sdk: 1, config, manager: ExampleManager });

  await expect(runCheck('its configuration refuses what it does not know', loose, target)).rejects.toThrow(
    /strictObject/,
  );

  await target.stop();
});

class RefusesMembersTwice extends ExampleManager {
  #last = '';

  override async setGroups(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome> {
    const change = JSON.stringify([ref, groups]);
    if (change === this.#last) throw new Gone('it is so already');
    this.#last = change;
    return super.setGroups(ref, groups, call);
  }
}

test('the rule about members twice finds a manager that refuses the second time', async () => {
  const title = 'adding and removing members may run twice';
  const target = await startExampleTarget();

  await expect(runCheck(title, byGroup(RefusesMembersTwice), target)).rejects.toThrow(/./);
  await expect(runCheck(title, byGroup(ExampleManager), target)).resolves.toBeUndefined();

  await target.stop();
});

test('the rule about sessions finds a removal that leaves them open', async () => {
  const title = 'deleting ends what is logged in';
  const target = await startExampleTarget();
  const withSessions = (ended: () => Promise<unknown>): typeof target => ({
    ...target,
    farSide: { ...target.farSide, openSession: async () => ({ ended: ended() }) },
  });
  const goesOn = async (): Promise<never> => Promise.reject(new Error('it is open'));

  await expect(runCheck(title, good, withSessions(goesOn))).rejects.toThrow(/open/);
  await expect(
    runCheck(
      title,
      good,
      withSessions(async () => 'closed'),
    ),
  ).resolves.toBeUndefined();

  await target.stop();
});

test('names that change whenever they are cleaned are found', async () => {
  const target = await startExampleTarget();
  const names = { maxLength: 40, clean: (name: string) => `${name}x` };
  const growing = { ...brokenBy(ExampleManager), names };

  const title = 'cleaning a name is idempotent and keeps to the length';
  await expect(runCheck(title, growing, target)).rejects.toThrow(/twice differs/);
  await expect(runCheck(title, good, target)).resolves.toBeUndefined();

  await target.stop();
});

test('every rule has a control', () => {
  const elsewhere = [
    'two who join one group at once are both in it',
    'adding and removing members may run twice',
    'deleting ends what is logged in',
    'its configuration refuses what it does not know',
    'cleaning a name is idempotent and keeps to the length',
  ];
  const found = new Set<string>([...CONTROLS.map(([title]) => title), ...elsewhere]);

  const titles = [...CONFORMANCE_CHECKS, ...HTTP_CHECKS].map(({ title }) => title);
  expect(titles.filter((title) => !found.has(title))).toEqual([]);
});

test('every rule has a title of its own', () => {
  const titles = [...CONFORMANCE_CHECKS, ...HTTP_CHECKS].map(({ title }) => title);

  expect(new Set(titles).size).toBe(titles.length);
});
