const MAX_WAIT_SECONDS = 60;

/** `Prefer: wait=N` (RFC 7240) in milliseconds, at most 60 s; undefined when absent or not understood (a preference is never an error). */
export function preferredWaitMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  for (const preference of header.split(',')) {
    const seconds = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(;.*)?$/i.exec(preference)?.[1];
    if (seconds !== undefined) return Math.min(Number(seconds), MAX_WAIT_SECONDS) * 1000;
  }
  return undefined;
}

/** What is answered so that the client knows the wait was heard. */
export function preferenceApplied(waitMs: number): Readonly<Record<string, string>> {
  return { 'Preference-Applied': `wait=${waitMs / 1000}` };
}
