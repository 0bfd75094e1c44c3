/** A signal with an end of its own. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Forgets timer and listener: call it when the work is over, however it ended. */
  clear(): void;
}

/**
 * A signal that is aborted when `outer` is, or after `timeoutMs`. Not `AbortSignal.any` with `AbortSignal.timeout`: Node 20
 * lets the garbage collector take the timeout away while somebody still waits for it (nodejs/node issue 57736), and then nothing
 * ever ends.
 */
export function startDeadline(outer: AbortSignal, timeoutMs: number): Deadline {
  const controller = new AbortController();
  const onOuter = (): void => controller.abort(outer.reason);
  const timer = setTimeout(
    () => controller.abort(new DOMException('The time of the call is over.', 'TimeoutError')),
    Math.max(1, Math.ceil(timeoutMs)),
  );
  if (outer.aborted) onOuter();
  else outer.addEventListener('abort', onOuter, { once: true });
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      outer.removeEventListener('abort', onOuter);
    },
  };
}
