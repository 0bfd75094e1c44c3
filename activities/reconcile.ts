import { isServiceError } from '@muster/sdk';
import type { Page, RemoteAccount, RemoteGroup } from '@muster/sdk';
import type { FlowDependencies } from '../hooks/flow';
import { engineServiceById } from '../store/engine-services';
import type { EngineService } from '../store/engine-services';
import { FIRST_RUN } from '../store/first-run';
import { compareWithSeen, missingGroups, repairDifferences } from '../store/reconcile-compare';
import { endReconciliation, readReconciliation, recordPage } from '../store/reconciliations';
import type { Reconciliation, SeenThing } from '../store/reconciliations';
import { forgetRemoteGroup } from '../store/remote-groups';
import type { ActivityDependencies } from './dependencies';
import { wakeWaitingSync } from '../store/sync-comparison';
import { judgeFailure } from './failures';
import { callManager } from './manager-call';
import type { CallOptions } from './manager-call';
import type { ManagerEntry } from './managers';
import { serviceTrouble } from './service-trouble';
import { dealWithStrangers } from './strangers';

export interface ReconcileContext {
  readonly signal: AbortSignal;
  readonly heartbeat: () => void;
}

export interface ReconcileAnswer {
  /** null = it has ended; else come back after so many milliseconds. */
  readonly waitMs: number | null;
}

interface Listing {
  readonly service: EngineService;
  readonly entry: ManagerEntry;
  readonly call: CallOptions;
  readonly heartbeat: () => void;
}

/**
 * Reads what a service lists, page by page, and compares it with what Muster knows. Only a list that was read to its end
 * is compared: one that broke off says nothing about what is missing.
 */
export async function reconcileService(
  deps: ActivityDependencies & Pick<FlowDependencies, 'starter'>,
  id: string,
  context: ReconcileContext,
): Promise<ReconcileAnswer> {
  const run = await readReconciliation(deps.db, id);
  const service = run === undefined ? undefined : await engineServiceById(deps.db, run.serviceId);
  if (run === undefined || service === undefined || run.finishedAt !== null) return { waitMs: null };
  if (service.blockedMs > 0) return { waitMs: service.blockedMs };
  // It only reads: what it makes due waits for the first run like everything else.
  if (service.pausedReason !== null && service.pausedReason !== FIRST_RUN) {
    await breakOff(deps, id, `the service is paused: ${service.pausedReason}`);
    return { waitMs: null };
  }
  try {
    const entry = deps.managers.get(service);
    const call = { lane: 'bulk', signal: context.signal, timeoutMs: deps.callTimeoutMs } as const;
    await readAll(deps, run, { service, entry, call, heartbeat: context.heartbeat });
  } catch (error) {
    if (!isServiceError(error)) throw error;
    const verdict = judgeFailure(error, 0, deps.random());
    await serviceTrouble(deps, service, { verdict });
    if (error.kind === 'throttled') return { waitMs: error.retryAfterMs };
    await breakOff(deps, id, error.message);
    return { waitMs: null };
  }
  await compare(deps, run, service);
  // What was made due is sent now, not at the next tick.
  if (run.mode === 'repair') await deps.starter.sweepNow();
  return { waitMs: null };
}

/** What was listed so far says nothing. */
async function breakOff(deps: ActivityDependencies, id: string, error: string): Promise<void> {
  await endReconciliation(deps.db, id, { error, repaired: 0 });
  await wakeWaitingSync(deps.db, id);
}

async function readAll(deps: ActivityDependencies, run: Reconciliation, listing: Listing): Promise<void> {
  for (let at: Place | undefined = { phase: run.phase, cursor: run.cursor }; at !== undefined;) {
    listing.call.signal.throwIfAborted();
    at = await readPage(deps, { run, at }, listing);
    listing.heartbeat();
  }
}

interface Place {
  readonly phase: Reconciliation['phase'];
  readonly cursor: string | null;
}

/** Reads one page and answers where to go on; undefined = all has been read. */
async function readPage(
  deps: ActivityDependencies,
  { run, at }: { readonly run: Reconciliation; readonly at: Place },
  { entry, call, service }: Listing,
): Promise<Place | undefined> {
  if (at.phase === 'compare') return undefined;
  const { manager, abilities } = entry;
  const owner = `${deps.installId}:${service.id}`;
  const cursor = at.cursor ?? undefined;
  const isAccounts = at.phase === 'accounts';
  if (!isAccounts && !abilities.has('listGroups')) return undefined;
  const page: Page<RemoteAccount | RemoteGroup> | undefined = await callManager(entry, call, async (context) =>
    isAccounts ? manager.listAccounts?.(cursor, context) : manager.listGroups?.(cursor, context),
  );
  const after = isAccounts ? ('groups' as const) : ('compare' as const);
  const next: Place =
    page?.next === undefined ? { phase: after, cursor: null } : { phase: at.phase, cursor: page.next };
  const items = (page?.items ?? []).map((item) => seenThing(item, owner));
  await recordPage(deps.db, { id: run.id, kind: isAccounts ? 'account' : 'group', items, ...next });
  return next;
}

/** What is listed, in one form. Only what carries our own owner's mark is ours, whatever key it has. */
function seenThing(item: RemoteAccount & RemoteGroup, owner: string): SeenThing {
  const key = item.userId ?? item.key ?? null;
  return {
    remoteId: item.remoteId,
    name: item.name,
    key,
    ours: key !== null && item.owner === owner,
    email: item.email ?? null,
    enabled: item.enabled ?? null,
    groups: item.groups ?? null,
  };
}

/** Together: a comparison that is repeated after a crash must not list everything twice. */
async function compare(deps: ActivityDependencies, run: Reconciliation, service: EngineService): Promise<void> {
  await deps.db.transaction(async (client) => {
    await compareWithSeen(client, run.id);
    let repaired = 0;
    if (run.mode === 'repair') {
      repaired = await repairDifferences(client, run.id);
      for (const { serviceId, remoteId } of await missingGroups(client, run.id)) {
        await forgetRemoteGroup(client, serviceId, remoteId);
        repaired += 1;
      }
    }
    repaired += await dealWithStrangers(client, deps, { run, service });
    await endReconciliation(client, run.id, { error: null, repaired });
    await wakeWaitingSync(client, run.id);
  });
  deps.log.info({ event: 'reconcile.done', service: run.service, mode: run.mode });
}
