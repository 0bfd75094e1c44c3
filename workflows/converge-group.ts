import {
  condition,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { serviceTaskQueue } from '../domain/ids';
import type { Activities } from '../activities';
import { poke } from './account';
import { SEARCH_ATTRIBUTES } from './contracts';
import type { ConvergeOutcome, GroupInput } from './contracts';
import { CONVERGE_OPTIONS } from './patterns/activity-options';

const LONGEST_WAIT_MS = 60_000;

/** One remote group: made, renamed, and where the service keeps members by group, its members. Moves as the account loop does. */
export async function convergeGroup(input: GroupInput): Promise<{ readonly outcome: ConvergeOutcome['outcome'] }> {
  const activities = proxyActivities<Activities>({ ...CONVERGE_OPTIONS, taskQueue: serviceTaskQueue(input.service) });
  let pokes = 0;
  let seen = 1;
  setHandler(poke, () => {
    pokes += 1;
  });
  for (;;) {
    seen = Math.max(seen, pokes);
    const outcome = await activities.convergeRemoteGroup(input);
    setCurrentDetails(outcome.outcome);
    if (outcome.outcome === 'later' && outcome.waitMs <= LONGEST_WAIT_MS) {
      await condition(() => pokes > seen, Math.max(1, outcome.waitMs));
      continue;
    }
    if (outcome.outcome === 'again' || pokes > seen) continue;
    upsertSearchAttributes({ [SEARCH_ATTRIBUTES.outcome]: [outcome.outcome] });
    return { outcome: outcome.outcome };
  }
}
