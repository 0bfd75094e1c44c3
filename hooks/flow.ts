import type { Logger } from 'pino';
import { uuidv7 } from 'uuidv7';
import { Unavailable } from '@muster/sdk';
import type { ConnectionReport } from '@muster/sdk';
import { engineServiceById, engineServiceByName } from '../store/engine-services';
import { expandChange } from '../store/expand';
import type { DueAccount, Expansion } from '../store/expand';
import { startNextQueued } from '../store/syncs';
import { createCall, takeCallAnswer } from '../store/manager-calls';
import { notifyOperators } from '../store/notify';
import { dispatchAccount } from './dispatch';
import type { DispatchDependencies } from './dispatch';
import type { ConnectorRegistry } from './registry';

/** So many due accounts are sent one by one; more are one bulk run. */
export const FEW_ACCOUNTS = 20;

const CALL_MANAGER_MS = 20_000;

export interface FlowDependencies extends DispatchDependencies {
  readonly registry: ConnectorRegistry;
  readonly log: Logger;
}

/** How a request sets the engine in motion after its commit. Nothing here can lose work: due work stands in PostgreSQL. */
export interface Flow {
  /** Expands a small change and sends its due accounts through the hooks; a large one is handed to the sweep. Never throws. */
  changed(changeId: number): Promise<void>;
  /** Sends one due account through its hook. Never throws. */
  accountDue(serviceId: string, userId: string): Promise<void>;
  /** Begins the next queued sync of the service unless one is live. Never throws. */
  syncRequested(serviceName: string, syncId?: string): Promise<void>;
  syncCancelled(serviceName: string, syncId: string): Promise<void>;
  /** Runs a manager action in a worker. Throws Unavailable when no worker answers in time. */
  callManager(serviceName: string, action: 'testConnection'): Promise<ConnectionReport>;
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
    accountDue: (serviceId, userId) => calmly('flow.account-due', () => sendAccounts(deps, [{ serviceId, userId }])),
    syncRequested: (service) => calmly('flow.sync-requested', () => beginNextSync(deps, service)),
    syncCancelled: (service, syncId) => calmly('flow.sync-cancelled', () => deps.starter.cancelSync(service, syncId)),
    callManager: (service, action) => callManager(deps, service, action),
  };
}

async function changed(deps: FlowDependencies, changeId: number): Promise<void> {
  const expansion = await expandNow(deps, changeId, 1);
  if (!expansion.finished || expansion.accounts.length > FEW_ACCOUNTS) await deps.starter.sweepNow();
  else await sendAccounts(deps, expansion.accounts);
}

/** Expands a change and tells the operators what the guard has staged. */
export async function expandNow(deps: FlowDependencies, changeId: number, maxPages?: number): Promise<Expansion> {
  const groupRules = (connector: string) => deps.registry.get(connector)?.groupNames;
  const expansion = await expandChange(deps.db, changeId, { groupRules, ...(maxPages === undefined ? {} : { maxPages }) });
  for (const staged of expansion.staged) await tellStaged(deps, staged);
  return expansion;
}

async function tellStaged(deps: FlowDependencies, staged: { readonly serviceId: string; readonly count: number }): Promise<void> {
  const service = await engineServiceById(deps.db, staged.serviceId);
  if (service === undefined) return;
  await notifyOperators(deps.db, {
    level: 'danger',
    title: `${service.title ?? service.name}: ${staged.count} removals wait for you`,
    text: `One change would take away more from ${service.name} than its guard allows within 24 hours. None of it happens before you look: muster guard ${service.name}`,
    serviceName: service.name,
    dedupeKey: `staged/${service.name}`,
  });
}

async function sendAccounts(deps: FlowDependencies, accounts: readonly DueAccount[]): Promise<void> {
  await Promise.all(accounts.map((account) => sendAccount(deps, account)));
}

async function sendAccount(deps: FlowDependencies, account: DueAccount): Promise<void> {
  const service = await engineServiceById(deps.db, account.serviceId);
  if (service === undefined || service.pausedReason !== null) return;
  const found = await deps.db.query<{ reasons: never[] }>(
    `select due_reasons as reasons from accounts where service_id = $1 and user_id = $2`,
    [account.serviceId, account.userId],
  );
  await dispatchAccount(deps, service, { userId: account.userId, reasons: found.rows[0]?.reasons ?? [] });
}

/** First in, first out, one at a time: the database allows one live sync per service. */
export async function beginNextSync(deps: DispatchDependencies, serviceName: string): Promise<void> {
  const service = await engineServiceByName(deps.db, serviceName);
  if (service === undefined) return;
  const syncId = await startNextQueued(deps.db, service.id);
  if (syncId !== undefined) await deps.starter.sync({ service: serviceName, syncId });
}

async function callManager(deps: FlowDependencies, service: string, action: 'testConnection'): Promise<ConnectionReport> {
  const callId = uuidv7();
  await createCall(deps.db, callId, {});
  try {
    await deps.starter.callManager({ service, action, callId }, CALL_MANAGER_MS);
  } catch (error) {
    throw new Unavailable('no worker answered: is one running, and is Temporal up?', { cause: error, code: 'no-worker' });
  }
  return (await takeCallAnswer(deps.db, callId)) as ConnectionReport;
}
