/** What the API answers, as far as the operator pages show it. Times are texts. */

export interface Named {
  readonly id: string;
  readonly username: string | null;
}

export interface Pause {
  readonly reason: string;
  readonly detail: string | null;
  readonly by: string | null;
  readonly since: string | null;
  readonly nextProbe: string | null;
}

export interface Limit {
  readonly route: string | null;
  readonly limit: number;
  readonly windowMs: number;
  readonly source: 'set' | 'told' | 'guessed';
  readonly used: number | null;
  readonly free: number | null;
  readonly blockedMs: number;
  readonly nextInMs: number;
}

export interface Standing {
  readonly service: string;
  readonly title: string | null;
  readonly connector: string;
  readonly enabled: boolean;
  readonly paused: Pause | null;
  readonly firstPlan: { readonly id: string | null; readonly accounts: number; readonly stale: boolean } | null;
  readonly due: number;
  readonly oldestDue: { readonly user: Named; readonly since: string | null } | null;
  readonly waiting: number;
  readonly running: number;
  readonly failed: number;
  readonly staged: number;
  readonly groups: number;
  readonly memberships: number;
  readonly accounts: Readonly<Record<'none' | 'pending' | 'active' | 'disabled' | 'removed', number>>;
  readonly limits: readonly Limit[];
  readonly slots: { readonly cap: number; readonly held: number } | null;
  readonly guard: Readonly<Record<'removal' | 'group removal', { readonly limit: number; readonly left: number }>>;
  readonly syncs: readonly {
    readonly id: string;
    readonly kind: string;
    readonly dryRun: boolean;
    readonly status: string;
    readonly total: number;
    readonly done: number;
  }[];
}

export interface Service {
  readonly name: string;
  readonly connector: string;
  readonly title: string | null;
  readonly url: string | null;
  readonly config: Readonly<Record<string, unknown>>;
  readonly enabled: boolean;
  readonly paused: Pause | null;
  readonly begins: string;
  readonly onLoss: string;
  readonly deleteAfterDays: number | null;
  readonly onGone: string;
  readonly mapping: Readonly<Record<string, unknown>>;
  readonly nameFormat: string | null;
  readonly nameFormats: Readonly<Record<string, string>>;
  readonly nicknameFormat: string | null;
  readonly guard: Readonly<Record<string, unknown>>;
  readonly breaker: Readonly<Record<string, unknown>>;
  readonly reconcile: { readonly mode?: string };
  readonly maxConcurrency: number | null;
  readonly budget: Readonly<Record<string, unknown>>;
  readonly orphans: Readonly<Record<string, unknown>>;
  readonly firstRun: string;
  readonly abilities: { readonly manager: readonly string[]; readonly hook: readonly string[] };
  readonly actions: readonly string[];
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface Account {
  readonly service: string;
  readonly user: { readonly id: string; readonly username: string };
  readonly status: string;
  readonly remoteId: string | null;
  readonly remoteName: string | null;
  readonly instruction: string | null;
  readonly due: boolean;
  readonly attention: string | null;
  readonly nextTry: string | null;
  readonly failures: number;
  readonly lastError: { readonly kind: string; readonly message: string; readonly code?: string } | null;
  readonly lastOutcome: string | null;
  readonly lastWriteAt: string | null;
  readonly running: boolean;
}

export interface Sync {
  readonly id: string;
  readonly service: string;
  readonly kind: string;
  readonly scope: Readonly<Record<string, unknown>>;
  readonly dryRun: boolean;
  readonly status: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly total: number;
  readonly succeeded: number;
  readonly unchanged: number;
  readonly skipped: number;
  readonly failed: number;
  readonly progress: {
    readonly done: number;
    readonly ratePerSecond: number | null;
    readonly overallPerSecond: number | null;
    readonly endsAt: string | null;
    readonly waitsFor: string | null;
  };
  readonly retryOf: string | null;
  readonly planOf: string | null;
  readonly error: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly links: { readonly temporal?: string; readonly reconciliation?: string };
}

export interface SyncItem {
  readonly seq: number;
  readonly user: Named;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly finishedAt: string | null;
}

export interface AccountView {
  readonly status: string;
  readonly name: string | null;
  readonly nickname: string | null;
  readonly displayName: string | null;
  readonly email: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly groups: readonly string[] | null;
}

export interface PlannedAccount {
  readonly seq: number;
  readonly user: Named;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly steps: readonly string[];
  readonly before: AccountView | null;
  readonly after: AccountView | null;
  readonly why: string | null;
  readonly guard: readonly string[];
}

export interface Staged {
  readonly id: string;
  readonly user: { readonly id: string; readonly username: string };
  readonly kind: string;
  readonly groups: readonly string[];
  readonly stagedAt: string;
  readonly change: { readonly id: number; readonly actor: string | null; readonly reason: string | null } | null;
  readonly decision: string | null;
  readonly decidedAt: string | null;
  readonly decidedBy: string | null;
  readonly decisionReason: string | null;
}

export interface Operation {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly outcome: string | null;
  readonly service: string | null;
  readonly user: Named | null;
  readonly actor: string;
  readonly reason: string | null;
  readonly progress: Readonly<Record<'accounts' | 'done' | 'waiting' | 'failed' | 'staged', number>> | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly changeId: number | null;
  readonly syncId: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly finishedAt: string | null;
  readonly links: { readonly temporal?: string };
}

export interface Step {
  readonly id: number;
  readonly at: string;
  readonly step: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Person {
  readonly id: string;
  readonly externalId: string | null;
  readonly username: string;
  readonly displayName: string;
  readonly email: string | null;
  readonly active: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly sourceState: string | null;
  readonly state: string | null;
  readonly groups?: readonly { readonly id: string; readonly name: string }[];
}

export interface ExplainedGroup {
  readonly name: string;
  readonly because: readonly { readonly kind: string; readonly name: string; readonly rule: string }[];
}

export interface Explanation {
  readonly service: string;
  readonly user: Named & { readonly active: boolean; readonly state: string | null; readonly gone: boolean };
  readonly wanted: boolean;
  readonly why: string;
  readonly entitled: boolean;
  readonly grants: readonly {
    readonly id: string;
    readonly kind: string;
    readonly subject: string;
    readonly grantedBy: string;
    readonly grantedAt: string;
  }[];
  readonly account: Account | null;
  readonly name: {
    readonly remoteName: string | null;
    readonly reserved: readonly string[];
    readonly formatted: string | null;
    readonly format: string;
    readonly from: string;
  };
  readonly groups: {
    readonly membership: string;
    readonly desired: readonly ExplainedGroup[];
    readonly applied: readonly ExplainedGroup[] | null;
    readonly missing: readonly string[];
    readonly surplus: readonly string[];
  };
  readonly nextTry: { readonly at: string | null; readonly why: string };
  readonly staged: readonly Pick<Staged, 'id' | 'kind' | 'decision' | 'stagedAt' | 'groups'>[];
  readonly held: readonly { readonly kind: string; readonly heldBy: string; readonly heldAt: string }[];
  readonly events: readonly Step[];
  readonly operations: readonly Operation[];
  readonly actions: readonly string[];
}
