import type { RateLimit } from './pacing';

/** A limit that was learned and not set. */
export interface LearnedLimit extends RateLimit {
  /** The service tells no limit: this is what it let through before it refused. */
  readonly guessed?: boolean | undefined;
}

/** What an answer said about a limit. */
export interface SeenLimit {
  readonly limit?: number | undefined;
  readonly windowMs?: number | undefined;
  readonly remaining?: number | undefined;
  readonly resetMs?: number | undefined;
  /** The reset as the service named it, if it named a moment: the same for every answer of one window. */
  readonly resetAtMs?: number | undefined;
}

/** Windows that services use. */
const USUAL_WINDOWS_MS = [
  1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 86_400_000,
];
/** Moments are told in whole seconds: so far apart two of them may be the same. */
const SAME_MS = 600;
/** So many windows in a row must be alike. */
const ALIKE = 3;
/** Of so many the shortest may be the window where a process has not called in each. */
const KEPT = 8;
const OFTEN = 2;
/** Whole seconds, and the `Date` of an answer that has whole seconds too, make a wait longer than the window by this. */
const COARSE_MS = 1_050;
/** A little more than a usual window is that window: clocks and whole seconds. */
const ROUNDING = 1.05;

/**
 * Finds a limit out from what the answers of a service say. Few tell how long their window is: it is as long as from one
 * reset to the next, and until that was seen at least as long as the longest wait for a reset.
 */
export class LimitLearner {
  #limit: number | undefined;
  #longestMs = 0;
  #resets: number[] = [];
  /** The resets are moments of the service's own. */
  #isExact = false;

  /** The limit as far as it is known; `nowMs` on any clock that only grows. */
  learn(seen: SeenLimit, nowMs: number): RateLimit | undefined {
    if (seen.limit === undefined || seen.limit < 1) return this.#known();
    if (seen.limit !== this.#limit) this.#forget(seen.limit);
    if (seen.windowMs !== undefined && seen.windowMs > 0) return { limit: seen.limit, windowMs: seen.windowMs };
    if (seen.resetMs !== undefined) this.#note(seen.resetAtMs ?? nowMs + seen.resetMs, seen.resetMs);
    this.#isExact = seen.resetAtMs !== undefined;
    return this.#known();
  }

  #forget(limit: number): void {
    this.#limit = limit;
    this.#longestMs = 0;
    this.#resets = [];
  }

  #note(resetAtMs: number, resetMs: number): void {
    this.#longestMs = Math.max(this.#longestMs, resetMs);
    const last = this.#resets.at(-1);
    if (last === undefined || resetAtMs > last + SAME_MS) this.#resets = [...this.#resets, resetAtMs].slice(-KEPT);
  }

  #known(): RateLimit | undefined {
    if (this.#limit === undefined || this.#longestMs <= 0) return undefined;
    return { limit: this.#limit, windowMs: this.#betweenResets() ?? atLeast(this.#longestMs) };
  }

  /** A bucket's reset moves with every call, a window's in steps that are all alike, or several of them where nobody called in between. */
  #betweenResets(): number | undefined {
    const steps = this.#resets.slice(1).map((at, place) => at - (this.#resets[place] ?? at));
    const window = this.#isExact ? shortestOf(steps) : alike(steps.slice(-ALIKE));
    // Nobody waits longer for a window than it is long: what moves by less is no window.
    return window !== undefined && this.#longestMs <= window + COARSE_MS ? window : undefined;
  }
}

function alike(steps: readonly number[]): number | undefined {
  const [first, ...others] = steps.map((step) => nearest(step));
  return others.length >= ALIKE - 1 && others.every((step) => step === first) ? first : undefined;
}

function shortestOf(steps: readonly number[]): number | undefined {
  const shortest = nearest(Math.min(...steps));
  if (shortest === undefined || steps.length < ALIKE) return undefined;
  const isMultiple = (step: number): boolean => Math.abs(step - Math.round(step / shortest) * shortest) < SAME_MS;
  const isOften = steps.filter((step) => nearest(step) === shortest).length >= OFTEN;
  return isOften && steps.every(isMultiple) ? shortest : undefined;
}

/** A guess that was too high is lowered to this part, one that held is raised by that. */
const LOWER = 0.8;
const RAISE = 1.25;
const SHORTEST_WINDOW_MS = 1_000;

export interface Refusal {
  /** Calls that went well since the service was last open. */
  readonly accepted: number;
  /** How long that was. */
  readonly elapsedMs: number;
  /** How long the service wants to be left alone. */
  readonly waitMs: number;
}

/** What to keep to after a service that tells no limit has refused a call: a little less than what it has let through. */
export function guessAfterRefusal(known: LearnedLimit | undefined, refusal: Refusal): LearnedLimit {
  if (known !== undefined) return { ...known, limit: Math.max(1, Math.floor(known.limit * LOWER)) };
  const windowMs = Math.max(SHORTEST_WINDOW_MS, Math.ceil(refusal.elapsedMs + refusal.waitMs));
  return { limit: Math.max(1, Math.floor(refusal.accepted * LOWER)), windowMs, guessed: true };
}

/** What to try after a guess has held for a while. */
export function raisedGuess(known: LearnedLimit): LearnedLimit {
  return { ...known, limit: Math.ceil(known.limit * RAISE) };
}

function atLeast(ms: number): number {
  return USUAL_WINDOWS_MS.find((window) => window * ROUNDING >= ms) ?? ms;
}

function nearest(ms: number): number | undefined {
  return USUAL_WINDOWS_MS.find((window) => Math.abs(window - ms) <= Math.min(SAME_MS, window / 2));
}
