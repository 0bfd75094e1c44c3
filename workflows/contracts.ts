/**
 * What clients and workers must agree on: names, inputs, signals and queries of every workflow. Inputs carry ids only:
 * no names, addresses or secrets ever enter a history. Clients import this file and never workflow code.
 */

export {
  ENGINE_TASK_QUEUE,
  MAIL_TASK_QUEUE,
  PLUGIN_TASK_QUEUE,
  accountWorkflowId,
  bulkTaskQueue,
  clientWriteWorkflowId,
  groupWorkflowId,
  groupsWorkflowId,
  serviceTaskQueue,
  syncWorkflowId,
} from '../domain/ids';

/** The account workflows. All run the same convergence; the type only names the reason of the first call. */
export const ACCOUNT_WORKFLOWS = [
  'createAccount',
  'deleteAccount',
  'updateGroups',
  'updateProfile',
  'syncNickname',
  'validateUser',
  'setPassword',
  'resetPassword',
  'convergeAccount',
] as const;
export type AccountWorkflow = (typeof ACCOUNT_WORKFLOWS)[number];

/** Input of every account workflow. `service` is the configured name. */
export interface AccountInput {
  readonly service: string;
  readonly userId: string;
}

/** Signal: something about the account changed; go round once more. Carries nothing: the state at the moment of writing counts. */
export const POKE_SIGNAL = 'poke';

/** Query: where the account's convergence stands. */
export const ACCOUNT_STATE_QUERY = 'state';

/** How a round of convergence ended. Ids and words only. */
export type ConvergeOutcome =
  /** Applied version has reached the wanted one. */
  | { readonly outcome: 'settled'; readonly did: readonly string[] }
  /** Something changed meanwhile: go round again at once. */
  | { readonly outcome: 'again'; readonly did: readonly string[] }
  /** Not now: the row says when the next try is. `waitMs` from now. */
  | { readonly outcome: 'later'; readonly waitMs: number; readonly reason: string; readonly did: readonly string[] }
  /** Nothing more will happen until the account changes or a person acts. */
  | { readonly outcome: 'stopped'; readonly reason: string; readonly did: readonly string[] };

/** The workflow of one remote group: made, renamed, and its members where the service keeps them by group. */
export const CONVERGE_GROUP_WORKFLOW = 'convergeGroup';
/** Input of the group workflow. `service` is the configured name. */
export interface GroupInput {
  readonly service: string;
  readonly remoteGroupId: string;
}

/** The workflow of many due remote groups of a service: one for all, where one for each would be a flood. */
export const CONVERGE_GROUPS_WORKFLOW = 'convergeGroups';
/** Input of the workflow of many groups. `service` is the configured name. */
export interface GroupsInput {
  readonly service: string;
}

/** The workflow of a bulk run over accounts of one service. */
export const BULK_SYNC_WORKFLOW = 'bulkSync';
/** Input of a bulk run: ids and places only, the items stand in the database. */
export interface BulkSyncInput {
  readonly service: string;
  readonly syncId: string;
  /** Where the run before continue-as-new stopped: first item not yet given to a chunk. Default 1. */
  readonly nextSeq?: number;
  /** Total number of staged items; known after staging. */
  readonly total?: number;
  /** Chunks before `nextSeq` that were interrupted and must be run again. */
  readonly again?: readonly SyncChunkRange[];
}
/** A run of items, both ends included. */
export interface SyncChunkRange {
  readonly from: number;
  readonly to: number;
}
/** Query: how far a bulk run is. */
export const SYNC_PROGRESS_QUERY = 'progress';
/** Signal: end the bulk run; what is settled stays settled, the rest counts as skipped. */
export const SYNC_CANCEL_SIGNAL = 'cancel';
/** Signals of a bulk run: `pause` ends the running chunks after the accounts that they are at, `resume` goes on from there. */
export const SYNC_SIGNALS = { pause: 'pause', resume: 'resume', cancel: SYNC_CANCEL_SIGNAL } as const;
/** What a bulk run can be told. */
export type SyncSteering = keyof typeof SYNC_SIGNALS;
/** Accounts of a bulk run: counted in whole chunks, the database has them one by one. */
export interface SyncProgress {
  readonly total: number;
  readonly done: number;
  readonly state: 'staging' | 'running' | 'paused' | 'ended';
  /** Accounts a second since it began, pauses left out; null = too early to tell. */
  readonly perSecond: number | null;
  /** When it ends if it goes on like this (ISO 8601); null = nobody can say. */
  readonly endsAt: string | null;
}

/** The workflow that finds due work of which nobody was told. */
export const SWEEP_WORKFLOW = 'sweep';
/** Ids of Muster's schedules: the sweep every 10 s, tokens every minute, the others daily. */
export const SCHEDULES = {
  sweep: 'muster-sweep',
  validate: 'muster-validate',
  reconcile: 'muster-reconcile',
  retention: 'muster-retention',
  tokens: 'muster-tokens',
} as const;
/** What schedules start beside the sweep: each asks for work, or does little. */
export const VALIDATE_ALL_WORKFLOW = 'validateAllUsers';
/** Deletes what is older than it is kept. */
export const RETENTION_WORKFLOW = 'retention';
/** Deletes expired tokens and tells of those that expire soon. */
export const PURGE_TOKENS_WORKFLOW = 'purgeTokens';
/** Asks for a comparison of every service that can list its accounts. */
export const RECONCILE_ALL_WORKFLOW = 'reconcileAllServices';
/** The comparison of one service; its id is `reconcile/<service>/<reconciliation>`. */
export const RECONCILE_WORKFLOW = 'reconcileService';
/** Input of a comparison: what it has found so far stands in the database. */
export interface ReconcileInput {
  readonly service: string;
  readonly reconciliationId: string;
}
/** Ask for a sweep now instead of at the next tick: workflow id of the one extra run. */
export const SWEEP_NOW_ID = 'muster-sweep-now';

/** The workflow that looks whether a service that Muster has paused is well again; its id is `probe/<service>`. */
export const PROBE_WORKFLOW = 'probeService';
/** Input of a probe. `service` is the configured name. */
export interface ProbeInput {
  readonly service: string;
}

/** Read-only manager calls that the API needs an answer from (connection test, hook actions). */
export const CALL_MANAGER_WORKFLOW = 'callManager';
/** Input of a manager call that somebody waits for. */
export interface CallManagerInput {
  readonly service: string;
  readonly action: 'testConnection' | 'hookAction';
  /** Row with the call's input and, later, its answer; payloads never carry either. */
  readonly callId: string;
}

/** One person's way to a linked account: begun, waiting for the redirect, exchanged. Its id is `external/authorize/<id>`. */
export const AUTHORIZE_EXTERNAL_WORKFLOW = 'authorizeExternal';
/** Input of an authorization: state, verifier and code stand sealed in its row. */
export interface AuthorizeExternalInput {
  readonly authorizationId: string;
}
/** Makes a person's credential last: its id is `external/refresh/<type>/<user>`, so that many askers are one refresh. */
export const REFRESH_EXTERNAL_WORKFLOW = 'refreshExternal';
/** Input of a refresh. */
export interface RefreshExternalInput {
  readonly type: string;
  readonly userId: string;
}
/** Takes a right away at another side, after it was unlinked here; its id is `external/revoke/<revocation>`. */
export const REVOKE_EXTERNAL_WORKFLOW = 'revokeExternal';
/** Input of a revocation. */
export interface RevokeExternalInput {
  readonly revocationId: string;
}

/** Writes into the system behind an authentication provider; its id is `client/<write>`. */
export const WRITE_CLIENT_WORKFLOW = 'writeClient';
/** Input of a write: what is to be written stands sealed in its row. */
export interface WriteClientInput {
  readonly writeId: string;
}

/** Sends a mail; its id is `mail/<mail>`. */
export const SEND_MAIL_WORKFLOW = 'sendMail';
/** Input of a mail: recipient, text and link are found at sending. */
export interface SendMailInput {
  readonly mailId: string;
}

/** Search attributes, registered on the namespace at start. */
export const SEARCH_ATTRIBUTES = {
  service: 'MusterService',
  user: 'MusterUser',
  kind: 'MusterKind',
  outcome: 'MusterOutcome',
} as const;
