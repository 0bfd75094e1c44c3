import { dueGroupsOf, groupsInWork } from '../store/due';
import { engineServiceById } from '../store/engine-services';
import type { EngineService } from '../store/engine-services';
import { convergeGroup } from './converge-group';
import type { GroupRound } from './converge-group';
import type { ActivityDependencies } from './dependencies';

/** Groups that are read together; in between the service is looked at again. */
const PAGE = 100;
/** How long to wait before looking again at groups that another writer has. */
const LEASED_WAIT_MS = 200;

/** How the work goes on outside. */
export interface GroupsContext {
  /** No further group is begun after this. */
  readonly stop: AbortSignal;
  readonly heartbeat: () => void;
  /** Whether nothing is written there now. */
  readonly isPaused: (service: EngineService) => boolean;
}

export interface GroupsAnswer {
  /** null = nothing is due on any group, or it waits by itself; else come back after so many milliseconds. */
  readonly waitMs: number | null;
  /** Groups that were gone through. */
  readonly done: number;
}

/**
 * Brings every due remote group of a service up to date, as many at once as the service has slots. The round's holder must
 * be nobody else's: who holds a lease may take it again.
 */
export async function convergeDueGroups(
  deps: ActivityDependencies,
  round: GroupRound,
  context: GroupsContext,
): Promise<GroupsAnswer> {
  let done = 0;
  for (;;) {
    context.stop.throwIfAborted();
    const service = await engineServiceById(deps.db, round.service.id);
    if (service === undefined || context.isPaused(service)) return { waitMs: null, done };
    if (service.blockedMs > 0) return { waitMs: service.blockedMs, done };
    const due = await dueGroupsOf(deps.db, service.id, PAGE);
    if (due.length === 0) break;
    const queue = due.values();
    const lane = async (): Promise<void> => {
      for (const id of queue) {
        if (context.stop.aborted) return;
        await convergeGroup(deps, round, id);
        done += 1;
        context.heartbeat();
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: Math.min(round.entry.slots.size, due.length) }, lane));
    // What broke one (our own database is away) is thrown after the others were waited for: nobody works on unseen.
    const broken = lanes.find((end) => end.status === 'rejected');
    if (broken !== undefined) throw broken.reason;
  }
  return { waitMs: (await groupsInWork(deps.db, round.service.id)) ? LEASED_WAIT_MS : null, done };
}
