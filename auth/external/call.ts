import { isServiceError, Unavailable } from '../../sdk/errors';
import type { AnyServiceError } from '../../sdk/errors';
import type { ExternalCall } from '../../sdk/external-accounts';
import { boundedCall } from '../bounded-call';
import type { ExternalContext } from './context';

export interface CallLimits {
  readonly type: string;
  readonly userId: string;
  /** Cancellation of the activity, drain of the worker. */
  readonly signal: AbortSignal;
  readonly context: Pick<ExternalContext, 'callTimeoutMs' | 'callsPerType'>;
}

const waiting = new Map<string, number>();

/**
 * Calls a plug-in: with a deadline that holds even if it does not look at its signal, and with typed errors whatever it
 * throws. Texts of unknown errors may hold anything, so they are kept as `cause` only.
 * @throws Unavailable at once when too many calls of the type wait already
 */
export async function callPlugin<T>(limits: CallLimits, work: (call: ExternalCall) => Promise<T>): Promise<T> {
  const { type, context } = limits;
  const others = waiting.get(type) ?? 0;
  if (others >= context.callsPerType)
    throw new Unavailable('too many calls wait for the other side already', { code: 'too-many-calls' });
  waiting.set(type, others + 1);
  try {
    return await callWithin(limits, work);
  } finally {
    waiting.set(type, (waiting.get(type) ?? 1) - 1);
  }
}

async function callWithin<T>(
  { userId, signal: outer, context }: CallLimits,
  work: (call: ExternalCall) => Promise<T>,
): Promise<T> {
  const bounds = { signal: outer, timeoutMs: context.callTimeoutMs, whom: 'the other side' };
  try {
    return await boundedCall(bounds, (signal) => work({ userId, signal }));
  } catch (error) {
    throw translated(error);
  }
}

function translated(error: unknown): AnyServiceError {
  if (isServiceError(error)) return error;
  return new Unavailable('the plug-in failed in an unexpected way', { cause: error, code: 'unexpected' });
}
