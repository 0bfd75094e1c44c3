import { createHash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Queryable } from '../store/database';

/** How many requests a minute are taken. */
export interface RequestLimits {
  readonly perClientAndMinute: number;
  readonly perAddressAndMinute: number;
}

/** Counts requests over all API processes. */
export interface RequestRates {
  /** Seconds to wait; undefined = go on. */
  takeForClient(clientId: string): Promise<number | undefined>;
  takeForAddress(address: string): Promise<number | undefined>;
}

const WINDOW_S = 60;
/** A process takes so many points from PostgreSQL at once, and hands them out itself: one write for so many requests. */
const BLOCK = 20;
/** Without PostgreSQL each process counts alone. */
const KEYS_AT_MOST = 50_000;

/** Limits that all processes share, on the table `request_rates`. */
export function createRequestRates(db: Queryable, limits: RequestLimits): RequestRates {
  const clients = limiterOf(db, 'client', limits.perClientAndMinute);
  const addresses = limiterOf(db, 'address', limits.perAddressAndMinute);
  return {
    takeForClient: (clientId) => clients.take(clientId),
    // A hash: the table needs no addresses.
    takeForAddress: (address) => addresses.take(createHash('sha256').update(address).digest('base64url')),
  };
}

function limiterOf(db: Queryable, keyPrefix: string, points: number): BlockLimiter {
  const limit = { points, duration: WINDOW_S, keyPrefix };
  const limiter = new RateLimiterPostgres({
    ...limit,
    storeClient: { query: ({ text, values }: { text: string; values: unknown[] }) => db.query(text, values) },
    storeType: 'client',
    tableName: 'request_rates',
    tableCreated: true,
    inMemoryBlockOnConsumed: points + 1,
    insuranceLimiter: new RateLimiterMemory(limit),
  });
  return new BlockLimiter(limiter, Math.max(1, Math.min(BLOCK, Math.floor(points / 20))));
}

interface Block {
  left: number;
  readonly until: number;
}

class BlockLimiter {
  readonly #blocks = new Map<string, Block>();
  readonly #fetching = new Map<string, Promise<number | undefined>>();

  constructor(
    private readonly limiter: RateLimiterPostgres,
    private readonly size: number,
  ) {}

  async take(key: string): Promise<number | undefined> {
    for (;;) {
      if (this.#takeHere(key)) return undefined;
      // Requests that come at once share one block instead of taking one each.
      const fetching = this.#fetching.get(key) ?? this.#fetch(key);
      const waitS = await fetching;
      if (waitS !== undefined) return waitS;
    }
  }

  #takeHere(key: string): boolean {
    const block = this.#blocks.get(key);
    if (block === undefined || block.left <= 0 || block.until <= Date.now()) return false;
    block.left -= 1;
    return true;
  }

  #fetch(key: string): Promise<number | undefined> {
    const fetching = this.#consume(key).finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, fetching);
    return fetching;
  }

  async #consume(key: string): Promise<number | undefined> {
    try {
      const { msBeforeNext } = await this.limiter.consume(key, this.size);
      if (this.#blocks.size >= KEYS_AT_MOST) this.#blocks.clear();
      this.#blocks.set(key, { left: this.size, until: Date.now() + Math.max(1, msBeforeNext) });
      return undefined;
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
      throw refusal;
    }
  }
}
