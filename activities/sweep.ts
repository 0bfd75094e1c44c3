import { dispatchAccount, hasOverrides } from '../hooks/dispatch';
import { beginNextSync, expandNow, FEW_ACCOUNTS } from '../hooks/flow';
import type { FlowDependencies } from '../hooks/flow';
import { dueAccounts, dueRemoteGroups } from '../store/due';
import type { DueAccountRow } from '../store/due';
import { engineServiceById } from '../store/engine-services';
import type { EngineService } from '../store/engine-services';
import { unexpandedChanges } from '../store/expand';
import { settleChangeOperations } from '../store/operations';
import { expirePasswords } from '../store/passwords';
import { openSyncs, requestSync } from '../store/syncs';
import { probeServices } from './probe';
import type { ActivityDependencies } from './dependencies';

export interface SweepReport {
  readonly changes: number;
  readonly accounts: number;
  readonly groups: number;
  readonly syncs: number;
}

/** Accounts that are sent one by one through an overriding hook in one sweep; the next takes the next. */
const MANY_THROUGH_HOOKS = 500;
const CHANGES_PER_SWEEP = 200;
const GROUPS_PER_SWEEP = 500;

/**
 * One sweep (rule 8): everything that is due and that nobody was told of, or nobody came back to. It asks the database
 * only; sending twice what is under way does no harm, since every start is the same start.
 */
export async function sweep(deps: ActivityDependencies & FlowDependencies, heartbeat: () => void): Promise<SweepReport> {
  const changes = await unexpandedChanges(deps.db, CHANGES_PER_SWEEP);
  for (const change of changes) {
    await expandNow(deps, change);
    heartbeat();
  }
  const groups = await dueRemoteGroups(deps.db, GROUPS_PER_SWEEP);
  for (const group of groups) await deps.starter.group(group.service, group.remoteGroupId);
  heartbeat();
  const sent = await sendDue(deps, heartbeat);
  await expirePasswords(deps.db);
  await settleChangeOperations(deps.db);
  heartbeat();
  const syncs = await sendSyncs(deps);
  await probeServices(deps);
  return { changes: changes.length, accounts: sent, groups: groups.length, syncs };
}

async function sendDue(deps: ActivityDependencies & FlowDependencies, heartbeat: () => void): Promise<number> {
  const due = await dueAccounts(deps.db, { limit: MANY_THROUGH_HOOKS });
  const byService = new Map<string, DueAccountRow[]>();
  for (const account of due) byService.set(account.serviceId, [...(byService.get(account.serviceId) ?? []), account]);
  for (const [serviceId, accounts] of byService) {
    const service = await engineServiceById(deps.db, serviceId);
    if (service !== undefined) await sendService(deps, service, { accounts, heartbeat });
  }
  return due.length;
}

interface DueBatch {
  readonly accounts: readonly DueAccountRow[];
  readonly heartbeat: () => void;
}

async function sendService(deps: ActivityDependencies & FlowDependencies, service: EngineService, batch: DueBatch): Promise<void> {
  const many = batch.accounts.length > FEW_ACCOUNTS;
  if (many && !hasOverrides(deps, service)) {
    await requestSync(deps.db, { serviceId: service.id, kind: 'due', scope: {}, actor: 'system:sweep' });
    await beginNextSync(deps, service.name);
    return;
  }
  for (const account of batch.accounts) {
    await dispatchAccount(deps, service, account);
    batch.heartbeat();
  }
}

/** Queued syncs begin when their turn has come; one whose workflow was lost is started again under the same id. */
async function sendSyncs(deps: ActivityDependencies & FlowDependencies): Promise<number> {
  const open = await openSyncs(deps.db);
  for (const sync of open) {
    if (sync.status === 'staging' || sync.status === 'running') await deps.starter.sync({ service: sync.service, syncId: sync.id });
  }
  const waiting = new Set(open.filter((sync) => sync.status === 'queued').map((sync) => sync.service));
  for (const service of waiting) await beginNextSync(deps, service);
  return open.length;
}
