import { setMaxListeners } from 'node:events';
import type { ServerResponse } from 'node:http';

/**
 * Aborted when the reader goes away before they were sent everything, or when `draining` is. Not `AbortSignal.any`: Node 20 keeps
 * a note of every signal that was made so with the ones it was made from, and `draining` lives as long as the process.
 */
export function untilGone(response: ServerResponse, draining: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const gone = (): void => controller.abort();
  if (response.closed || draining.aborted) {
    gone();
    return controller.signal;
  }
  // As many wait for it as requests run.
  setMaxListeners(0, draining);
  draining.addEventListener('abort', gone, { once: true });
  response.once('close', () => {
    draining.removeEventListener('abort', gone);
    if (!response.writableEnded) gone();
  });
  return controller.signal;
}
