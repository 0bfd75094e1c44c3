import { proxyActivities, setHandler } from '@temporalio/workflow';
import type { Activities } from '../../../activities';
import { serviceTaskQueue } from '../../../domain/ids';
import { poke } from '../../../workflows/account';
import type { AccountResult } from '../../../workflows/account';
import type { AccountInput } from '../../../workflows/contracts';
import { CONVERGE_OPTIONS } from '../../../workflows/patterns/activity-options';

/** Negative control: the account loop without the look at the flag before it returns. A poke during the write is lost. */
export async function updateGroups(input: AccountInput): Promise<AccountResult> {
  const { convergeAccount } = proxyActivities<Activities>({
    ...CONVERGE_OPTIONS,
    taskQueue: serviceTaskQueue(input.service),
  });
  setHandler(poke, () => undefined);
  const outcome = await convergeAccount(input);
  return { outcome: outcome.outcome, did: [...outcome.did] };
}
