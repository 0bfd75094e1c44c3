import { Throttled } from '@muster/sdk';
import type { CallContext, ObservedLimits, RequestPermit } from '@muster/sdk';
import { LimitLearner, raisedGuess } from '../domain/limit-learning';
import type { LearnedLimit } from '../domain/limit-learning';
import { paceOf, reopenAfterMs } from '../domain/pacing';
import type { BudgetSettings, Lane, RateLimit } from '../domain/pacing';
import type { Lease, LeaseRequest, KnownBucket } from '../store/budgets';
import { BudgetLook } from './budget-look';
import type { DatabaseClock, LocalClock } from './database-clock';
import { LimitGuess } from './limit-guess';
import { Pacer } from './pacer';
import type { Permit } from './pacer';
import { SharedSlots } from './shared-slots';
import type { SlotStore } from './shared-slots';
import type { Slots } from './slots';

/** The bucket of every call; the others are routes. */
const WHOLE = '';

/** What a budget asks of the store, for one service. */
export interface BudgetStore {
  lease(bucket: string, request: LeaseRequest): Promise<Lease>;
  /** Closes a bucket for everybody. */
  close(bucket: string, ms: number): Promise<void>;
  learn(bucket: string, limit: RateLimit): Promise<void>;
  /** Replaces a guess that stands for so long already. */
  guess(bucket: string, limit: LearnedLimit, afterMs: number): Promise<void>;
  buckets(): Promise<readonly KnownBucket[]>;
  slots(cap: number): SlotStore;
}

export interface BudgetOptions {
  readonly store: BudgetStore;
  readonly clock: LocalClock;
  readonly databaseClock: DatabaseClock;
  readonly random: () => number;
  /** Hears of what goes wrong beside the calls: a limit that could not be written down. */
  readonly onTrouble: (error: unknown) => void;
}

/** What is known about a service when a call begins. */
export interface BudgetTerms {
  readonly settings: BudgetSettings;
  readonly slots: Slots;
}

/** The part of a call's context that keeps to the budget. */
export interface PacedContext extends Required<Pick<CallContext, 'permit' | 'observe'>> {
  /** Call right before the call is made: until then its permit can go back. */
  begin(): void;
}

const DEFAULT_WAIT_MS = 5_000;
/** Shorter windows are over before it is worth closing the bucket for their rest. */
const WORTH_CLOSING_MS = 2_000;
/** Refusals that come together are one. */
const ONE_REFUSAL_MS = 2_000;
/** A guess that was not refused for so long may have been too low. */
const RAISE_AFTER_MS = 20_000;

/**
 * The budget of one service in this process: a pacer per bucket, limits from the settings or else from the service's own
 * answers, and the cap on parallel calls. A service that nobody has set limits for, and that tells none, is not slowed down.
 */
export class ServiceBudget {
  readonly #pacers = new Map<string, Pacer>();
  readonly #learners = new Map<string, LimitLearner>();
  /** What this process makes of the answers, and what holds for all. */
  readonly #estimates = new Map<string, RateLimit>();
  readonly #learned = new Map<string, LearnedLimit>();
  readonly #closedUntilMs = new Map<string, number>();
  #terms: BudgetTerms;
  #teacher: string | undefined;
  #shared: { readonly cap: number; readonly slots: SharedSlots } | undefined;
  readonly #look: BudgetLook;
  readonly #guesses: LimitGuess;

  constructor(
    private readonly options: BudgetOptions,
    terms: BudgetTerms,
  ) {
    this.#terms = terms;
    this.#guesses = new LimitGuess(options.clock);
    this.#look = new BudgetLook({
      clock: options.clock,
      onTrouble: options.onTrouble,
      isPaced: () => this.#pacer(WHOLE) !== undefined,
      read: () => this.#readBuckets(),
    });
  }

  /** The settings or the process's slots may be others than at the last call. */
  set terms(terms: BudgetTerms) {
    const same = terms.settings === this.#terms.settings && terms.slots === this.#terms.slots;
    this.#terms = terms;
    if (same) return;
    for (const bucket of this.#pacers.keys()) this.#apply(bucket);
  }

  /** Runs one call when the budget allows it: it has a call slot, and a permit for its first request. */
  async run<T>(
    call: { readonly lane: Lane; readonly signal: AbortSignal },
    work: (paced: PacedContext) => Promise<T>,
  ): Promise<T> {
    await this.#look.beforeCall();
    const { concurrency } = this.#terms.settings;
    const paced = (): Promise<T> => this.#paced(call, work);
    const result = await (concurrency === undefined ? paced() : this.#sharedSlots(concurrency).run(call.lane, paced));
    this.#guesses.accepted();
    return result;
  }

  /** How long bulk should stay away: longer than a call slot and an activity are worth holding; 0 = it may come. */
  get longWaitMs(): number {
    const closedMs = (this.#closedUntilMs.get(WHOLE) ?? 0) - this.options.clock.now();
    return Math.max(0, closedMs, this.#pacers.get(WHOLE)?.longWaitMs ?? 0);
  }

  /** The service has refused a call: nobody calls before the time that it named, and not all at once then. */
  async refused(bucket: string, waitMs: number): Promise<void> {
    await this.#close(bucket, waitMs);
    if (bucket === WHOLE) await this.#guess(waitMs);
  }

  async #close(bucket: string, waitMs: number): Promise<void> {
    const ms = reopenAfterMs(waitMs, this.options.random());
    this.#closeHere(bucket, ms);
    await this.options.store.close(bucket, ms);
  }

  /** A service that only refuses is kept to what it let through, so that it need not refuse again and again. */
  async #guess(waitMs: number): Promise<void> {
    const known = this.#learned.get(WHOLE);
    if (this.#terms.settings.limits !== undefined || (known !== undefined && known.guessed !== true)) return;
    const guess = this.#guesses.refused(known, waitMs);
    if (guess === undefined) return;
    await this.options.store.guess(WHOLE, guess, ONE_REFUSAL_MS);
    await this.#readBuckets();
  }

  async #paced<T>(
    call: { readonly lane: Lane; readonly signal: AbortSignal },
    work: (paced: PacedContext) => Promise<T>,
  ): Promise<T> {
    const pacer = this.#pacer(WHOLE);
    if (pacer === undefined) return this.#terms.slots.run(call.lane, () => work(this.#context(call, undefined)));
    const first = await pacer.acquire(call.lane, call.signal);
    try {
      return await work(this.#context(call, first));
    } finally {
      // Where the call has begun and nobody said when the answer came, it was there by now.
      first.answered();
      first.leave();
      for (const other of this.#pacers.values()) other.slotFreed();
    }
  }

  #context(call: { readonly lane: Lane; readonly signal: AbortSignal }, first: Permit | undefined): PacedContext {
    // The first request of a call uses the permit that the call began with.
    let prepaid = first;
    const take = async (bucket: string): Promise<Permit | undefined> => {
      this.#refuseWhileClosed(bucket);
      return this.#pacer(bucket)?.acquire(call.lane, call.signal, { hasSlot: true });
    };
    return {
      begin: () => first?.sent(),
      permit: async (route): Promise<RequestPermit> => {
        const whole = prepaid ?? (await take(WHOLE));
        prepaid = undefined;
        try {
          const special = await take(route);
          whole?.sent();
          return { answered: () => [whole, special].forEach((permit) => permit?.answered()) };
        } catch (error) {
          whole?.unused();
          throw error;
        }
      },
      observe: (seen) => void this.#observe(seen).catch(this.options.onTrouble),
    };
  }

  #refuseWhileClosed(bucket: string): void {
    const leftMs = (this.#closedUntilMs.get(bucket) ?? 0) - this.options.clock.now();
    if (leftMs > 0)
      throw new Throttled('the service has asked to wait', { retryAfterMs: leftMs, scope: 'route', code: 'budget' });
  }

  async #observe(seen: ObservedLimits): Promise<void> {
    const bucket = this.#bucketOf(seen);
    if (seen.refused) return this.refused(bucket, seen.retryAfterMs ?? seen.resetMs ?? DEFAULT_WAIT_MS);
    if (seen.limit === undefined) return undefined;
    await this.#learn(bucket, seen);
    const { remaining, resetMs = 0 } = seen;
    // The service counts more than we do: somebody else uses the same budget.
    if (remaining === 0 && resetMs > WORTH_CLOSING_MS) await this.#close(bucket, resetMs);
    return undefined;
  }

  /** Services rarely say what their limits are about: a route that tells another limit than the rest has its own. */
  #bucketOf({ scope, route, limit, refused }: ObservedLimits): string {
    if (scope === 'route') return route;
    if (scope === 'service' || refused || limit === undefined) return WHOLE;
    this.#teacher ??= route;
    return route === this.#teacher || limit === this.#estimates.get(WHOLE)?.limit ? WHOLE : route;
  }

  /** Written down only when this process thinks otherwise than before: what is written holds for all of them. */
  async #learn(bucket: string, seen: ObservedLimits): Promise<void> {
    const learner = this.#learners.get(bucket) ?? new LimitLearner();
    this.#learners.set(bucket, learner);
    const limit = learner.learn(seen, this.options.clock.now());
    if (limit === undefined || isSame(limit, this.#estimates.get(bucket))) return;
    this.#estimates.set(bucket, limit);
    if (isSame(limit, this.#learned.get(bucket))) return;
    this.#setLearned(bucket, limit);
    await this.options.store.learn(bucket, limit);
  }

  #setLearned(bucket: string, limit: RateLimit): void {
    this.#learned.set(bucket, limit);
    this.#apply(bucket);
  }

  /** The pace that holds now, also for calls that wait already. */
  #apply(bucket: string): void {
    const pacer = this.#pacers.get(bucket);
    const pace = this.#paceOf(bucket);
    if (pacer === undefined) return;
    if (pace === undefined) this.#pacers.delete(bucket);
    else pacer.pace = pace;
  }

  /** What others have learned, and what they have closed. */
  async #readBuckets(): Promise<void> {
    for (const { bucket, learned, blockedMs } of await this.options.store.buckets()) {
      if (learned !== null && !isSame(learned, this.#learned.get(bucket))) this.#setLearned(bucket, learned);
      if (blockedMs > 0) this.#closeHere(bucket, blockedMs);
    }
    const whole = this.#learned.get(WHOLE);
    if (whole?.guessed === true) await this.options.store.guess(WHOLE, raisedGuess(whole), RAISE_AFTER_MS);
  }

  #closeHere(bucket: string, ms: number): void {
    const untilMs = this.options.clock.now() + ms;
    this.#closedUntilMs.set(bucket, Math.max(untilMs, this.#closedUntilMs.get(bucket) ?? 0));
    this.#pacers.get(bucket)?.dropPermits();
  }

  #paceOf(bucket: string) {
    const { limits, routes, leaveFree } = this.#terms.settings;
    const set = bucket === WHOLE ? limits : routes?.[bucket];
    const learned = this.#learned.get(bucket);
    // What an operator has set holds, whatever the service says: services have been wrong about themselves.
    return paceOf(set ?? (learned === undefined ? [] : [learned]), leaveFree);
  }

  #pacer(bucket: string): Pacer | undefined {
    const known = this.#pacers.get(bucket);
    if (known !== undefined) return known;
    const pace = this.#paceOf(bucket);
    if (pace === undefined) return undefined;
    const { store, clock, databaseClock, random } = this.options;
    const pacer = new Pacer(
      {
        lease: (request) => store.lease(bucket, request),
        slots: { enter: () => this.#terms.slots.tryEnter(), free: () => this.#terms.slots.free },
        clock,
        databaseClock,
        random,
      },
      pace,
    );
    this.#pacers.set(bucket, pacer);
    return pacer;
  }

  #sharedSlots(cap: number): SharedSlots {
    if (this.#shared?.cap !== cap) {
      const slots = new SharedSlots(this.options.store.slots(cap), this.options.clock, this.options.random);
      this.#shared = { cap, slots };
    }
    return this.#shared.slots;
  }
}

function isSame(one: RateLimit, other: RateLimit | undefined): boolean {
  return one.limit === other?.limit && one.windowMs === other.windowMs;
}
