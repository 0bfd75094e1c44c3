import { setMaxListeners } from 'node:events';

/** Calls that run when a sync is stopped may still end by themselves. */
export const GRACE_MS = 3_000;

/** Runs work with a signal that is aborted `graceMs` after `stop`, unless the work is over by then. */
export async function withGrace<T>(
  stop: AbortSignal,
  graceMs: number,
  work: (hardEnd: AbortSignal) => Promise<T>,
): Promise<T> {
  const hardEnd = new AbortController();
  // One listener for each account of a batch: many are no leak.
  setMaxListeners(0, stop, hardEnd.signal);
  let timer: NodeJS.Timeout | undefined;
  const onStop = (): void => {
    timer = setTimeout(() => hardEnd.abort(stop.reason), graceMs);
  };
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });
  try {
    return await work(hardEnd.signal);
  } finally {
    stop.removeEventListener('abort', onStop);
    clearTimeout(timer);
  }
}
