import type { Logger } from 'pino';
import { uuidv7 } from 'uuidv7';
import { Rejected, Unavailable } from '@muster/sdk';
import type { ConnectionReport } from '@muster/sdk';
import type { Failpoint } from '../config/failpoint';
import { dueRemoteGroups } from '../store/due';
import { engineServiceById, engineServiceByName } from '../store/engine-services';
import { expandChange } from '../store/expand';
import type { DueAccount, Expansion } from '../store/expand';
import type { ExternalKey } from '../store/external-accounts';
import { dueRevocations } from '../store/external-revocations';
import { signalTold } from '../store/sync-steering';
import { readSync, startNextQueued } from '../store/syncs';
import { createCall, takeCallAnswer } from '../store/manager-calls';
import type { CallManagerInput } from '../workflows/contracts';
import { dispatchAccounts } from './dispatch';
import type { DispatchDependencies } from './dispatch';
import type { ConnectorRegistry } from './registry';

/** So many due accounts are sent one by one; more are one bulk run. */
export const FEW_ACCOUNTS = 20;

const CALL_MANAGER_MS = 20_000;

export interface FlowDependencies extends DispatchDependencies {
  readonly registry: ConnectorRegistry;
  readonly log: Logger;
  /** Where fault tests end the process. */
  readonly failpoint?: Failpoint;
}

/** How a request sets the engine in motion after its commit. Nothing here can lose work: due work stands in PostgreSQL. */
export interface Flow {
  /** Expands a small change and sends its due accounts through the hooks; a large one is handed to the sweep. Never throws. */
  changed(changeId: number): Promise<void>;
  /** Sends one due account through its hook. Never throws. */
  accountDue(serviceId: string, userId: string): Promise<void>;
  /** Begins the next queued sync of the service unless one is live. Never throws. */
  syncRequested(serviceName: string, syncId?: string): Promise<void>;
  /** Tells a sync's workflow that it was paused, resumed or cancelled. Never throws. */
  syncSteered(syncId: string): Promise<void>;
  /** A service goes on after a pause: what waits for it is sent now. Never throws. */
  serviceOpened(): Promise<void>;
  /** Starts the comparison of a service. Never throws. */
  reconciliationRequested(serviceName: string, reconciliationId: string): Promise<void>;
  /** Begins an authorization of an external account, or hands on that its redirect has come. Never throws. */
  authorizationStep(authorizationId: string): Promise<void>;
  /** Lets a worker carry out a write into the system behind an authentication provider. Never throws. */
  clientWriteQueued(writeId: string): Promise<void>;
  /** Sends a mail that was queued. Never throws. */
  mailQueued(mailId: string): Promise<void>;
  /** Takes away at the other side what this person has unlinked. Never throws. */
  externalUnlinked(userId: string): Promise<void>;
  /** Refreshes a credential that is about to end; the row says how it went. Throws Unavailable when no worker answers in time. */
  refreshExternal(key: ExternalKey): Promise<void>;
  /** Runs a manager action in a worker. Throws Unavailable when no worker answers in time. */
  callManager(serviceName: string, action: 'testConnection'): Promise<ConnectionReport>;
  /** Runs the manager's `callAction` in a worker. Throws Rejected with its words, Unavailable when no worker answers in time. */
  callHookAction(serviceName: string, action: string, input: unknown): Promise<unknown>;
}

export function createFlow(deps: FlowDependencies): Flow {
  const calmly = async (event: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      // The commit stands; the sweep finds within seconds what could not be sent now.
      deps.log.warn({ event, reason: error instanceof Error ? error.message : String(error) }, 'left to the sweep');
    }
  };
  return {
    changed: (changeId) => calmly('flow.changed', () => changed(deps, changeId)),
    accountDue: (serviceId, userId) => calmly('flow.account-due', () => sendService(deps, serviceId, [userId])),
    syncRequested: (service) => calmly('flow.sync-requested', () => beginNextSync(deps, service)),
    syncSteered: (syncId) => calmly('flow.sync-steered', () => steerSync(deps, syncId)),
    serviceOpened: () => calmly('flow.service-opened', () => deps.starter.sweepNow()),
    reconciliationRequested: (service, reconciliationId) =>
      calmly('flow.reconciliation-requested', () => deps.starter.reconcile({ service, reconciliationId })),
    authorizationStep: (id) => calmly('flow.authorization', () => deps.starter.authorizeExternal(id)),
    clientWriteQueued: (writeId) => calmly('flow.client-write', () => deps.starter.writeClient(writeId)),
    mailQueued: (mailId) => calmly('flow.mail-queued', () => deps.starter.sendMail(mailId)),
    externalUnlinked: (userId) =>
      calmly('flow.external-unlinked', async () => {
        for (const id of await dueRevocations(deps.db, { limit: FEW_ACCOUNTS, userId }))
          await deps.starter.revokeExternal(id);
      }),
    refreshExternal: (key) => refreshExternal(deps, key),
    callManager: async (service, action) =>
      (await callWorker(deps, { service, action, input: {} })) as ConnectionReport,
    callHookAction: (service, action, input) => callHookAction(deps, { service, input: { action, input } }),
  };
}

async function changed(deps: FlowDependencies, changeId: number): Promise<void> {
  deps.failpoint?.('flow:before-expand');
  const expansion = await expandNow(deps, changeId, 1);
  deps.failpoint?.('flow:after-expand');
  if (!expansion.finished || expansion.accounts.length > FEW_ACCOUNTS) await deps.starter.sweepNow();
  else await Promise.all([sendGroups(deps), sendAccounts(deps, expansion.accounts)]);
}

/** Remote groups that the change made due, without waiting for the sweep: renamed ones, and members kept by group. */
async function sendGroups(deps: FlowDependencies): Promise<void> {
  const due = await dueRemoteGroups(deps.db, FEW_ACCOUNTS + 1);
  if (due.length > FEW_ACCOUNTS) return deps.starter.sweepNow();
  await Promise.all(due.map((group) => deps.starter.group(group.service, group.remoteGroupId)));
}

/** Expands a change. */
export async function expandNow(deps: FlowDependencies, changeId: number, maxPages?: number): Promise<Expansion> {
  const groupRules = (connector: string) => deps.registry.get(connector)?.groupNames;
  const pages = maxPages === undefined ? {} : { maxPages };
  return expandChange(deps.db, changeId, { groupRules, ...pages });
}

async function sendAccounts(deps: FlowDependencies, accounts: readonly DueAccount[]): Promise<void> {
  const byService = new Map<string, string[]>();
  for (const { serviceId, userId } of accounts) byService.set(serviceId, [...(byService.get(serviceId) ?? []), userId]);
  await Promise.all([...byService].map(([serviceId, userIds]) => sendService(deps, serviceId, userIds)));
}

async function sendService(deps: FlowDependencies, serviceId: string, userIds: readonly string[]): Promise<void> {
  const service = await engineServiceById(deps.db, serviceId);
  if (service === undefined || service.pausedReason !== null) return;
  const found = await deps.db.query<{ userId: string; reasons: never[] }>(
    `select user_id as "userId", due_reasons as reasons from accounts where service_id = $1 and user_id = any($2::uuid[])`,
    [serviceId, userIds],
  );
  await dispatchAccounts(deps, service, found.rows);
}

/** First in, first out, one at a time: the database allows one live sync per service. */
export async function beginNextSync(deps: DispatchDependencies, serviceName: string): Promise<void> {
  const service = await engineServiceByName(deps.db, serviceName);
  if (service === undefined) return;
  // More than one only where plans are among them: they wait for nobody.
  for (let syncId = await startNextQueued(deps.db, service.id); syncId !== undefined;) {
    await deps.starter.sync({ service: serviceName, syncId });
    syncId = await startNextQueued(deps.db, service.id);
  }
}

/** Tells the workflow of a sync what it must still be told. It may be told twice; it is never forgotten. */
export async function steerSync(deps: DispatchDependencies, syncId: string): Promise<void> {
  const sync = await readSync(deps.db, syncId);
  if (sync === undefined || sync.signalDue === null) return;
  await deps.starter.steerSync({ service: sync.service, syncId }, sync.signalDue);
  await signalTold(deps.db, syncId, sync.signalDue);
}

interface WorkerCall {
  readonly service: string;
  readonly action: CallManagerInput['action'];
  readonly input: unknown;
}

async function callWorker(deps: FlowDependencies, call: WorkerCall): Promise<unknown> {
  const callId = uuidv7();
  const box = { db: deps.db, sealer: deps.sealer, callId };
  await createCall(box, call.input);
  try {
    await deps.starter.callManager({ service: call.service, action: call.action, callId }, CALL_MANAGER_MS);
  } catch (error) {
    await takeCallAnswer(box);
    throw new Unavailable('no worker answered: is one running, and is Temporal up?', {
      cause: error,
      code: 'no-worker',
    });
  }
  return takeCallAnswer(box);
}

/** A hook's own call; what the manager refused comes back as an error with its words. */
async function callHookAction(deps: FlowDependencies, call: Omit<WorkerCall, 'action'>): Promise<unknown> {
  const answer = (await callWorker(deps, { ...call, action: 'hookAction' })) as HookActionAnswer;
  if ('result' in answer) return answer.result;
  throw new Rejected(answer.error, { code: 'hook-action' });
}

/** Whoever waits longer than this for a refresh is told so; it goes on without them. */
const REFRESH_MS = 20_000;

async function refreshExternal(deps: FlowDependencies, key: ExternalKey): Promise<void> {
  try {
    await deps.starter.refreshExternal(key, REFRESH_MS);
  } catch (error) {
    throw new Unavailable('no worker answered: is one running, and is Temporal up?', {
      cause: error,
      code: 'no-worker',
    });
  }
}

/** What a worker answers to a hook's call. */
export type HookActionAnswer = { readonly result: unknown } | { readonly error: string };
