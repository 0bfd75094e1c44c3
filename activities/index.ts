import { ApplicationFailure, Context } from '@temporalio/activity';
import { TemporalFailure } from '@temporalio/common';
import type { RetentionDays, TokenPurge } from '../domain/retention';
import { createPort } from '../hooks/port';
import type { FlowDependencies } from '../hooks/flow';
import { hasManager } from '../hooks/overrides';
import { engineServiceByName } from '../store/engine-services';
import type { EngineService } from '../store/engine-services';
import { dropLease, leaseRemainingMs, takeLeases } from '../store/leases';
import { NEVER_MS, readSituations } from '../store/situations';
import { carryOut } from '../auth/carry-out';
import type { WriteDesk } from '../auth/carry-out';
import { deliverMail } from '../auth/mail/deliver';
import type { MailDesk } from '../auth/mail/deliver';
import type { ExternalDesk } from '../auth/external/authorize';
import type {
  AccountInput,
  AuthorizeExternalInput,
  CallManagerInput,
  ConvergeOutcome,
  GroupInput,
  GroupsInput,
  ProbeInput,
  ReconcileInput,
  RefreshExternalInput,
  RevokeExternalInput,
  SendMailInput,
  WriteClientInput,
} from '../workflows/contracts';
import { accountWorkflowId, groupsWorkflowId, groupWorkflowId } from '../workflows/contracts';
import { convergeLeased } from './converge';
import type { HookAccess } from './converge';
import { convergeGroup } from './converge-group';
import { convergeDueGroups } from './converge-groups';
import type { GroupsAnswer } from './converge-groups';
import { deliverNotifications } from './deliver-notifications';
import type { Webhook } from './deliver-notifications';
import type { ActivityDependencies } from './dependencies';
import { answerManagerCall } from './answer-call';
import type { CallOptions } from './manager-call';
import { refreshExternal, revokeExternal, stepExternal } from './external';
import type { StepAnswer } from './external';
import { probeService } from './probe';
import { LEASE_MS, Round } from './round';
import { serviceTrouble } from './service-trouble';
import { judgeFailure } from './failures';
import { isServiceError } from '@muster/sdk';
import { reconcileService } from './reconcile';
import type { ReconcileAnswer } from './reconcile';
import { applyRetention, purgeTokens, requestReconciliations, requestValidation } from './scheduled';
import { sweep } from './sweep';
import type { SweepReport } from './sweep';
import { syncChunk } from './sync-chunk';
import type { ChunkAnswer, ChunkRequest } from './sync-chunk';
import { beginSync, endSync } from './sync-ends';

export type { SweepReport } from './sweep';

export interface ActivityOptions {
  readonly deps: ActivityDependencies & FlowDependencies;
  readonly webhook: Webhook;
  /** Links accounts elsewhere. */
  readonly external: ExternalDesk;
  /** Sends mails. */
  readonly mail: MailDesk;
  /** Writes into the systems behind authentication providers. */
  readonly clients: WriteDesk;
}

/** Every activity of Muster. Workflows take only the type. */
export type Activities = ReturnType<typeof createActivities>;

/** While a worker lives it says so this often; one that was killed is noticed after the heartbeat timeout. */
const HEARTBEAT_MS = 1_500;

/** Binds the activities to what they work with. */
export function createActivities({ deps, webhook, external, mail, clients }: ActivityOptions) {
  const portFor = (service: EngineService) => createPort(deps, service);
  return {
    convergeAccount: (input: AccountInput): Promise<ConvergeOutcome> =>
      alive(deps, () => convergeOne(deps, input, { portFor })),
    convergeRemoteGroup: (input: GroupInput): Promise<ConvergeOutcome> =>
      alive(deps, () => convergeRemoteGroup(deps, input)),
    convergeRemoteGroups: (input: GroupsInput): Promise<GroupsAnswer> =>
      alive(deps, () => convergeRemoteGroups(deps, input)),
    syncChunk: (request: ChunkRequest): Promise<ChunkAnswer> =>
      alive(deps, () =>
        syncChunk(deps, request, {
          portFor,
          stop: Context.current().cancellationSignal,
          heartbeat: () => Context.current().heartbeat(),
        }),
      ),
    stageSync: ({ syncId }: { readonly syncId: string }): Promise<number | 'later'> =>
      alive(deps, () => beginSync(deps, syncId)),
    finishSync: ({ syncId, cancelled }: { readonly syncId: string; readonly cancelled: boolean }): Promise<void> =>
      alive(deps, () => endSync(deps, syncId, cancelled)),
    sweep: (): Promise<SweepReport> => alive(deps, () => sweep({ ...deps, mail }, () => Context.current().heartbeat())),
    deliverNotifications: (): Promise<number> => alive(deps, () => deliverNotifications(deps, webhook)),
    probeService: ({ service }: ProbeInput): Promise<boolean> => alive(deps, () => probe(deps, service, { portFor })),
    requestValidation: (): Promise<number> => alive(deps, () => requestValidation(deps)),
    applyRetention: (days: Partial<RetentionDays>): Promise<Readonly<Record<string, number>>> =>
      alive(deps, () => applyRetention(deps, days, () => Context.current().heartbeat())),
    purgeTokens: (): Promise<TokenPurge> => alive(deps, () => purgeTokens(deps, () => Context.current().heartbeat())),
    requestReconciliations: (): Promise<number> => alive(deps, () => requestReconciliations(deps)),
    reconcileService: ({ reconciliationId }: ReconcileInput): Promise<ReconcileAnswer> =>
      alive(deps, () =>
        reconcileService(deps, reconciliationId, {
          signal: Context.current().cancellationSignal,
          heartbeat: () => Context.current().heartbeat(),
        }),
      ),
    stepAuthorization: (input: AuthorizeExternalInput): Promise<StepAnswer> =>
      alive(deps, () => stepExternal(deps, external, { input, signal: Context.current().cancellationSignal })),
    refreshCredential: (input: RefreshExternalInput): Promise<void> =>
      alive(deps, () => refreshExternal(external, input, Context.current().cancellationSignal)),
    revokeCredential: (input: RevokeExternalInput): Promise<void> =>
      alive(deps, () => revokeExternal(external, input, Context.current().cancellationSignal)),
    deliverMail: ({ mailId }: SendMailInput): Promise<void> => alive(deps, () => deliverMail(mail, mailId)),
    carryOutWrite: (input: WriteClientInput): Promise<ClientWriteAnswer> =>
      alive(deps, () => carryOutWrite(deps, clients, input)),
    answerManagerCall: (input: CallManagerInput): Promise<void> => answerManagerCall(deps, input, personCall(deps)),
  };
}

/** When the write is to be tried again; null = it has ended, or waits for another. */
export interface ClientWriteAnswer {
  readonly waitMs: number | null;
}

async function carryOutWrite(
  { starter }: FlowDependencies,
  desk: WriteDesk,
  { writeId }: WriteClientInput,
): Promise<ClientWriteAnswer> {
  const { waitMs, next } = await carryOut(desk, writeId, Context.current().cancellationSignal);
  // If this is lost, the next sweep does it.
  for (const id of next) await starter.writeClient(id).catch(() => undefined);
  return { waitMs: waitMs === undefined ? null : Math.ceil(waitMs) };
}

/**
 * Heartbeats while the work goes on: losing this timer loses nothing but the sign of life. What the work throws would stand
 * in the history with all its text, which may hold anything: only that it failed leaves the worker.
 */
async function alive<T>(deps: ActivityDependencies, work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    return await work();
  } catch (error) {
    if (error instanceof TemporalFailure) throw error;
    const { activityType, attempt } = context.info;
    const name = error instanceof Error ? error.name : 'unknown';
    const reason = error instanceof Error ? error.message : 'unknown';
    deps.log.error({ event: 'activity.failed', activity: activityType, attempt, name, reason });
    throw ApplicationFailure.create({ message: `${activityType} failed: see the log of the worker`, type: name });
  } finally {
    clearInterval(timer);
  }
}

async function convergeOne(
  deps: ActivityDependencies & FlowDependencies,
  input: AccountInput,
  access: HookAccess,
): Promise<ConvergeOutcome> {
  const service = await openService(deps, input.service);
  if ('outcome' in service) return service;
  const outcome = await convergeOn(deps, service, { ...input, access });
  // The person joins their groups now; if this is lost, the next sweep does it.
  if (service.membership === 'by group' && outcome.did.some((step) => APPEARS.has(step)))
    await deps.starter.sweepNow().catch(() => undefined);
  return outcome;
}

/** Steps after which an account can be a member. */
const APPEARS: ReadonlySet<string> = new Set(['create', 'find', 'enable']);

/** Converges one account of a service, whether it is paused or not. */
async function convergeOn(
  deps: ActivityDependencies,
  service: EngineService,
  input: AccountInput & { readonly access: HookAccess; readonly atOnce?: boolean },
): Promise<ConvergeOutcome> {
  const entry = await entryOf(deps, service);
  if ('outcome' in entry) return entry;
  const request = {
    serviceId: service.id,
    userIds: [input.userId],
    holder: accountWorkflowId(input.service, input.userId),
    leaseMs: LEASE_MS,
  };
  const [lease] = await takeLeases(deps.db, request);
  if (lease === undefined) return leasedElsewhere(deps, service.id, input.userId);
  deps.failpoint('account:after-lease', input.userId);
  const [situation] = await readSituations(deps.db, service.id, [input.userId]);
  if (situation === undefined) return { outcome: 'stopped', reason: 'there is no such account', did: [] };
  if (situation.rowWaitMs > 0 && input.atOnce !== true) {
    await dropLease(deps.db, lease);
    return waitsByItself(situation.rowWaitMs);
  }
  const call = personCall(deps);
  return convergeLeased(new Round({ deps, service, entry, call, lease, situation }), input.access);
}

function probe(deps: ActivityDependencies & FlowDependencies, service: string, access: HookAccess): Promise<boolean> {
  return probeService(deps, service, {
    call: personCall(deps),
    tryAccount: (paused, userId) => convergeOn(deps, paused, { service: paused.name, userId, access, atOnce: true }),
  });
}

/** A call for a person, as opposed to bulk. */
function personCall(deps: ActivityDependencies): CallOptions {
  return { lane: 'person', signal: Context.current().cancellationSignal, timeoutMs: deps.callTimeoutMs };
}

/** A poke that came late, or twice, is no reason to ask the far side before the time that the row names. */
function waitsByItself(waitMs: number): ConvergeOutcome {
  return waitMs >= NEVER_MS
    ? { outcome: 'stopped', reason: 'nothing more until something about it changes', did: [] }
    : { outcome: 'later', waitMs, reason: 'its next try is not yet', did: [] };
}

async function leasedElsewhere(
  deps: ActivityDependencies,
  serviceId: string,
  userId: string,
): Promise<ConvergeOutcome> {
  const remaining = await leaseRemainingMs(deps.db, serviceId, userId);
  const [situation] = await readSituations(deps.db, serviceId, [userId]);
  if (situation === undefined) return { outcome: 'stopped', reason: 'there is no such account', did: [] };
  // Whoever holds it goes round again by itself; look soon, in case the holder died.
  return { outcome: 'later', waitMs: Math.min(remaining + 10, 500), reason: 'another worker is at it', did: [] };
}

/** The service, or why nothing can be done on it now. */
async function openService(
  deps: ActivityDependencies,
  name: string,
): Promise<EngineService | Exclude<ConvergeOutcome, { outcome: 'settled' }>> {
  const service = await engineServiceByName(deps.db, name);
  if (service === undefined) return { outcome: 'stopped', reason: 'there is no such service', did: [] };
  if (service.pausedReason !== null)
    return { outcome: 'stopped', reason: `the service is paused: ${service.pausedReason}`, did: [] };
  if (service.blockedMs > 0)
    return { outcome: 'later', waitMs: service.blockedMs, reason: 'the service asked to wait', did: [] };
  return service;
}

async function entryOf(deps: ActivityDependencies, service: EngineService) {
  // Its hook wants the calls; there is no far side to converge with.
  if (!hasManager(deps, service)) {
    return { outcome: 'stopped', reason: 'the service has no manager', did: [] } as const;
  }
  try {
    return deps.managers.get(service);
  } catch (error) {
    if (!isServiceError(error)) throw error;
    await serviceTrouble(deps, service, { verdict: judgeFailure(error, 0, 0) });
    return { outcome: 'stopped', reason: error.message, did: [] } as const;
  }
}

async function convergeRemoteGroup(deps: ActivityDependencies, input: GroupInput): Promise<ConvergeOutcome> {
  const service = await openService(deps, input.service);
  if ('outcome' in service) return service;
  const entry = await entryOf(deps, service);
  if ('outcome' in entry) return entry;
  const call = personCall(deps);
  const holder = groupWorkflowId(input.service, input.remoteGroupId);
  return convergeGroup(deps, { service, entry, call, holder }, input.remoteGroupId);
}

async function convergeRemoteGroups(deps: ActivityDependencies, input: GroupsInput): Promise<GroupsAnswer> {
  const service = await openService(deps, input.service);
  if ('outcome' in service) return { waitMs: service.outcome === 'later' ? service.waitMs : null, done: 0 };
  const entry = await entryOf(deps, service);
  if ('outcome' in entry) return { waitMs: null, done: 0 };
  const context = Context.current();
  const call = { lane: 'bulk', signal: context.cancellationSignal, timeoutMs: deps.callTimeoutMs } as const;
  const round = { service, entry, call, holder: groupsWorkflowId(service.name) };
  return convergeDueGroups(deps, round, {
    stop: context.cancellationSignal,
    heartbeat: () => context.heartbeat(),
    isPaused: ({ pausedReason }) => pausedReason !== null,
  });
}
