import {
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { bulkTaskQueue } from '../domain/ids';
import type { Activities } from '../activities';
import { poke } from './account';
import type { GroupsInput } from './contracts';
import { CHUNK_OPTIONS } from './patterns/activity-options';

/** A service that asks to wait longer than this is left to the sweep. */
const LONGEST_WAIT_MS = 60_000;

/**
 * The due remote groups of one service, all of them in one workflow.
 *
 * converging -> nothing is due, or what is due has a next try of its own: ends
 *            -> the service asks to wait, or another writer has a group: waits, or until it is poked, and looks again
 *            -> poked while it converged: looks once more
 */
export async function convergeGroups(input: GroupsInput): Promise<{ readonly done: number }> {
  const { convergeRemoteGroups } = proxyActivities<Activities>({
    ...CHUNK_OPTIONS,
    taskQueue: bulkTaskQueue(input.service),
  });
  let pokes = 0;
  let seen = 1;
  let total = 0;
  setHandler(poke, () => {
    pokes += 1;
  });
  for (;;) {
    seen = Math.max(seen, pokes);
    const { waitMs, done } = await convergeRemoteGroups(input);
    total += done;
    setCurrentDetails(`remote groups gone through: ${total}`);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof convergeGroups>(input);
    if (waitMs !== null && waitMs <= LONGEST_WAIT_MS) await condition(() => pokes > seen, Math.max(1, waitMs));
    else if (pokes <= seen) return { done: total };
  }
}
