import type { CannedAnswer } from '../testing/http-proxy';

/** What a connector gives the conformance kit: its far side, a reader of it that shares no code with the manager, faults. */
export interface ConformanceTarget {
  /** A configuration of one service, as an operator would write it. */
  readonly config: unknown;
  /** Texts in the configuration that must never be seen again, e.g. the token. */
  readonly secrets: readonly string[];
  /** Begins every name and owner that the kit makes, so that a shared far side can be cleaned. */
  readonly prefix: string;
  /** Names that the far side does not take, as they would come after cleaning, e.g. one that it reserves. */
  readonly impossibleNames: readonly string[];
  readonly farSide: FarSide;
  /** Arms one fault: the next write is done at the far side, but its answer never arrives. */
  loseNextAnswer(): void;
  /** For managers over HTTP (`transport: 'http'`): the next request gets this answer, and does not reach the far side. */
  answerNext?(answer: CannedAnswer): void;
  /** How the far side says that it is too fast, if not by 429 and `Retry-After`. */
  readonly throttle?: { readonly answer: CannedAnswer; readonly retryAfterMs: number };
  stop(): Promise<void>;
}

/** The far side as its own administrator sees and changes it, past the manager. */
export interface FarSide {
  accounts(): Promise<readonly SeenAccount[]>;
  groups(): Promise<readonly SeenGroup[]>;
  /** Makes an account that carries no key of ours. */
  plantAccount(name: string): Promise<SeenAccount>;
  /** Makes a group that carries no key of ours. */
  plantGroup(name: string): Promise<SeenGroup>;
  join(account: SeenAccount, group: SeenGroup): Promise<void>;
  /** Can one log in with this? Only where the service has passwords. */
  login?(name: string, password: string): Promise<boolean>;
  /** Logs in and stays; `ended` when the far side has ended it. Only where the service has sessions that a removal must end. */
  openSession?(name: string, password: string): Promise<OpenSession>;
}

/** Somebody who is logged in. */
export interface OpenSession {
  readonly ended: Promise<unknown>;
}

/** An account as the far side has it, seen past the manager. */
export interface SeenAccount {
  readonly remoteId: string;
  readonly name: string;
  readonly enabled: boolean;
  /** Remote ids, in any order. */
  readonly groups: readonly string[];
}

/** A group as the far side has it, seen past the manager. */
export interface SeenGroup {
  readonly remoteId: string;
  readonly name: string;
}
