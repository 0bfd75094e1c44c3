import type { MailDesk } from '../auth/mail/deliver';
import { dispatchAccounts } from '../hooks/dispatch';
import { beginNextSync, expandNow, FEW_ACCOUNTS, steerSync } from '../hooks/flow';
import type { FlowDependencies } from '../hooks/flow';
import { dueAccounts, dueRemoteGroups } from '../store/due';
import type { DueAccountRow, DueRemoteGroup } from '../store/due';
import { engineServiceById, takeProbes } from '../store/engine-services';
import type { EngineService } from '../store/engine-services';
import { unexpandedChanges } from '../store/expand';
import { firstRunsToPlan, tellFirstPlans } from '../store/first-run';
import { dueClientWrites } from '../store/client-writes';
import { dueMails, queueNotificationMails, skipNotificationMails } from '../store/mails';
import { openAuthorizations } from '../store/external-authorizations';
import { dueRevocations } from '../store/external-revocations';
import { bumpEndedGrace } from '../store/grace';
import { settleGuardPauses } from '../store/guard-trip';
import { settleChangeOperations } from '../store/operations';
import { expirePasswords } from '../store/passwords';
import { settleDrains } from '../store/pauses';
import { openReconciliations } from '../store/reconciliations';
import { openSyncs, requestSync } from '../store/syncs';
import type { ActivityDependencies } from './dependencies';

export interface SweepReport {
  readonly changes: number;
  readonly accounts: number;
  readonly groups: number;
  readonly syncs: number;
  /** Changes and services that could not be dealt with now: the next sweep tries them again. */
  readonly failed: number;
}

/** What a sweep works with. */
export type SweepDependencies = ActivityDependencies &
  FlowDependencies & { readonly mail: Pick<MailDesk, 'transport' | 'operators'> };

/** One more than are sent one by one: that there are more is all a sweep needs to know. */
const DUE_PER_SERVICE = FEW_ACCOUNTS + 1;
const CHANGES_PER_SWEEP = 200;
const GROUPS_PER_SERVICE = FEW_ACCOUNTS + 1;

/**
 * One sweep (rule 8): everything that is due and that nobody was told of, or nobody came back to. It asks the database
 * only; sending twice what is under way does no harm, since every start is the same start.
 */
export async function sweep(deps: SweepDependencies, heartbeat: () => void): Promise<SweepReport> {
  const parts = new Parts(deps);
  const changes = await unexpandedChanges(deps.db, CHANGES_PER_SWEEP);
  for (const change of changes) {
    await parts.run({ change }, () => expandNow(deps, change));
    heartbeat();
  }
  await bumpEndedGrace(deps.db);
  const sent = await sendDue(deps, parts, heartbeat);
  // After the accounts: where members are kept by group, the groups wait for the bulk run that has just begun.
  const groups = await dueRemoteGroups(deps.db, GROUPS_PER_SERVICE);
  await parts.run({ groups: groups.length }, () => sendGroups(deps, groups));
  heartbeat();
  await parts.run({ work: 'first runs' }, () => planFirstRuns(deps));
  await expirePasswords(deps.db);
  await settleChangeOperations(deps.db);
  await settleDrains(deps.db);
  await settleGuardPauses(deps.db);
  heartbeat();
  const syncs = await sendSyncs(deps);
  for (const { name } of await takeProbes(deps.db)) await deps.starter.probe(name);
  await sendExternal(deps);
  await sendMails(deps);
  for (const id of await dueClientWrites(deps.db, WRITES_PER_SWEEP)) await deps.starter.writeClient(id);
  for (const { id, service } of await openReconciliations(deps.db))
    await deps.starter.reconcile({ service, reconciliationId: id });
  return { changes: changes.length, accounts: sent, groups: groups.length, syncs, failed: parts.failed };
}

const WRITES_PER_SWEEP = 200;
const MAILS_PER_SWEEP = 200;

/** Mails whose start was lost, or whose next try has come; notifications become mails here. */
async function sendMails({ db, starter, mail }: SweepDependencies): Promise<void> {
  if (mail.transport === undefined) await skipNotificationMails(db);
  else await queueNotificationMails(db, mail.operators.length > 0, MAILS_PER_SWEEP);
  for (const id of await dueMails(db, MAILS_PER_SWEEP)) await starter.sendMail(id);
}

const EXTERNAL_PER_SWEEP = 200;

/** Authorizations that nobody told the workflow of, or whose time is over, and rights that are still to be taken away. */
async function sendExternal(deps: FlowDependencies): Promise<void> {
  for (const id of await openAuthorizations(deps.db, EXTERNAL_PER_SWEEP)) await deps.starter.authorizeExternal(id);
  for (const id of await dueRevocations(deps.db, { limit: EXTERNAL_PER_SWEEP })) await deps.starter.revokeExternal(id);
}

/** The parts of a sweep: one that fails (a hook that throws, a change that cannot be expanded) stops no other. */
class Parts {
  failed = 0;

  constructor(private readonly deps: ActivityDependencies) {}

  async run(ids: Readonly<Record<string, unknown>>, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.failed += 1;
      this.deps.log.error({
        event: 'sweep.part-failed',
        ...ids,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }
}

/** A few groups of a service one by one, many by one workflow. */
async function sendGroups(deps: FlowDependencies, due: readonly DueRemoteGroup[]): Promise<void> {
  const byService = new Map<string, string[]>();
  for (const { service, remoteGroupId } of due)
    byService.set(service, [...(byService.get(service) ?? []), remoteGroupId]);
  for (const [service, groups] of byService) {
    if (groups.length > FEW_ACCOUNTS) await deps.starter.groups(service);
    else await Promise.all(groups.map((id) => deps.starter.group(service, id)));
  }
}

async function sendDue(
  deps: ActivityDependencies & FlowDependencies,
  parts: Parts,
  heartbeat: () => void,
): Promise<number> {
  const due = await dueAccounts(deps.db, { limit: DUE_PER_SERVICE });
  const byService = new Map<string, DueAccountRow[]>();
  for (const account of due) byService.set(account.serviceId, [...(byService.get(account.serviceId) ?? []), account]);
  for (const [serviceId, accounts] of byService) {
    await parts.run({ service: serviceId }, async () => {
      const service = await engineServiceById(deps.db, serviceId);
      if (service !== undefined) await sendService(deps, service, accounts);
      heartbeat();
    });
  }
  return due.length;
}

async function sendService(
  deps: ActivityDependencies & FlowDependencies,
  service: EngineService,
  due: readonly DueAccountRow[],
): Promise<void> {
  if (due.length <= FEW_ACCOUNTS) return dispatchAccounts(deps, service, due);
  await requestSync(deps.db, { serviceId: service.id, kind: 'due', scope: {}, actor: 'system:sweep' });
  await beginNextSync(deps, service.name);
}

/** The first run of a service is a plan: it is made as soon as something is due, and anew when it says too little. */
async function planFirstRuns(deps: ActivityDependencies & FlowDependencies): Promise<void> {
  for (const { id, name } of await firstRunsToPlan(deps.db)) {
    const request = { serviceId: id, kind: 'due', scope: {}, dryRun: true, actor: 'system:first-run' } as const;
    await requestSync(deps.db, { ...request, reason: 'the first run of a service is a plan' });
    await beginNextSync(deps, name);
  }
  await tellFirstPlans(deps.db);
}

/** Queued syncs begin when their turn has come; one whose workflow was lost is started again under the same id. */
async function sendSyncs(deps: ActivityDependencies & FlowDependencies): Promise<number> {
  const open = await openSyncs(deps.db);
  for (const sync of open) {
    if (sync.signalDue !== null) await steerSync(deps, sync.id);
    else if (sync.status === 'staging' || sync.status === 'running')
      await deps.starter.sync({ service: sync.service, syncId: sync.id });
  }
  const waiting = new Set(open.filter((sync) => sync.status === 'queued').map((sync) => sync.service));
  for (const service of waiting) await beginNextSync(deps, service);
  return open.length;
}
