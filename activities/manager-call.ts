import { isServiceError, Unavailable } from '@muster/sdk';
import type { AnyServiceError, CallContext } from '@muster/sdk';
import type { ManagerEntry } from './managers';

/** Hard end of one call to an external system. The lease lives longer than this. */
export const CALL_TIMEOUT_MS = 15_000;

export interface CallOptions {
  readonly lane: 'person' | 'bulk';
  /** Cancellation of the activity, drain of the worker. */
  readonly signal: AbortSignal;
}

/**
 * Makes one call to the external system: waits for a slot, sets the deadline, and turns whatever is thrown into a typed
 * service error. This is the one place where errors of managers are translated.
 */
export async function callManager<T>(
  entry: ManagerEntry,
  options: CallOptions,
  call: (context: CallContext) => Promise<T>,
): Promise<T> {
  return entry.slots.run(options.lane, async () => {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
    try {
      return await withDeadline(call({ signal, timeoutMs: CALL_TIMEOUT_MS }), signal);
    } catch (error) {
      throw translate(entry, error);
    }
  });
}

/** A manager that does not look at its signal must not hold the slot for ever. */
async function withDeadline<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new Unavailable('the service did not answer in time', { code: 'timeout' }));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}

function translate(entry: ManagerEntry, error: unknown): AnyServiceError {
  if (isServiceError(error)) return error;
  const translated = entry.manager.translateError?.(error);
  if (translated !== undefined) return translated;
  // The text of an unknown error may hold anything: it stays in `cause`, for the redacted log only.
  return new Unavailable('the call to the service failed in an unexpected way', { cause: error, code: 'unexpected' });
}
