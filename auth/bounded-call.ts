import { startDeadline } from '../sdk/deadline';
import { Unavailable } from '../sdk/errors';

export interface CallBounds {
  /** Cancellation of the activity, drain of the worker. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Who did not answer, e.g. `the other side`. */
  readonly whom: string;
}

/** Calls code of others with a deadline that holds even if it does not look at its signal. @throws Unavailable when it is over */
export async function boundedCall<T>(bounds: CallBounds, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadline = startDeadline(bounds.signal, bounds.timeoutMs);
  const { signal } = deadline;
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new Unavailable(`${bounds.whom} did not answer in time`, { code: 'timeout' }));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work(signal), aborted]);
  } finally {
    deadline.clear();
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
