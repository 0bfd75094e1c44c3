import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import type { Connector, NameRules } from '../connector';
import { isServiceError } from '../errors';
import type { AnyServiceError, ServiceErrorKind } from '../errors';
import type { AccountRef, CallContext, GroupRef, Manager, NewAccount, NewGroup } from '../manager';
import type { ConformanceTarget, FarSide, SeenAccount, SeenGroup } from './target';

const CALL_TIMEOUT_MS = 15_000;

/** A fault that comes before the work was done would prove nothing. */
export const FAULT_TOO_EARLY = 'loseNextAnswer() must lose the answer after the far side did the work';

/** A manager whose methods are all there: a check names the ones it needs, and runs only where they are. */
export type FullManager = Required<Manager>;

/** One manager on one far side, and the words the checks are written in. */
export class Bench {
  readonly connector: Connector;
  readonly target: ConformanceTarget;
  readonly manager: FullManager;
  readonly owner: string;

  constructor(connector: Connector, target: ConformanceTarget) {
    assert(connector.manager !== undefined, 'a connector without a manager has nothing to conform to');
    this.connector = connector;
    this.target = target;
    // The registry runs a check only where the methods that it names exist.
    this.manager = new connector.manager(connector.config.parse(target.config)) as FullManager;
    this.owner = `${target.prefix}-owner`;
  }

  get farSide(): FarSide {
    return this.target.farSide;
  }

  call(): CallContext {
    return { signal: AbortSignal.timeout(CALL_TIMEOUT_MS), timeoutMs: CALL_TIMEOUT_MS };
  }

  /** A name that nobody has. */
  name(hint: string, rules: NameRules | undefined = this.connector.names): string {
    const text = `${this.target.prefix}${hint}${randomBytes(3).toString('hex')}`;
    return rules?.clean(text) ?? text;
  }

  /** Somebody new. */
  person(name = this.name('p')): NewAccount {
    return {
      key: { userId: randomUUID(), owner: this.owner },
      profile: {
        name,
        nickname: `Nick ${name}`,
        displayName: `Display ${name}`,
        email: `${randomUUID()}@example.org`,
        attributes: {},
      },
    };
  }

  /** Creates the account and answers its ref. */
  async create(account = this.person()): Promise<AccountRef> {
    const outcome = await this.manager.createAccount(account, this.call());
    assert(
      outcome.outcome === 'created' || outcome.outcome === 'already existed',
      `createAccount answered ${outcome.outcome}`,
    );
    return this.ref(account, outcome);
  }

  ref(account: NewAccount, remote: { readonly remoteId: string; readonly name: string }): AccountRef {
    return { remoteId: remote.remoteId, name: remote.name, key: { ...account.key, remoteId: remote.remoteId } };
  }

  newGroup(name = this.name('g', this.connector.groupNames)): NewGroup {
    return { key: randomUUID(), owner: this.owner, name };
  }

  async ensure(group = this.newGroup()): Promise<GroupRef> {
    const { remoteId, name } = await this.manager.ensureGroup(group, this.call());
    return { remoteId, name, key: group.key, owner: group.owner };
  }

  /** What the far side has under this name; more than one is what the kit looks for. */
  async seenByName(name: string): Promise<readonly SeenAccount[]> {
    return (await this.farSide.accounts()).filter((account) => account.name === name);
  }

  async seen(remoteId: string): Promise<SeenAccount | undefined> {
    return (await this.farSide.accounts()).find((account) => account.remoteId === remoteId);
  }

  async groupSeen(remoteId: string): Promise<SeenGroup | undefined> {
    return (await this.farSide.groups()).find((group) => group.remoteId === remoteId);
  }

  /** The typed error that `work` ends with; anything else fails the check. */
  async failure(work: Promise<unknown>, ...kinds: readonly ServiceErrorKind[]): Promise<AnyServiceError> {
    const thrown = await work.then(
      (value) => assert.fail(`expected an error, got ${JSON.stringify(value)}`),
      (error: unknown) => error,
    );
    if (thrown instanceof assert.AssertionError) throw thrown;
    const typed = isServiceError(thrown) ? thrown : this.manager.translateError?.(thrown);
    assert(typed !== undefined, `not a typed error, and translateError does not know it: ${String(thrown)}`);
    if (kinds.length > 0)
      assert(kinds.includes(typed.kind), `expected ${kinds.join(' or ')}, got ${typed.kind}: ${typed.message}`);
    return typed;
  }
}
