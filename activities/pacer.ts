import { setMaxListeners } from 'node:events';
import { Throttled, Unavailable } from '@muster/sdk';
import { BULK_AHEAD_MS, BULK_SHARE } from '../domain/pacing';
import type { GrantedPermit, Lane, Pace } from '../domain/pacing';
import type { ArrivalReport, Lease, LeaseRequest } from '../store/budgets';
import { Arrivals } from './arrivals';
import type { DatabaseClock, LocalClock } from './database-clock';
import { RunningCalls } from './running-calls';
import { WaitingCalls } from './waiting-calls';
import type { WaitingCall } from './waiting-calls';

/** The call slots of this process, as far as the pacer needs them. */
export interface CallSlots {
  free(): number;
  /** Takes one if one is free; the answer gives it back. */
  enter(): (() => void) | undefined;
}

export interface PacerOptions {
  /** Takes permits from the row that all processes share. */
  readonly lease: (request: LeaseRequest) => Promise<Lease>;
  readonly slots: CallSlots;
  readonly clock: LocalClock;
  readonly databaseClock: DatabaseClock;
  /** In [0, 1): spreads what processes ask. */
  readonly random: () => number;
}

/** The right to make one call now. */
export interface Permit {
  /** Call right before the call goes out: what was never sent goes back. */
  sent(): void;
  /** Call when its answer begins to arrive, or it has failed. Later calls of this do nothing. */
  answered(): void;
  /** The call was not made: its permit goes back. */
  unused(): void;
  /** Gives the call slot back, if the permit came with one. */
  leave(): void;
}

interface HeldPermit extends GrantedPermit {
  /** Leased behind what persons have reserved: what persons cannot take from bulk. */
  readonly isBulksOwn: boolean;
}

const NO_SLOT = (): void => undefined;

const LANES: readonly Lane[] = ['person', 'bulk'];
/** A lease holds permits for so long. */
const LEASE_MS = 100;
/** Asked for ahead, so that the next ones are there when the last is used. */
const PREFETCH_MS = 25;
/** What is further away is waited for without a call slot and without an activity: the row owns that wait. */
const NEAR_MS = 3_000;
/** Nobody waits longer than this in a queue that moves; leases of accounts live longer. */
const LONGEST_WAIT_MS = 20_000;
/** How long at most whoever is sent away stays away: what a chunk still comes back to. */
const LONGEST_AWAY_MS = 25_000;

/**
 * Spends the permits of one bucket in this process: each call at its moment, persons before bulk, bulk never starved.
 * A wait that is long ends as Throttled with the code `budget`, which is nobody's failure.
 */
export class Pacer {
  readonly #clock: DatabaseClock;
  readonly #waiting = new WaitingCalls<Permit>();
  #arrivals: Arrivals;
  #pace: Pace;
  #held: HeldPermit[] = [];
  #reports: ArrivalReport[] = [];
  readonly #running = new RunningCalls();
  #leasing = false;
  #askAt: Record<Lane, number> = { person: 0, bulk: 0 };
  #cancelTimer: () => void = () => undefined;

  constructor(
    private readonly options: PacerOptions,
    pace: Pace,
  ) {
    this.#clock = options.databaseClock;
    this.#pace = pace;
    this.#arrivals = new Arrivals(pace.settleMs - pace.latestMs);
  }

  /** The pace may change while calls wait; permits of the old one are given back. */
  get pace(): Pace {
    return this.#pace;
  }

  set pace(pace: Pace) {
    if (JSON.stringify(pace) === JSON.stringify(this.#pace)) return;
    this.#pace = pace;
    this.#arrivals = new Arrivals(pace.settleMs - pace.latestMs);
    this.dropPermits();
  }

  /** Gives back what is held: the service asked to wait, or the pace has changed. */
  dropPermits(): void {
    for (const permit of this.#held) this.#report(permit, 0);
    this.#held = [];
    this.#pump();
  }

  /**
   * Waits for the moment of one call, which then has a call slot (or has it already, and then goes before the others).
   * Throws Throttled or, when aborted, Unavailable.
   */
  acquire(
    lane: Lane,
    signal: AbortSignal,
    { hasSlot }: { readonly hasSlot: boolean } = { hasSlot: false },
  ): Promise<Permit> {
    return new Promise<Permit>((resolve, reject) => {
      const onAbort = (): void => {
        if (!this.#waiting.remove(call)) return;
        call.reject(new Unavailable('the call was cancelled before it was made', { code: 'cancelled' }));
      };
      const settled = <T>(settle: (value: T) => void) => {
        return (value: T): void => {
          signal.removeEventListener('abort', onAbort);
          settle(value);
        };
      };
      const sinceMs = this.options.clock.now();
      const call: WaitingCall<Permit> = { lane, sinceMs, hasSlot, resolve: settled(resolve), reject: settled(reject) };
      this.#waiting.add(call);
      // A chunk's signal is one for all of its accounts: that many listeners are meant.
      setMaxListeners(0, signal);
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
      this.#pump();
    });
  }

  /** How long until bulk may have a permit, if that is long. */
  get longWaitMs(): number {
    const waitMs = this.#askAt.bulk - this.options.clock.now();
    return waitMs > NEAR_MS ? waitMs : 0;
  }

  /** Call when a call slot has become free. */
  slotFreed(): void {
    this.#pump();
  }

  #pump(): void {
    this.#cancelTimer();
    this.#dropLate();
    this.#assign();
    this.#waiting.sendAwayOld(this.options.clock.now() - LONGEST_WAIT_MS, () => budgetWait(1_000));
    if (this.#waiting.count() === 0) return;
    // One look at the clock for both: what came due between two looks would neither be asked for nor waited for.
    const nowMs = this.options.clock.now();
    this.#leaseIfNeeded(nowMs);
    const wakeMs = this.#nextMoment(nowMs);
    // Timers count whole milliseconds; one that is early would only have to be set again.
    if (wakeMs !== undefined) this.#cancelTimer = this.options.clock.after(Math.ceil(wakeMs), () => this.#pump());
  }

  #nextMoment(localMs: number): number | undefined {
    const nowMs = this.#clock.earliest();
    const [next] = this.#held;
    const last = this.#held.at(-1);
    const moments: number[] = [];
    if (next !== undefined && next.atMs > nowMs) moments.push(next.atMs - nowMs);
    if (next !== undefined && next.atMs <= nowMs) moments.push(next.atMs + this.#pace.latestMs - nowMs);
    if (!this.#leasing) {
      const askMs =
        Math.min(...LANES.filter((lane) => this.#waiting.count(lane) > 0).map((lane) => this.#askAt[lane])) - localMs;
      if (Number.isFinite(askMs))
        moments.push(Math.max(askMs, last === undefined ? 0 : last.atMs - PREFETCH_MS - nowMs));
      if (this.#isBulkOwed) moments.push(this.#askAt.bulk - localMs);
    }
    const ahead = moments.filter((ms) => ms > 0);
    return ahead.length === 0 ? undefined : Math.min(...ahead);
  }

  #dropLate(): void {
    const nowMs = this.#clock.earliest();
    while (this.#held[0] !== undefined && this.#held[0].atMs + this.#pace.latestMs < nowMs) {
      this.#report(this.#held[0], 0);
      this.#held.shift();
    }
  }

  #assign(): void {
    const nowMs = this.#clock.earliest();
    if (this.#running.isServiceStanding(this.options.clock.now(), this.#pace.stallMs)) return;
    for (let next = this.#held[0]; next !== undefined && next.atMs <= nowMs; next = this.#held[0]) {
      const call = this.#waiting.next(next.isBulksOwn);
      const leave = call?.hasSlot === true ? NO_SLOT : call && this.options.slots.enter();
      if (call === undefined || leave === undefined) return;
      this.#held.shift();
      this.#running.begun(this.options.clock.now());
      this.#waiting.pass(call, this.#permit(next, leave));
    }
  }

  #permit(granted: GrantedPermit, leave: () => void): Permit {
    let sentMs: number | undefined;
    let open = true;
    const close = (atMs: number): void => {
      if (!open) return;
      open = false;
      this.#running.ended(this.options.clock.now());
      this.#report(granted, atMs);
    };
    const arrivals = this.#arrivals;
    return {
      sent: () => void (sentMs = this.#clock.latest()),
      answered: () => {
        if (sentMs === undefined) return close(0);
        const nowMs = this.#clock.latest();
        if (open) this.#running.learn(nowMs - sentMs);
        return close(arrivals.latest(sentMs, nowMs));
      },
      unused: () => close(0),
      leave,
    };
  }

  #report(granted: GrantedPermit, atMs: number): void {
    const { tokens, settleMs } = this.#pace;
    if (tokens > 0) this.#reports.push({ token: granted.token, believedMs: granted.atMs + settleMs, atMs });
  }

  #leaseIfNeeded(nowMs: number): void {
    const last = this.#held.at(-1);
    if (this.#leasing) return;
    if (this.#isBulkOwed && this.#askAt.bulk <= nowMs) return void this.#lease('bulk', 1);
    if (last !== undefined && last.atMs - this.#clock.earliest() > PREFETCH_MS) return;
    if (this.#waiting.count() <= this.#held.length) return;
    const persons = this.#waiting.count('person') - this.#held.length;
    if (persons > 0 && this.#askAt.person <= nowMs) void this.#lease('person', persons);
    else if (this.#waiting.count('bulk') > 0 && this.#askAt.bulk <= nowMs) void this.#lease('bulk', this.#bulkDemand());
  }

  /** Persons wait, and bulk has nothing of its own share in hand: it asks for that beside them. */
  get #isBulkOwed(): boolean {
    const both = LANES.every((lane) => this.#waiting.count(lane) > 0);
    return both && !this.#held.some((permit) => permit.isBulksOwn);
  }

  /** Only what can soon be used: a permit that is too old is lost. */
  #bulkDemand(): number {
    const waiting = this.#waiting.count();
    // Whose call ends within the lease frees its slot, and mostly comes back for another call.
    const ending = this.#running.count * (LEASE_MS / Math.max(5, this.#running.callMs));
    const inside = this.#waiting.withSlot;
    const soonFree = this.options.slots.free() + inside + Math.ceil(ending);
    const usable = Math.min(waiting + this.#running.count, soonFree) - this.#held.length;
    return Math.max(1, Math.min(usable, Math.floor(LEASE_MS / this.#pace.intervalMs)));
  }

  async #lease(lane: Lane, count: number): Promise<void> {
    this.#leasing = true;
    const pace = this.#pace;
    const reports = this.#reports;
    this.#reports = [];
    try {
      await this.#clock.known();
      const lease = await this.options.lease({ lane, count, pace, reports });
      this.#take(lane, lease, pace);
    } catch (error) {
      // Our own database is away: whoever waits hears of it, as from any other statement.
      this.#waiting.sendAway(() => error);
    } finally {
      this.#leasing = false;
    }
    this.#pump();
  }

  #take(lane: Lane, lease: Lease, pace: Pace): void {
    if (pace !== this.#pace) return;
    const isBulksOwn = lane === 'bulk' && (lease.permits[0]?.atMs ?? 0) > lease.nowMs + BULK_AHEAD_MS;
    const taken = lease.permits.map((permit) => ({ ...permit, isBulksOwn }));
    this.#held = [...this.#held, ...taken].sort((one, other) => one.atMs - other.atMs);
    // The row knows when exactly: whoever asks early is told, whoever is late loses.
    if (isBulksOwn) this.#askAt.bulk = this.options.clock.now() + this.#pace.intervalMs / BULK_SHARE / 2;
    if (taken.length > 0) return;
    this.#askAt[lane] = this.options.clock.now() + lease.waitMs + 2 + this.options.random() * 8;
    if (lease.waitMs <= NEAR_MS) return;
    const away = (place: number): Throttled => budgetWait(lease.waitMs + place * this.#pace.intervalMs);
    // Permits that are held are for those who wait: sent away too, they would leave them unused.
    this.#waiting.sendLaneAway(lane, away, this.#held.length);
  }
}

function budgetWait(ms: number): Throttled {
  const retryAfterMs = Math.ceil(Math.min(ms, LONGEST_AWAY_MS));
  return new Throttled('the budget of the service is used up for now', { code: 'budget', retryAfterMs });
}
