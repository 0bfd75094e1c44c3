import { guessAfterRefusal, LimitLearner, raisedGuess } from './limit-learning';
import type { SeenLimit } from './limit-learning';

/** What the learner makes of one answer every `everyMs` from a service with windows of that length. */
function learnFrom(windowMs: number, everyMs: number, tell: (resetMs: number) => SeenLimit): unknown {
  const learner = new LimitLearner();
  let known: unknown;
  for (let nowMs = 137; nowMs < windowMs * 6; nowMs += everyMs)
    known = learner.learn(tell(windowMs - (nowMs % windowMs)), nowMs);
  return known;
}

describe('learning a limit', () => {
  test('a window that is told is believed', () => {
    const learner = new LimitLearner();

    expect(learner.learn({ limit: 100, windowMs: 60_000 }, 0)).toEqual({ limit: 100, windowMs: 60_000 });
  });

  test.each([1_000, 10_000, 60_000, 3_600_000])('a window of %i ms is found from exact resets', (windowMs) => {
    expect(learnFrom(windowMs, windowMs / 40, (resetMs) => ({ limit: 50, resetMs }))).toEqual({ limit: 50, windowMs });
  });

  test('a window of a second is found from resets in whole seconds', () => {
    const tell = (resetMs: number) => ({ limit: 50, resetMs: Math.ceil(resetMs / 1_000) * 1_000 });

    expect(learnFrom(1_000, 20, tell)).toEqual({ limit: 50, windowMs: 1_000 });
  });

  test('a window is found from moments in whole seconds by a process that does not call in each of them', () => {
    const learner = new LimitLearner();
    const calls = [100, 1_400, 1_900, 2_300, 5_200, 6_700, 7_100];
    const last = calls.map((nowMs) => {
      const resetAtMs = Math.ceil((nowMs + 1) / 1_000) * 1_000;
      // By a `Date` header of whole seconds the wait looks up to a second longer.
      const resetMs = resetAtMs - Math.floor(nowMs / 1_000) * 1_000 + 1_000 * Number(nowMs > 5_000);
      return learner.learn({ limit: 50, resetMs, resetAtMs }, nowMs);
    });

    expect(last.at(-1)).toEqual({ limit: 50, windowMs: 1_000 });
  });

  test('a moment that moves with every call, as a bucket tells it, is no window', () => {
    const learner = new LimitLearner();
    let known: unknown;
    for (let nowMs = 0; nowMs < 30_000; nowMs += 500) {
      const resetAtMs = Math.ceil(nowMs / 1_000) * 1_000 + 40_000;
      known = learner.learn({ limit: 600, resetMs: resetAtMs - nowMs, resetAtMs }, nowMs);
    }

    expect(known).toEqual({ limit: 600, windowMs: 60_000 });
  });

  test('in the middle of a window it is taken for a usual one that is longer', () => {
    const learner = new LimitLearner();

    expect(learner.learn({ limit: 600, resetMs: 41_000 }, 0)).toEqual({ limit: 600, windowMs: 60_000 });
  });

  test('another limit is learned anew', () => {
    const learner = new LimitLearner();
    learner.learn({ limit: 600, resetMs: 3_000_000 }, 0);

    expect(learner.learn({ limit: 100, resetMs: 55_000 }, 10)).toEqual({ limit: 100, windowMs: 60_000 });
  });

  test('what tells no limit teaches nothing', () => {
    expect(new LimitLearner().learn({ remaining: 5, resetMs: 100 }, 0)).toBeUndefined();
    expect(new LimitLearner().learn({ limit: 0, resetMs: 100 }, 0)).toBeUndefined();
  });
});

describe('guessing a limit from refusals', () => {
  test('it is a little less than what was let through until the service opens again', () => {
    const guess = guessAfterRefusal(undefined, { accepted: 50, elapsedMs: 200, waitMs: 800 });

    expect(guess).toEqual({ limit: 40, windowMs: 1_000, guessed: true });
  });

  test('it is lowered when it was too high, never to nothing, and raised when it held', () => {
    const guess = { limit: 40, windowMs: 1_000, guessed: true };

    expect(guessAfterRefusal(guess, { accepted: 90, elapsedMs: 1, waitMs: 1 }).limit).toBe(32);
    expect(guessAfterRefusal({ ...guess, limit: 1 }, { accepted: 0, elapsedMs: 1, waitMs: 1 }).limit).toBe(1);
    expect(raisedGuess(guess)).toEqual({ limit: 50, windowMs: 1_000, guessed: true });
  });
});
