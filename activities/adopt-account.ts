import { isServiceError } from '@muster/sdk';
import type { WriteOutcome } from '@muster/sdk';
import { bumpGroupsOf } from '../store/group-members';
import { adopted, forgetAdoption } from '../store/orphans';
import { RoundEnds } from './round';
import type { Round } from './round';

/**
 * Puts our key on an account that carries none and was found to be this one's, by the rule that an operator has set. Set-like:
 * after a lost answer it is done again. What it looks like is unknown, so everything is written after it.
 */
export async function adoptAccount(round: Round): Promise<void> {
  const { situation, service, entry } = round;
  const { adopt } = situation;
  if (adopt === null) return;
  const { remoteId, name } = adopt;
  const key = { ...round.key, remoteId };
  const outcome = await claim(round, () =>
    round.ask(async (context) => entry.manager.adoptAccount?.({ remoteId, name, key }, context)),
  );
  if (outcome === undefined || outcome === 'gone') {
    await forgetAdoption(round.deps.db, situation);
    throw new RoundEnds({ outcome: 'the account could not be adopted', attention: null, nextTryMs: 0 });
  }
  round.passes('step:after adopt');
  const status = adopt.enabled === false ? 'disabled' : 'active';
  const facts = { status, remoteId, remoteName: name, appliedProfile: null, appliedGroups: null } as const;
  await round.commit('adopt', facts, async (client) => {
    await adopted(client, situation);
    if (service.membership === 'by group') await bumpGroupsOf(client, situation, round.call.lane);
  });
}

/** Who carries another key, or is not to be touched, is none of ours: undefined. */
async function claim(round: Round, work: () => Promise<WriteOutcome | undefined>): Promise<WriteOutcome | undefined> {
  try {
    return await work();
  } catch (error) {
    const isRefused = isServiceError(error) && (error.kind === 'conflict' || error.kind === 'rejected');
    if (!isRefused) throw error;
    const { service, situation } = round;
    round.deps.log.warn({
      event: 'account.not-adopted',
      service: service.name,
      user: situation.userId,
      code: error.code,
    });
    return undefined;
  }
}
