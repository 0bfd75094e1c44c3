import { condition, proxyActivities, setHandler } from '@temporalio/workflow';
import { PLUGIN_TASK_QUEUE } from '../domain/ids';
import type { Activities } from '../activities';
import type { AuthorizeExternalInput, RefreshExternalInput, RevokeExternalInput } from './contracts';
import { poke } from './account';
import { EXTERNAL_OPTIONS } from './patterns/activity-options';

const OPTIONS = { ...EXTERNAL_OPTIONS, taskQueue: PLUGIN_TASK_QUEUE };

/**
 * One authorization. Its row says how far it is, so a lost signal costs nothing and a second start is the same start.
 *
 * starting (the plug-in is asked where to go) -> pending: waits for the redirect's poke or the end of its time
 *   -> answered: exchanges, waits and tries again while the other side is away -> ended
 *   -> out of time: expires -> ended
 */
export async function authorizeExternal(input: AuthorizeExternalInput): Promise<void> {
  const { stepAuthorization } = proxyActivities<Activities>(OPTIONS);
  let pokes = 0;
  setHandler(poke, () => {
    pokes += 1;
  });
  for (;;) {
    const seen = pokes;
    const step = await stepAuthorization(input);
    if (step.outcome === 'ended') return;
    await condition(() => pokes > seen, step.waitMs);
  }
}

/** One refresh for everybody who asks meanwhile. The credential stands in the database; this answers only how it went. */
export async function refreshExternal(input: RefreshExternalInput): Promise<void> {
  await proxyActivities<Activities>(OPTIONS).refreshCredential(input);
}

/** One try; what fails is due again later, and the sweep starts it then. */
export async function revokeExternal(input: RevokeExternalInput): Promise<void> {
  await proxyActivities<Activities>(OPTIONS).revokeCredential(input);
}
