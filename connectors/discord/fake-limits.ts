/**
 * Discord's limits as its page "Rate Limits" tells them: a bucket for each route and server, a global limit, a limit on a
 * resource that all bots share, and the count of invalid requests that ends in a ban of the address.
 */
export interface LimitSettings {
  /** Calls of one route in a window. */
  readonly perRoute: number;
  readonly routeWindowMs: number;
  /** Calls of any route in a second. Discord: 50. */
  readonly globalPerSecond: number;
  /** Answers of 401, 403 and 429 in ten minutes, before the address is banned. Discord: 10,000. */
  readonly maxInvalid: number;
}

export interface LimitAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Text is no JSON: what stands before the API answers. */
  readonly body: object | string;
}

const INVALID_WINDOW_MS = 10 * 60 * 1000;

interface Window {
  endsMs: number;
  used: number;
}

export class FakeLimits {
  readonly #windows = new Map<string, Window>();
  #invalid: number[] = [];
  #shared: { readonly route: string; readonly untilMs: number } | undefined;
  settings: LimitSettings;
  readonly #nowMs: () => number;

  constructor(settings: LimitSettings, nowMs: () => number) {
    this.settings = settings;
    this.#nowMs = nowMs;
  }

  /** How many invalid requests count against the address now. */
  get invalid(): number {
    this.#invalid = this.#invalid.filter((atMs) => atMs > this.#nowMs() - INVALID_WINDOW_MS);
    return this.#invalid.length;
  }

  /** From now on the resource behind this route is busy with what other bots do. */
  share(route: string, forMs: number): void {
    this.#shared = { route, untilMs: this.#nowMs() + forMs };
  }

  /** undefined = go on. */
  refuse(route: string): LimitAnswer | undefined {
    if (this.invalid >= this.settings.maxInvalid) return { status: 429, headers: {}, body: 'error code: 1015' };
    const global = this.#take('global', this.settings.globalPerSecond, 1000);
    if (global !== undefined) return this.#refusal({ waitMs: global, scope: 'global' });
    if (this.#shared !== undefined && this.#shared.route === route && this.#shared.untilMs > this.#nowMs()) {
      return this.#refusal({ waitMs: this.#shared.untilMs - this.#nowMs(), scope: 'shared', route });
    }
    const waitMs = this.#take(route, this.settings.perRoute, this.settings.routeWindowMs);
    return waitMs === undefined ? undefined : this.#refusal({ waitMs, scope: 'user', route });
  }

  note(status: number, scope: string | undefined): void {
    if (status === 401 || status === 403 || (status === 429 && scope !== 'shared')) this.#invalid.push(this.#nowMs());
  }

  /** What every answer tells of the bucket of its route. */
  headers(route: string): Readonly<Record<string, string>> {
    const { perRoute, routeWindowMs } = this.settings;
    const window = this.#windows.get(route) ?? { endsMs: this.#nowMs() + routeWindowMs, used: 0 };
    return {
      'x-ratelimit-limit': String(perRoute),
      'x-ratelimit-remaining': String(Math.max(0, perRoute - window.used)),
      'x-ratelimit-reset': (window.endsMs / 1000).toFixed(3),
      'x-ratelimit-reset-after': (Math.max(0, window.endsMs - this.#nowMs()) / 1000).toFixed(3),
      'x-ratelimit-bucket': Buffer.from(route).toString('hex').slice(0, 32),
    };
  }

  /** How long to wait, if nothing is left. */
  #take(name: string, limit: number, windowMs: number): number | undefined {
    const nowMs = this.#nowMs();
    const known = this.#windows.get(name);
    const window = known !== undefined && known.endsMs > nowMs ? known : { endsMs: nowMs + windowMs, used: 0 };
    this.#windows.set(name, window);
    if (window.used >= limit) return window.endsMs - nowMs;
    window.used += 1;
    return undefined;
  }

  #refusal({
    waitMs,
    scope,
    route,
  }: {
    readonly waitMs: number;
    readonly scope: string;
    readonly route?: string;
  }): LimitAnswer {
    const retryAfterS = waitMs / 1000;
    return {
      status: 429,
      headers: {
        ...(route === undefined ? { 'x-ratelimit-global': 'true' } : this.headers(route)),
        // Whole seconds, rounded up; the body has the fraction.
        'retry-after': String(Math.ceil(retryAfterS)),
        'x-ratelimit-scope': scope,
      },
      body: { message: 'You are being rate limited.', retry_after: retryAfterS, global: scope === 'global' },
    };
  }
}
