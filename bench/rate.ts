import type { RateLimit } from '../domain/pacing';
import type { Fake, FakeCall } from '../test/fakes/throttling-service/fake';
import { short } from './section';

/** How a limit was used, as the service saw it. */
export interface Usage {
  readonly accepted: number;
  readonly refused: number;
  /** Between the first and the last call. */
  readonly seconds: number;
  /** Accepted calls / (limit x time between the first and the last call). */
  readonly percent: number;
  readonly mostInWindow: number;
  /** Of one account and one kind. */
  readonly mostWrites: number;
  readonly firstMs: number;
  /** The longest times without a call, in words. */
  readonly pauses: string;
  /** Seconds in which less than nine tenths of the limit were used, in words. */
  readonly slow: string;
}

export async function usageOf(fake: Fake, { limit, windowMs }: RateLimit): Promise<Usage> {
  const { accepted, rejected, firstMs, lastMs, mostInWindow, mostWritesOfOne } = await fake.summary(windowMs);
  const journal = await fake.journal();
  return {
    accepted,
    refused: rejected,
    seconds: (lastMs - firstMs) / 1_000,
    percent: (100 * accepted) / ((limit * (lastMs - firstMs)) / windowMs),
    mostInWindow,
    mostWrites: mostWritesOfOne,
    firstMs,
    pauses: pausesOf(journal, windowMs / limit),
    slow: slowSecondsOf(journal, (limit * 1_000) / windowMs),
  };
}

const SLOW = 0.9;

function slowSecondsOf(journal: readonly FakeCall[], perSecond: number): string {
  const firstMs = journal[0]?.atMs ?? 0;
  const counts: number[] = [];
  for (const { atMs, status } of journal) {
    const second = Math.floor((atMs - firstMs) / 1_000);
    counts[second] = (counts[second] ?? 0) + (status === 429 ? 0 : 1);
  }
  // The last second is rarely a whole one.
  const whole = Array.from(counts.slice(0, -1), (count) => count ?? 0);
  const slow = whole.flatMap((count, second) => (count < SLOW * perSecond ? [`${second}: ${count}`] : []));
  return slow.join(', ') || 'none';
}

const SHOWN_PAUSES = 4;

/** Where the service was not called although it might have been: five calls' time and more. */
function pausesOf(journal: readonly FakeCall[], intervalMs: number): string {
  const [first] = journal;
  const pauses = journal
    .flatMap(({ atMs }, index) => {
      const ms = (journal[index + 1]?.atMs ?? atMs) - atMs;
      return ms > 5 * intervalMs ? [{ afterS: (atMs - (first?.atMs ?? 0)) / 1_000, ms }] : [];
    })
    .toSorted((left, right) => right.ms - left.ms)
    .slice(0, SHOWN_PAUSES);
  return pauses.map(({ afterS, ms }) => `${ms.toFixed(0)} ms after ${afterS.toFixed(1)} s`).join(', ') || 'none';
}

/** One line for the terminal. */
export function usageInWords({ percent, accepted, refused, seconds, pauses, slow }: Usage): string {
  const calls = `${short(percent)} % of the limit, ${refused} refused of ${accepted + refused} in ${short(seconds)} s`;
  return `${calls}, longest pauses: ${pauses}; slow seconds: ${slow}`;
}
