import type { CreateOutcome } from '@muster/sdk';
import { lapseActivation, pendingLeft } from '../store/pending';
import { RoundEnds } from './round';
import type { Round } from './round';
import { tellLapsed } from './tell';

/** How long an account waits for its person where the connector names no time. */
const PENDING_MS = 7 * 24 * 3_600_000;

type ActionRequired = Extract<CreateOutcome, { outcome: 'action required' }>;

/**
 * The account comes to be when its person has done something. What they activated by themselves lapses when they do not do it in
 * time; where everybody is to have an account, it is asked for anew, with whatever link or key the service gives then.
 */
export async function waitForPerson(round: Round, asked: ActionRequired): Promise<never> {
  const { situation, deps } = round;
  const { instruction, remoteId = null, expiresInMs = PENDING_MS, checkAfterMs } = asked;
  const place = { serviceId: situation.serviceId, userId: situation.userId };
  const isNew = situation.status !== 'pending';
  const left = await pendingLeft(deps.db, place, { isNew, expiresInMs });
  if (left <= 0 && situation.begins === 'on request') {
    await round.commit(
      'let the activation lapse',
      { status: 'none', remoteId: null, instruction: null },
      async (client) => {
        await lapseActivation(client, place);
        await tellLapsed(client, round);
      },
    );
    throw new RoundEnds({ outcome: 'the activation has lapsed', attention: null, nextTryMs: null, reached: true });
  }
  const waitMs = left > 0 ? left : await pendingLeft(deps.db, place, { isNew: true, expiresInMs });
  await round.commit('create', { status: 'pending', remoteId, instruction });
  const nextTryMs = Math.max(1_000, Math.min(waitMs, checkAfterMs ?? waitMs));
  throw new RoundEnds({ outcome: 'a person must act', attention: 'action required', nextTryMs });
}
