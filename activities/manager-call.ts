import { isServiceError, startDeadline, Throttled, Unavailable } from '@muster/sdk';
import type { AnyServiceError, CallContext } from '@muster/sdk';
import { closesService } from './failures';
import type { LinkedLookup, ManagerEntry } from './managers';
import type { PacedContext } from './service-budget';

export interface CallOptions {
  readonly lane: 'person' | 'bulk';
  /** Cancellation of the activity, drain of the worker. */
  readonly signal: AbortSignal;
  /** Bulk: an account that has made no call yet makes none after this. `signal` ends calls that run. */
  readonly stop?: AbortSignal;
  /** Hard end of one call to the external system, counted from when it has its slot. The lease lives longer than this. */
  readonly timeoutMs: number;
  /**
   * Runs when the call has its slot, right before it is made: the wait for a slot may have been long, and what was true
   * before it (a lease, the deadline of an intent) must be so again. What it throws goes to the caller as it is.
   */
  readonly before?: () => Promise<void>;
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
  return inBudget(entry, options, async (paced) => {
    refuseWhileClosed(entry);
    await options.before?.();
    const { timeoutMs } = options;
    const deadline = startDeadline(options.signal, timeoutMs);
    const { signal } = deadline;
    try {
      // Nothing was sent yet, so nothing may be sent: the worker is draining, or the sync was cancelled.
      if (signal.aborted) throw new Unavailable('the call was cancelled before it was made', { code: 'cancelled' });
      paced?.begin();
      const { linked } = entry;
      const lookup = linked === undefined ? {} : { linked: lookupWith(linked, signal) };
      return await withDeadline(call({ signal, timeoutMs, ...paced, ...lookup }), signal);
    } catch (error) {
      const translated = translate(entry, error);
      if (translated.kind === 'throttled' && closesService(translated)) {
        entry.slots.closeFor(translated.retryAfterMs);
        await entry.budget?.refused('', translated.retryAfterMs);
      }
      throw translated;
    } finally {
      deadline.clear();
    }
  });
}

function lookupWith(linked: LinkedLookup, signal: AbortSignal): NonNullable<CallContext['linked']> {
  return (userId, type) => linked({ userId, type }, signal);
}

/** With a call slot, and when the service's budget allows it. */
function inBudget<T>(
  { slots, budget }: ManagerEntry,
  { lane, signal }: CallOptions,
  work: (paced: PacedContext | undefined) => Promise<T>,
): Promise<T> {
  return budget === undefined ? slots.run(lane, () => work(undefined)) : budget.run({ lane, signal }, work);
}

/** Who waited for a slot while the service asked everybody to wait must not be the next to be refused. */
function refuseWhileClosed(entry: ManagerEntry): void {
  const { closedMs } = entry.slots;
  if (closedMs > 0) throw new Throttled('the service has asked to wait', { retryAfterMs: closedMs });
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
