import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { BudgetSettings } from '../domain/pacing';
import { closeBucket, databaseNow, guessLimit, learnLimit, leasePermits, readBuckets } from '../store/budgets';
import { freeSlots, renewSlots, takeSlots, wantSlots } from '../store/budget-slots';
import type { Queryable } from '../store/database';
import { blockService } from '../store/engine-services';
import { DatabaseClock, processClock } from './database-clock';
import { ServiceBudget } from './service-budget';
import type { BudgetStore, BudgetTerms } from './service-budget';
import type { SlotStore } from './shared-slots';

export interface BudgetsOptions {
  readonly db: Queryable;
  readonly log: Pick<Logger, 'warn'>;
  /** In [0, 1). */
  readonly random: () => number;
  /** Hard end of one call: whoever dies during one keeps its part of a cap on parallel calls for longer than that. */
  readonly callTimeoutMs: number;
}

/** The budgets of this worker process, one per service. What they know outlives a change of the service's settings. */
export class Budgets {
  readonly #budgets = new Map<string, ServiceBudget>();
  readonly #databaseClock: DatabaseClock;
  readonly #holder = randomUUID();

  constructor(private readonly options: BudgetsOptions) {
    this.#databaseClock = new DatabaseClock(processClock, () => databaseNow(options.db));
  }

  /** The budget of a service, held to what its settings say now. */
  of(service: { readonly id: string; readonly budget: BudgetSettings }, slots: BudgetTerms['slots']): ServiceBudget {
    const terms = { settings: service.budget, slots };
    const known = this.#budgets.get(service.id);
    if (known !== undefined) {
      known.terms = terms;
      return known;
    }
    const budget = this.#build(service.id, terms);
    this.#budgets.set(service.id, budget);
    return budget;
  }

  #build(serviceId: string, terms: BudgetTerms): ServiceBudget {
    const { random, log } = this.options;
    const onTrouble = (error: unknown): void =>
      log.warn({ event: 'budget.trouble', serviceId, reason: error instanceof Error ? error.message : String(error) });
    const store = this.#storeOf(serviceId);
    return new ServiceBudget(
      { store, clock: processClock, databaseClock: this.#databaseClock, random, onTrouble },
      terms,
    );
  }

  #storeOf(serviceId: string): BudgetStore {
    const { db } = this.options;
    return {
      lease: (bucket, request) => leasePermits(db, { serviceId, bucket }, request),
      // The whole service is closed where everybody looks, the engine too; a route is the budget's own matter.
      close: (bucket, ms) =>
        bucket === '' ? blockService(db, serviceId, ms) : closeBucket(db, { serviceId, bucket }, ms),
      learn: async (bucket, limit) => void (await learnLimit(db, { serviceId, bucket }, limit)),
      guess: async (bucket, limit, afterMs) => void (await guessLimit(db, { serviceId, bucket }, { limit, afterMs })),
      buckets: () => readBuckets(db, serviceId),
      slots: (cap) => this.#slotStore(serviceId, cap),
    };
  }

  #slotStore(serviceId: string, cap: number): SlotStore {
    const { db, callTimeoutMs } = this.options;
    const holder = this.#holder;
    const holdMs = 15_000 + 3 * callTimeoutMs;
    const slots = { serviceId, holder, cap, holdMs };
    return {
      cap,
      holdMs,
      take: async (count) => {
        const taken = await takeSlots(db, { ...slots, count });
        if (taken === 0) await wantSlots(db, slots);
        return taken;
      },
      renew: () => renewSlots(db, slots),
      free: (count, ifWanted) => freeSlots(db, { ...slots, count, ifWanted }),
    };
  }
}
