import type { Attributes, ManagerMethod, Membership } from '../domain/words';
import { MANAGER_METHODS } from '../domain/words';
import type { AnyServiceError } from './errors';
import type { LinkedCredential } from './external-accounts';
import type { RateLimits } from './rate-limits';

/**
 * The client of one external system. It knows nothing of Muster, Temporal or HTTP routes. Implement only what the
 * system can do: an absent method is the declaration that it cannot. Every method may run twice with the same
 * arguments (a lost answer is retried): look first, or use set semantics. No retry and no sleep inside.
 */
export interface Manager {
  /**
   * Connects and checks rights; changes nothing. Says what is missing, in sentences for an operator. What it throws is part of the report too:
   * let a Misconfigured pass.
   */
  testConnection?(call: CallContext): Promise<ConnectionReport>;

  /** The account that carries our correlation key, or undefined. A name match alone is never ours. */
  findAccount?(key: AccountKey, call: CallContext): Promise<RemoteAccount | undefined>;
  /** All accounts, a page at a time; `cursor` undefined = first page. */
  listAccounts?(cursor: string | undefined, call: CallContext): Promise<Page<RemoteAccount>>;
  /** All groups, a page at a time. */
  listGroups?(cursor: string | undefined, call: CallContext): Promise<Page<RemoteGroup>>;

  /** Creates the account, with the correlation key at the far side, and with no usable password. Throws Conflict when the name is taken by another. */
  createAccount?(account: NewAccount, call: CallContext): Promise<CreateOutcome>;
  /**
   * Puts our key on the account with this remote id, which carries none, and changes nothing else (set semantics). Only called
   * where an operator has given a rule or a policy for accounts that Muster did not make. Throws Conflict where it carries the
   * key of another, Rejected where it must never be touched (an administrator, the account that Muster logs in with).
   */
  adoptAccount?(ref: AccountRef, call: CallContext): Promise<WriteOutcome>;
  /** Makes name and profile as given (set semantics). */
  updateAccount?(ref: AccountRef, profile: AccountProfile, call: CallContext): Promise<WriteOutcome>;
  /** Sets the display name where that is a call of its own. */
  setNickname?(ref: AccountRef, nickname: string, call: CallContext): Promise<WriteOutcome>;
  enableAccount?(ref: AccountRef, call: CallContext): Promise<WriteOutcome>;
  /** Takes the right to log in without destroying anything. */
  disableAccount?(ref: AccountRef, call: CallContext): Promise<WriteOutcome>;
  /** Removes the account. Not found is `nothing there`, not an error. */
  deleteAccount?(ref: AccountRef, call: CallContext): Promise<DeleteOutcome>;
  /** Ends what is logged in now. */
  endSessions?(ref: AccountRef, call: CallContext): Promise<DeleteOutcome>;
  /** Sets the password. The secret must not reach logs, errors or the statement text of the far side where avoidable. */
  setPassword?(ref: AccountRef, secret: Secret, call: CallContext): Promise<WriteOutcome>;

  /**
   * Membership 'by account': makes the account's managed groups exactly `wanted`; groups outside `managed` are kept. A wanted
   * group that is not there any more throws Gone with `what: 'group'`; the outcome `gone` means the account.
   */
  setGroups?(ref: AccountRef, groups: ManagedGroups, call: CallContext): Promise<WriteOutcome>;
  /** Makes sure that the group exists with this name, found again by our key; answers its remote id. */
  ensureGroup?(group: NewGroup, call: CallContext): Promise<EnsureGroupOutcome>;
  renameGroup?(ref: GroupRef, name: string, call: CallContext): Promise<WriteOutcome>;
  /** Only called when a policy asks for it. */
  removeGroup?(ref: GroupRef, call: CallContext): Promise<DeleteOutcome>;
  /** Membership 'by group': adds and removes; already a member / already absent is fine. */
  changeMembers?(ref: GroupRef, change: MemberChange, call: CallContext): Promise<WriteOutcome>;

  /** Answers a hook's own routes (`router.call`): whatever needs the service's credentials. Input and answer are JSON. */
  callAction?(action: string, input: unknown, call: CallContext): Promise<unknown>;

  /** Turns an error of a third-party client into a typed one; undefined = not recognised. */
  translateError?(error: unknown): AnyServiceError | undefined;
  /** Closes pools and sockets. Called when the service is reconfigured or the worker drains. */
  close?(): Promise<void>;
}

/** How long a call may take, and the signal that ends it early. */
export interface CallContext {
  /** Aborted at the call's deadline, on cancellation and on drain. Pass it to the client. */
  readonly signal: AbortSignal;
  /** How long the call may take from now, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * Waits until the service's budget allows one request of this route (e.g. `PATCH /users/{}`). The SDK's HTTP client asks
   * before each; a manager with a client of its own may. Throws Throttled when that would take long: let it through.
   */
  readonly permit?: (route: string) => Promise<RequestPermit>;
  /** Tells the budget what an answer said about the service's limits. The SDK's HTTP client tells of every answer. */
  readonly observe?: (seen: ObservedLimits) => void;
  /**
   * The account of this type (e.g. `discord`) that the person has linked, with a token that is good now; undefined = none. When they link
   * one, their accounts are looked at again. Throws Rejected when they must link it anew. Absent where nobody can link anything.
   */
  readonly linked?: (userId: string, type: string) => Promise<LinkedCredential | undefined>;
}

/** Leave to make one request. */
export interface RequestPermit {
  /** Call when the answer begins to arrive: the earlier, the closer to the limit the budget can go. */
  answered(): void;
}

/** What one answer said about the limits of the service. */
export interface ObservedLimits extends RateLimits {
  /** The route that was asked. */
  readonly route: string;
  /** The service has refused the request for its limits. */
  readonly refused: boolean;
}

/** Our correlation key. Store it at the far side where that can be done. */
export interface AccountKey {
  /** Muster's immutable user id. */
  readonly userId: string;
  /** This installation and service, so that two Musters on one target never adopt each other's accounts. */
  readonly owner: string;
  /** The remote identity, once known. */
  readonly remoteId?: string;
}

/** An account that is there: its remote identity, its name over there, and our key. */
export interface AccountRef {
  readonly remoteId: string;
  readonly name: string;
  readonly key: AccountKey;
}

/** What an account should look like. */
export interface AccountProfile {
  /** The remote name: formatted, cleaned for this service, reserved. */
  readonly name: string;
  readonly nickname: string;
  readonly displayName: string;
  readonly email: string | null;
  readonly attributes: Attributes;
}

/** An account to be created: our key, to be stored at the far side, and what it should look like. */
export interface NewAccount {
  readonly key: AccountKey;
  readonly profile: AccountProfile;
}

/** An account as the far side tells of it. */
export interface RemoteAccount {
  readonly remoteId: string;
  readonly name: string;
  /** Muster's user id if the account carries a Muster key. */
  readonly userId?: string;
  /** Whose key it is: only with our own `owner` the account is ours. */
  readonly owner?: string;
  readonly enabled?: boolean;
  /** Its mail address, where the service tells: only for accounts that Muster did not make. */
  readonly email?: string | null;
  /** Remote ids of its groups, where the service tells. */
  readonly groups?: readonly string[];
}

/** A group that is there. */
export interface GroupRef {
  readonly remoteId: string;
  readonly name: string;
  /** Muster's id of the remote group and the owner, where the caller knows them: what carries another key is not touched. */
  readonly key?: string;
  readonly owner?: string;
}

/** A group to be made. */
export interface NewGroup {
  /** Muster's id of the remote group: the correlation key. */
  readonly key: string;
  readonly owner: string;
  readonly name: string;
}

/** A group as the far side tells of it. */
export interface RemoteGroup {
  readonly remoteId: string;
  readonly name: string;
  readonly key?: string;
  /** Whose key it is, as in RemoteAccount. */
  readonly owner?: string;
}

/** The groups an account should be in, and all that Muster may take it out of. */
export interface ManagedGroups {
  /** What the account should be in. An empty list means: in none of the managed ones. */
  readonly wanted: readonly GroupRef[];
  /** Every group that Muster manages on this service; `wanted` is part of it. */
  readonly managed: readonly GroupRef[];
}

/** Who joins a group and who leaves it. */
export interface MemberChange {
  readonly add: readonly AccountRef[];
  readonly remove: readonly AccountRef[];
}

/** A part of a long list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Give it to the next call; undefined = this was the last page. */
  readonly next?: string;
}

/** What a connection test found. */
export interface ConnectionReport {
  readonly ok: boolean;
  /** Sentences an operator can act on; empty when all is well. */
  readonly missing: readonly string[];
  /** Product and version of the far side, if it tells. */
  readonly remote?: string;
}

/** How a creation ended. A name that a stranger has is no outcome: throw `Conflict`. */
export type CreateOutcome =
  | { readonly outcome: 'created'; readonly remoteId: string; readonly name: string }
  | { readonly outcome: 'already existed'; readonly remoteId: string; readonly name: string }
  /**
   * A person must do something first, e.g. open a link or use a key. Whenever something about them changes, or they link an account, it
   * is called again; what they should have by then is given as soon as it answers `already existed`.
   */
  | {
      readonly outcome: 'action required';
      readonly instruction: string;
      readonly remoteId?: string;
      /** How long the link or the key is good. Default seven days. After that an activation lapses, or is begun anew. */
      readonly expiresInMs?: number;
      /** Look again so often, where nothing tells that the person has done it. Default: not at all. */
      readonly checkAfterMs?: number;
    }
  | { readonly outcome: 'in progress'; readonly checkAfterMs: number };

/** How a write ended; `gone`: the account or group is not there any more. */
export type WriteOutcome = 'done' | 'unchanged' | 'gone';
/** How a removal ended; both are success. */
export type DeleteOutcome = 'done' | 'nothing there';
/** The group, made now or found by our key. */
export type EnsureGroupOutcome = {
  readonly outcome: 'created' | 'already existed';
  readonly remoteId: string;
  readonly name: string;
};

/** A secret in memory. It prints as `[secret]` everywhere; `reveal()` is the only way to its text. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself: hand it straight to the far side and keep no copy. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}

/** A manager class: abilities and membership are read from it without building it. */
export interface ManagerClass<Config> {
  new (config: Config): Manager;
  readonly membership?: Membership;
  readonly prototype: Manager;
}

/** What a manager class can do, from its methods. */
export function managerAbilities(managerClass: { readonly prototype: object } | undefined): readonly ManagerMethod[] {
  if (managerClass === undefined) return [];
  const prototype = managerClass.prototype as Record<string, unknown>;
  return MANAGER_METHODS.filter((method) => typeof prototype[method] === 'function');
}
