import { budgetUse } from '../domain/budget-use';
import type { LimitUse } from '../domain/budget-use';
import { readBudgetStates, readSlotStates } from './budget-state';
import type { Queryable } from './database';
import { serviceFigures } from './figures';
import type { ServiceFigures } from './figures';
import { latestPlan } from './first-run';
import type { FirstPlan } from './first-run';
import { readGuardLefts } from './guard-left';
import type { GuardLefts } from './guard-left';
import { readOldestDue } from './oldest-due';
import type { OldestDue } from './oldest-due';
import { listServices, readService } from './services';
import type { ServiceRecord } from './services';
import type { SyncKind, SyncStatus } from './syncs';

/** A sync that has not ended. */
export interface OpenSync {
  readonly id: string;
  readonly kind: SyncKind;
  readonly dryRun: boolean;
  readonly status: SyncStatus;
  readonly total: number;
  readonly done: number;
}

/** Everything that says how a service stands at this moment. */
export interface ServiceStanding {
  readonly service: ServiceRecord;
  readonly figures: ServiceFigures;
  readonly oldestDue: OldestDue | undefined;
  readonly limits: readonly LimitUse[];
  /** Calls at the same time over all workers; undefined = no cap. */
  readonly slots: { readonly cap: number; readonly held: number } | undefined;
  readonly guard: GuardLefts;
  /** Only where the first run waits for a person; null = no plan was made yet. */
  readonly firstPlan: FirstPlan | null | undefined;
  /** Those that have not ended, the oldest first; at most 20. */
  readonly syncs: readonly OpenSync[];
}

/** More services than an installation has; the overview is no list to page through. */
const MOST_SERVICES = 1_000;
const MOST_SYNCS = 20;

/** What takes a pass over the accounts. */
export type CountedStanding = Pick<ServiceStanding, 'figures' | 'oldestDue'>;

/** How every service stands, by name. One pass over the accounts of all of them. */
export async function readStandings(db: Queryable): Promise<readonly ServiceStanding[]> {
  return standingsOf(db, await listServices(db, { limit: MOST_SERVICES }), {});
}

/**
 * How one service stands.
 * @param counted what was counted a moment ago, and is not to be counted again. Default: it is counted now
 * @throws StoreError not-found
 */
export async function readStanding(db: Queryable, name: string, counted?: CountedStanding): Promise<ServiceStanding> {
  const service = await readService(db, name);
  const [standing] = await standingsOf(db, [service], { only: service.id, counted });
  // Deleted at this moment: reading it again says so.
  if (standing === undefined) return readStanding(db, (await readService(db, name)).name);
  return standing;
}

interface Looking {
  /** Id of the one service that is looked at. */
  readonly only?: string;
  readonly counted?: CountedStanding | undefined;
}

async function standingsOf(
  db: Queryable,
  services: readonly ServiceRecord[],
  { only, counted }: Looking,
): Promise<readonly ServiceStanding[]> {
  const [figures, oldest, buckets, slots, syncs] = await Promise.all([
    counted === undefined ? serviceFigures(db, only) : [counted.figures],
    counted === undefined ? readOldestDue(db, only) : [counted.oldestDue].filter((one) => one !== undefined),
    readBudgetStates(db, only),
    readSlotStates(db, only),
    openSyncs(db, only),
  ]);
  const guards = await readGuardLefts(db, figures);
  const found = services.map(async (service): Promise<readonly ServiceStanding[]> => {
    const own = figures.find((one) => one.service === service.name);
    const guard = guards.get(service.name);
    if (own === undefined || guard === undefined) return [];
    const isOwn = (one: { readonly service: string }): boolean => one.service === service.name;
    const cap = service.budget.concurrency;
    return [
      {
        service,
        figures: own,
        oldestDue: oldest.find(isOwn),
        limits: budgetUse(service.budget, buckets.filter(isOwn)),
        slots: cap === undefined ? undefined : { cap, held: slots.find(isOwn)?.held ?? 0 },
        guard,
        firstPlan: service.firstRun === 'plan' ? ((await latestPlan(db, service.id)) ?? null) : undefined,
        syncs: syncs.filter(isOwn).slice(0, MOST_SYNCS),
      },
    ];
  });
  return (await Promise.all(found)).flat();
}

type ServiceSync = OpenSync & { readonly service: string };

async function openSyncs(db: Queryable, serviceId: string | undefined): Promise<readonly ServiceSync[]> {
  const found = await db.query<ServiceSync & { [key: string]: unknown }>(
    `select s.name as service, y.id, y.kind, y.dry_run as "dryRun", y.status, y.total,
       y.succeeded + y.unchanged + y.skipped + y.failed as done
     from syncs y join services s on s.id = y.service_id
     where y.finished_at is null and ($1::uuid is null or y.service_id = $1) order by y.id`,
    [serviceId ?? null],
  );
  return found.rows;
}
