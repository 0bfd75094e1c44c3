import type { Profile } from '../domain/decide';
import { Conflict } from '@muster/sdk';
import type { AccountKey, AccountRef, CallContext } from '@muster/sdk';
import type { EngineService } from '../store/engine-services';
import type { Queryable } from '../store/database';
import type { Lease } from '../store/leases';
import { renewLease } from '../store/leases';
import { FenceLost, recordFacts, RemoteTaken } from '../store/settle';
import type { RemoteFacts } from '../store/settle';
import type { AccountSituation } from '../store/situations';
import type { ActivityDependencies } from './dependencies';
import { callManager } from './manager-call';
import type { CallOptions } from './manager-call';
import type { ManagerEntry } from './managers';

/** How long an account's lease lives: well beyond the hard deadline of one call. */
export const LEASE_MS = 60_000;
const RENEW_AFTER_MS = 30_000;

/** What a round begins with: the lease is held, the situation was read under it. */
export interface RoundStart {
  readonly deps: ActivityDependencies;
  readonly service: EngineService;
  readonly entry: ManagerEntry;
  readonly call: CallOptions;
  readonly lease: Lease;
  readonly situation: AccountSituation;
}

/** What one round of convergence on one account carries from step to step. */
export class Round {
  /** Done so far, for the account's history. */
  readonly did: string[] = [];
  /** What is known of the far side now; recorded at the release unless committed before. */
  facts: RemoteFacts = {};
  profile: Profile | null = null;
  remoteId: string | null;
  /** The user id in the key at the far side: another one where several people share the account. */
  keyId: string;
  /** Names that are reserved for the account. */
  readonly heldNames: Set<string>;
  #leasedAt = performance.now();
  #hasCalled = false;

  readonly deps: ActivityDependencies;
  readonly service: EngineService;
  readonly entry: ManagerEntry;
  readonly call: CallOptions;
  readonly lease: Lease;
  readonly situation: AccountSituation;

  constructor(readonly start: RoundStart) {
    this.deps = start.deps;
    this.service = start.service;
    this.entry = start.entry;
    this.call = start.call;
    this.lease = start.lease;
    this.situation = start.situation;
    this.remoteId = start.situation.remoteId;
    this.keyId = start.situation.keyId;
    this.heldNames = new Set(start.situation.heldNames);
  }

  /** Our correlation key at the far side. */
  get key(): AccountKey {
    const owner = `${this.deps.installId}:${this.service.id}`;
    return this.remoteId === null
      ? { userId: this.keyId, owner }
      : { userId: this.keyId, owner, remoteId: this.remoteId };
  }

  /** The remote account as the far side knows it now. */
  get ref(): AccountRef {
    if (this.remoteId === null) throw new Error('the account has no remote id yet');
    const name = this.facts.remoteName ?? this.situation.remoteName ?? '';
    return { remoteId: this.remoteId, name, key: this.key };
  }

  /** Marks a place where a fault test may end the process. */
  passes(failpoint: string): void {
    this.deps.failpoint(failpoint, this.situation.userId);
  }

  /** Remembers facts for the release. */
  note(did: string, facts: RemoteFacts): void {
    this.did.push(did);
    this.facts = { ...this.facts, ...facts };
    if (facts.remoteId !== undefined) this.remoteId = facts.remoteId;
  }

  /**
   * Commits the facts at once: for what must not be forgotten by a crash. `also` is what goes with them (names that become
   * free, what the guard counts, who is told): it is committed with the facts or not at all.
   */
  async commit(did: string, facts: RemoteFacts, also?: (client: Queryable) => Promise<void>): Promise<void> {
    await this.#record({ ...this.facts, ...facts }, also);
    this.note(did, facts);
    this.passes('account:after-commit');
  }

  /** Records facts alone; settles the intent too. */
  writeFacts(facts: RemoteFacts): Promise<void> {
    return this.deps.writes.facts(this.lease, facts, this.call.lane);
  }

  async #record(facts: RemoteFacts, also: ((client: Queryable) => Promise<void>) | undefined): Promise<void> {
    const { db } = this.deps;
    try {
      if (also === undefined) return await this.writeFacts(facts);
      await db.transaction(async (client) => {
        await recordFacts(client, this.lease, facts);
        await also(client);
      });
    } catch (error) {
      if (!(error instanceof RemoteTaken)) throw error;
      const message = 'the service answered with the account of another person';
      throw new Conflict(message, { cause: error, code: 'remote-taken' });
    }
  }

  /** Makes one call under this round's lease. `before` runs right before it, when it has its slot. */
  ask<T>(call: (context: CallContext) => Promise<T>, before?: () => Promise<void>): Promise<T> {
    const checks = async (): Promise<void> => {
      await this.#keepLease();
      await before?.();
      if (this.#isToStop) throw new RoundStopped();
      this.#hasCalled = true;
    };
    return this.#unlessStopped(callManager(this.entry, { ...this.call, before: checks }, call));
  }

  /** An account whose first call is made is finished; one that only waits for its slot is left as it is. */
  get #isToStop(): boolean {
    return !this.#hasCalled && this.call.stop?.aborted === true;
  }

  async #unlessStopped<T>(work: Promise<T>): Promise<T> {
    const { stop } = this.call;
    if (stop === undefined || this.#hasCalled) return work;
    let onStop: () => void = () => undefined;
    const stopping = new Promise<never>((_resolve, reject) => {
      onStop = () => (this.#isToStop ? reject(new RoundStopped()) : undefined);
      stop.addEventListener('abort', onStop, { once: true });
      onStop();
    });
    try {
      return await Promise.race([work, stopping]);
    } finally {
      stop.removeEventListener('abort', onStop);
      // Its slot comes later, and is given back at once.
      work.catch(() => undefined);
    }
  }

  /** Prolongs the lease when a good part of it is used up. */
  async #keepLease(): Promise<void> {
    if (performance.now() - this.#leasedAt < RENEW_AFTER_MS) return;
    if (!(await renewLease(this.deps.db, this.lease, LEASE_MS))) throw new FenceLost(this.lease);
    this.#leasedAt = performance.now();
  }
}

/** Ends a round early with a named outcome: nothing is wrong, but it cannot go on now. */
export class RoundEnds extends Error {
  constructor(
    readonly ending: {
      readonly outcome: string;
      readonly attention: 'waiting' | 'rejected' | 'staged' | 'held' | 'action required' | null;
      readonly nextTryMs: number | 'never' | null;
      readonly reached?: boolean;
      readonly message?: string;
    },
  ) {
    super(ending.message ?? ending.outcome);
    this.name = 'RoundEnds';
  }
}

/** A change is being looked at as a whole: what it takes away waits until then. */
export class GuardNotReady extends RoundEnds {
  constructor() {
    super({ outcome: 'a change is being looked at', attention: 'waiting', nextTryMs: 1_000 });
    this.name = 'GuardNotReady';
  }
}

/** The sync was paused or cancelled before the account's first call: it is as it was, and its turn is now. */
export class RoundStopped extends RoundEnds {
  constructor() {
    super({ outcome: 'left for later: the sync was stopped', attention: null, nextTryMs: 0 });
    this.name = 'RoundStopped';
  }
}
