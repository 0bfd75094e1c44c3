import type { GroupRef } from '@muster/sdk';
import type { EngineService } from '../store/engine-services';
import { managedGroups } from '../store/remote-groups';
import type { ManagedGroup } from '../store/remote-groups';
import type { ActivityDependencies } from './dependencies';

/** The list of a large service is not read anew for each of its accounts; a second is nothing to a group's life. */
const FRESH_MS = 1_000;

interface Cached {
  readonly groups: ReadonlyMap<string, ManagedGroup>;
  readonly all: readonly GroupRef[];
  readonly readAt: number;
}

const caches = new WeakMap<object, Map<string, Cached>>();

/** The managed groups of a service, as managers take them. */
export interface ManagedGroupList {
  /** Every group that exists at the far side. */
  readonly all: readonly GroupRef[];
  /** The remote group, if it exists at the far side. */
  ref(id: string): GroupRef | undefined;
  /** The service refused this group: accounts go on without it. */
  rejected(id: string): boolean;
  /** The group failed and has its own next try: so many milliseconds from the reading on. */
  waitMs(id: string): number;
  /** Reads anew next time. */
  forget(): void;
}

/** Reads the list, or takes the one read within the last second if it knows every group that is asked for. */
export async function readManagedGroups(
  deps: ActivityDependencies,
  service: EngineService,
  needed: readonly string[],
): Promise<ManagedGroupList> {
  const perService = caches.get(deps.managers) ?? new Map<string, Cached>();
  caches.set(deps.managers, perService);
  const cached = perService.get(service.id);
  const usable =
    cached !== undefined &&
    performance.now() - cached.readAt < FRESH_MS &&
    needed.every((id) => refOf(cached.groups.get(id)) !== undefined);
  const { groups, all } = usable ? cached : await read(deps, service.id);
  if (!usable) perService.set(service.id, { groups, all, readAt: performance.now() });
  return {
    all,
    ref: (id) => refOf(groups.get(id)),
    waitMs: (id) => groups.get(id)?.waitMs ?? 0,
    rejected: (id) => groups.get(id)?.attention === 'rejected',
    forget: () => void perService.delete(service.id),
  };
}

async function read(deps: ActivityDependencies, serviceId: string): Promise<Pick<Cached, 'groups' | 'all'>> {
  const found = await managedGroups(deps.db, serviceId);
  return {
    groups: new Map(found.map((group) => [group.id, group])),
    all: found.flatMap((group) => refOf(group) ?? []),
  };
}

function refOf(group: ManagedGroup | undefined): GroupRef | undefined {
  if (group === undefined || group.remoteId === null) return undefined;
  return { remoteId: group.remoteId, name: group.remoteName ?? group.name };
}
