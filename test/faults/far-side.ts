import { z } from 'zod';
import { Conflict, defineConnector, Unavailable } from '@muster/sdk';
import type {
  AccountKey,
  AccountRef,
  Connector,
  CreateOutcome,
  DeleteOutcome,
  EnsureGroupOutcome,
  ManagedGroups,
  Manager,
  NewAccount,
  NewGroup,
  RemoteAccount,
  WriteOutcome,
} from '@muster/sdk';
import type { ConnectorRegistry } from '../../hooks/registry';

/** An account of the far side. */
export interface FarAccount {
  readonly remoteId: string;
  readonly userId: string;
  readonly name: string;
  groups: readonly string[];
}

/** One call as the far side saw it. */
export interface FarCall {
  readonly method: string;
  readonly userId: string;
  readonly name?: string;
  readonly groups?: readonly string[];
}

/** A call that was stopped on its way in. */
export interface HeldCall {
  /** Resolves when the call has come. */
  readonly entered: Promise<void>;
  /** Lets it go on. */
  release(): void;
}

export interface FarSideOptions {
  /** As many systems do: creating a name that exists answers the account that has it, whoever that is. Default false. */
  readonly adoptsByName?: boolean;
}

/**
 * An external system in memory that notes every call, can hold calls back, lose answers, and sees two writers at once. Creating is
 * not repeatable here: each call that gets through makes an account.
 */
export class FarSide {
  readonly accounts: FarAccount[] = [];
  readonly groups = new Map<string, string>();
  readonly calls: FarCall[] = [];
  /** Users on whom two calls were at work at the same moment. */
  readonly overlaps: string[] = [];
  readonly #holds: { readonly method: string; readonly enter: () => void; readonly released: Promise<void> }[] = [];
  readonly #lost = new Set<string>();
  readonly #busy = new Map<string, number>();
  #ids = 0;

  constructor(readonly options: FarSideOptions = {}) {}

  /** The connector of this far side, as the only one of a registry. */
  get registry(): ConnectorRegistry {
    const connector = this.connector;
    return {
      get: (kind) => (kind === connector.kind ? connector : undefined),
      list: () => [connector],
      menuItems: () => [],
      urlHooks: () => [],
      skipped: [],
    };
  }

  get connector(): Connector {
    return farConnector(this);
  }

  /** Stops the next call of this method until it is released. */
  hold(method: string): HeldCall {
    let release = (): void => undefined;
    let enter = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const entered = new Promise<void>((resolve) => {
      enter = resolve;
    });
    this.#holds.push({ method, enter, released });
    return { entered, release };
  }

  /** The next call of this method is done, but its answer does not arrive. */
  loseNextAnswer(method: string): void {
    this.#lost.add(method);
  }

  callsOf(method: string): readonly FarCall[] {
    return this.calls.filter((call) => call.method === method);
  }

  of(userId: string): readonly FarAccount[] {
    return this.accounts.filter((account) => account.userId === userId);
  }

  nextId(): string {
    this.#ids += 1;
    return `r${this.#ids}`;
  }

  /** One call: noted, held back if asked for, watched for a second writer; its answer may get lost. */
  async take<T>(call: FarCall, work: () => T): Promise<T> {
    this.calls.push(call);
    const busy = (this.#busy.get(call.userId) ?? 0) + 1;
    this.#busy.set(call.userId, busy);
    if (busy > 1) this.overlaps.push(call.userId);
    try {
      await this.#wait(call.method);
      const answer = work();
      if (this.#lost.delete(call.method)) throw new Unavailable('the connection broke');
      return answer;
    } finally {
      this.#busy.set(call.userId, (this.#busy.get(call.userId) ?? 1) - 1);
    }
  }

  async #wait(method: string): Promise<void> {
    const index = this.#holds.findIndex((hold) => hold.method === method);
    const [hold] = index < 0 ? [] : this.#holds.splice(index, 1);
    hold?.enter();
    await hold?.released;
  }
}

function farConnector(far: FarSide): Connector {
  return defineConnector({
    kind: 'far',
    title: 'Far side',
    sdk: 1,
    config: z.strictObject({}),
    manager: class extends FarManager {
      constructor() {
        super(far);
      }
    },
  });
}

class FarManager implements Manager {
  static readonly membership = 'by account';

  constructor(private readonly far: FarSide) {}

  findAccount(key: AccountKey): Promise<RemoteAccount | undefined> {
    return this.far.take({ method: 'findAccount', userId: key.userId }, () => {
      const account = this.far.of(key.userId)[0];
      return account === undefined ? undefined : { remoteId: account.remoteId, name: account.name, userId: key.userId };
    });
  }

  createAccount({ key, profile }: NewAccount): Promise<CreateOutcome> {
    const { far } = this;
    return far.take({ method: 'createAccount', userId: key.userId, name: profile.name }, () => {
      const namesake = far.accounts.find((account) => account.name === profile.name && account.userId !== key.userId);
      if (namesake !== undefined && far.options.adoptsByName !== true) throw new Conflict('the name is taken');
      if (namesake !== undefined)
        return { outcome: 'already existed', remoteId: namesake.remoteId, name: namesake.name };
      const remoteId = far.nextId();
      far.accounts.push({ remoteId, userId: key.userId, name: profile.name, groups: [] });
      return { outcome: 'created', remoteId, name: profile.name };
    });
  }

  deleteAccount(ref: AccountRef): Promise<DeleteOutcome> {
    return this.far.take({ method: 'deleteAccount', userId: ref.key.userId }, () => {
      const index = this.far.accounts.findIndex((account) => account.remoteId === ref.remoteId);
      if (index < 0) return 'nothing there';
      this.far.accounts.splice(index, 1);
      return 'done';
    });
  }

  setGroups(ref: AccountRef, { wanted }: ManagedGroups): Promise<WriteOutcome> {
    const groups = wanted.map((group) => group.name).toSorted();
    return this.far.take({ method: 'setGroups', userId: ref.key.userId, groups }, () => {
      const account = this.far.accounts.find((known) => known.remoteId === ref.remoteId);
      if (account === undefined) return 'gone';
      account.groups = groups;
      return 'done';
    });
  }

  ensureGroup(group: NewGroup): Promise<EnsureGroupOutcome> {
    return this.far.take({ method: 'ensureGroup', userId: group.key, name: group.name }, () => {
      this.far.groups.set(group.key, group.name);
      return { outcome: 'created', remoteId: group.key, name: group.name };
    });
  }
}
