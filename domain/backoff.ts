/** Waiting times after failures. */

const FIRST_MS = 1_000;
const LONGEST_MS = 10 * 60_000;

/** Doubles from 1 s to 10 min. `random` in [0, 1) spreads the tries of many accounts over the second half of the span. */
export function backoffMs(failures: number, random: number): number {
  const span = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(20, Math.max(0, failures - 1)));
  return Math.round(span / 2 + (span / 2) * random);
}
