import { backoffMs } from '../../domain/backoff';
import { isServiceError, Unavailable } from '../../sdk/errors';
import { notifyOperators } from '../../store/notify';
import { revocationDone, revocationLater, takeRevocation } from '../../store/external-revocations';
import type { RevocationRecord } from '../../store/external-revocations';
import type { ExternalDesk } from './authorize';
import { callPlugin } from './call';
import { openData } from './linking';

/** Beyond the deadline of a call: whoever takes a revocation has it for so long. */
const HOLD_MS = 60_000;
/** Credentials that could not be revoked for so long have mostly ended by themselves; operators are told. */
const GIVE_UP_MS = 7 * 24 * 3_600_000;

/**
 * Takes one right away at the other side, if it is due. What fails is due again later; the row owns the retry.
 * @throws Unavailable while it could not be done: whoever needs it done first waits
 */
export async function revokeOne(desk: ExternalDesk, id: string, signal: AbortSignal): Promise<void> {
  const { context, types } = desk;
  const revocation = await takeRevocation(context.db, { id, holdMs: HOLD_MS });
  if (revocation === undefined) return;
  try {
    const { resource } = await types.get(revocation.type);
    const data = openData(context, revocation);
    const { userId, type } = revocation;
    await callPlugin({ context, type, userId, signal }, async (call) => resource.revoke?.(call, data));
  } catch (error) {
    // A refusal will not change: the credential is of no use any more.
    if (!isServiceError(error) || (error.kind !== 'rejected' && error.kind !== 'gone'))
      return retryLater(desk, revocation, error);
  }
  await revocationDone(context.db, id);
}

async function retryLater({ context }: ExternalDesk, revocation: RevocationRecord, error: unknown): Promise<void> {
  const { id, type, userId, attempts, ageMs } = revocation;
  const reason = isServiceError(error) ? error.message : 'it failed in an unexpected way';
  context.log.warn({ event: 'external.not-revoked', type, user: userId, attempts, reason });
  if (ageMs < GIVE_UP_MS) {
    await revocationLater(context.db, id, backoffMs(attempts, context.random()));
    throw new Unavailable('an older right could not be revoked yet', { cause: error, code: 'not-revoked' });
  }
  await notifyOperators(context.db, {
    level: 'warning',
    title: `A ${type} account could not be revoked`,
    text: `Person ${userId} has unlinked their ${type} account a week ago, and the other side could not be told: ${reason}. Revoke it there by hand.`,
    dedupeKey: `external-revocation/${id}`,
  });
  await revocationDone(context.db, id);
}
