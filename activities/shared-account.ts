import type { ServiceHook } from '@muster/sdk';
import { formatName } from '../domain/names';
import { cancelTakings } from '../store/guard';
import { settleShare } from '../store/shared-accounts';
import type { SharedAccount } from '../store/shared-accounts';
import { performStep } from './account-steps';
import { RoundEnds } from './round';
import type { Round } from './round';
import { tellTaken } from './tell';

/** How long to wait for an account that somebody else is about to get. */
const LEAD_WAIT_MS = 5_000;
const HAND_OVER_WAIT_MS = 1_000;

/**
 * Where several people share one account, only the row of one of them (who leads) is written to the far side: one writer, as for
 * every account. The others end here: what concerns them makes the lead due. Who leads goes on as if the account were theirs.
 *
 * @throws RoundEnds for everybody but who leads, or has an account of their own
 */
export async function settlePart(
  round: Round,
  { hook, wanted }: { readonly hook: ServiceHook; readonly wanted: boolean },
): Promise<void> {
  const { situation, service, deps } = round;
  const { serviceId, userId, shares, keyId } = situation;
  const format = service.sharedBy ?? hook.sharedBy ?? '';
  if (format === '' && !shares && keyId === userId) return;
  const hasAccount = situation.remoteId !== null && situation.status !== 'removed';
  const value = sharedValue(round, format);
  const part = await settleShare(deps.db, { serviceId, userId, value, wanted, hasAccount });
  switch (part.role) {
    case 'alone':
      return;
    case 'leads':
      round.keyId = part.keyId;
      return;
    case 'waits':
      throw waiting('the shared account is about to change hands', HAND_OVER_WAIT_MS);
    case 'left':
      return letGo(round);
    case 'follows':
      return follow(round, part.shared);
  }
}

/** null: the account is the person's own. */
function sharedValue({ situation: { user } }: Round, format: string): string | null {
  const text = user === null ? '' : formatName(format, user);
  return text === '' ? null : text;
}

function waiting(outcome: string, nextTryMs: number): RoundEnds {
  return new RoundEnds({ outcome, attention: 'waiting', nextTryMs });
}

function reached(outcome: string): RoundEnds {
  return new RoundEnds({ outcome, attention: null, nextTryMs: null, reached: true });
}

/** Nothing is taken away over there: the account has others. */
async function letGo(round: Round): Promise<never> {
  await round.deps.db.transaction(async (client) => {
    await cancelTakings(client, round.situation, ['removal', 'disable', 'group removal']);
    await tellTaken(client, round, 'removed');
  });
  throw reached('others go on with the account');
}

async function follow(round: Round, { remoteId, remoteName, keyId }: SharedAccount): Promise<never> {
  if (remoteId === null) throw waiting('waiting for the account to be shared', LEAD_WAIT_MS);
  if (round.situation.passwordWanted && round.entry.abilities.has('setPassword')) {
    round.remoteId = remoteId;
    round.keyId = keyId;
    round.facts = { ...round.facts, ...(remoteName === null ? {} : { remoteName }) };
    await performStep(round, { step: 'set password' }, { name: undefined, nickname: undefined });
  }
  throw reached('shares the account of somebody else');
}
