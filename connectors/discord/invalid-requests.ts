import { Throttled } from '@muster/sdk';

/**
 * docs.discord.com, "Rate Limits", "Invalid Request Limit": 10,000 answers of 401, 403 or 429 in ten minutes ban an
 * address. One worker process stops long before, so that several together stay below it too.
 */
const WINDOW_MS = 10 * 60 * 1000;
const MAX_INVALID = 1000;

/** Counts what Discord counts against us, and stops before it does. */
export class InvalidRequests {
  readonly #atMs: number[] = [];
  readonly #max: number;

  constructor(max = MAX_INVALID) {
    this.#max = max;
  }

  /** Throws Throttled while too many requests of the last ten minutes were invalid. */
  check(nowMs = Date.now()): void {
    while (this.#atMs[0] !== undefined && this.#atMs[0] <= nowMs - WINDOW_MS) this.#atMs.shift();
    const oldest = this.#atMs[0];
    if (oldest === undefined || this.#atMs.length < this.#max) return;
    throw new Throttled('Too many requests were refused; Discord would ban our address.', {
      retryAfterMs: oldest + WINDOW_MS - nowMs,
      code: 'invalid-requests',
    });
  }

  /** A 429 for what all bots share is not counted by Discord. */
  note(status: number, scope: string | null, nowMs = Date.now()): void {
    if (status === 401 || status === 403 || (status === 429 && scope !== 'shared')) this.#atMs.push(nowMs);
  }
}
