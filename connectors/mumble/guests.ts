import { randomBytes } from 'node:crypto';
import { Rejected } from '@muster/sdk';
import type { CallContext } from '@muster/sdk';
import { z } from 'zod';
import { InvalidUser } from './murmur';
import type { Murmur } from './murmur';
import { requireName, userNames } from './names';
import { USER_EMAIL, USER_NAME, USER_PASSWORD } from './wire';

const PREFIX = 'muster-guest:';
const CALL_MS = 15_000;
/** Longer than a timer may run is no temporary link. */
const LONGEST_MS = 7 * 24 * 3_600_000;

/** Who comes by a temporary link, and for how long. */
export const GuestWish = z.object({ name: z.string(), forMs: z.number().min(1).max(LONGEST_MS) });
/** What a guest logs in with; shown once. */
export const GuestLogin = z.object({ id: z.number(), username: z.string(), password: z.string() });
export type GuestLogin = z.infer<typeof GuestLogin>;

/** A registration that is a guest's carries its end in the place of our key. */
export function guestEnd(email: string): number | undefined {
  const end = Number(email.startsWith(PREFIX) ? email.slice(PREFIX.length) : Number.NaN);
  return Number.isFinite(end) ? end : undefined;
}

/**
 * People with a temporary link: registered under a name and a password of their own, kicked and forgotten when their time is over. The
 * process that let them in ends them on time; what it could not (it died) every listing makes good.
 */
export class Guests {
  readonly #murmur: Murmur;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(murmur: Murmur) {
    this.#murmur = murmur;
  }

  /** Throws Rejected for a name that is taken or cannot be one. */
  async letIn(wish: z.infer<typeof GuestWish>, call: CallContext): Promise<GuestLogin> {
    const username = requireName(userNames.clean(`[guest]${wish.name}`), userNames);
    if ((await this.#murmur.idOf(username, call)) !== undefined) {
      throw new Rejected('Somebody has this name already.', { code: 'name-taken' });
    }
    const password = randomBytes(9).toString('base64url');
    const info = new Map([
      [USER_NAME, username],
      [USER_EMAIL, `${PREFIX}${Date.now() + wish.forMs}`],
      [USER_PASSWORD, password],
    ]);
    const id = await this.#murmur.register(info, call);
    this.#endAfter(id, wish.forMs);
    return { id, username, password };
  }

  /** Those of these ids who are guests; `all` = also those who have time left. Answers how many. */
  async end(ids: readonly number[], all: boolean, call: CallContext): Promise<number> {
    let ended = 0;
    for (const id of ids) {
      const until = guestEnd((await this.#murmur.registration(id, call))?.get(USER_EMAIL) ?? '');
      if (until === undefined || (!all && until > Date.now())) continue;
      await this.#putOut(id, call);
      ended += 1;
    }
    return ended;
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #endAfter(id: number, forMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const call = { signal: AbortSignal.timeout(CALL_MS), timeoutMs: CALL_MS };
      // A server that is away now is asked again by the next listing.
      void this.end([id], false, call).catch(() => undefined);
    }, forMs + 1);
    timer.unref();
    this.#timers.add(timer);
  }

  async #putOut(id: number, call: CallContext): Promise<void> {
    // Before: who is unregistered goes on as somebody without a number.
    const sessions = [...(await this.#murmur.sessions(call))].filter(([, userid]) => userid === id);
    try {
      await this.#murmur.unregister(id, call);
    } catch (error) {
      if (!(error instanceof InvalidUser)) throw error;
    }
    for (const [session] of sessions) await this.#murmur.kick(session, 'Your time as a guest is over.', call);
  }
}
