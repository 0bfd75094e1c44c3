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
}

export async function usageOf(fake: Fake, { limit, windowMs }: RateLimit): Promise<Usage> {
  const { accepted, rejected, firstMs, lastMs, mostInWindow, mostWritesOfOne } = await fake.summary(windowMs);
  return {
    accepted,
    refused: rejected,
    seconds: (lastMs - firstMs) / 1_000,
    percent: (100 * accepted) / ((limit * (lastMs - firstMs)) / windowMs),
    mostInWindow,
    mostWrites: mostWritesOfOne,
    firstMs,
    pauses: pausesOf(await fake.journal(), windowMs / limit),
  };
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
export function usageInWords({ percent, accepted, refused, seconds, pauses }: Usage): string {
  return `${short(percent)} % of the limit, ${refused} refused of ${accepted + refused} in ${short(seconds)} s, longest pauses: ${pauses}`;
}
