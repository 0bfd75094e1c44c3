import fc from 'fast-check';
import { backoffMs } from './backoff';

const TEN_MINUTES_MS = 600_000;

describe('waiting after failures', () => {
  test.each([
    [1, 500, 1_000],
    [2, 1_000, 2_000],
    [5, 8_000, 16_000],
    [11, 300_000, TEN_MINUTES_MS],
    [1_000_000, 300_000, TEN_MINUTES_MS],
  ])('after failure %i it is from %i to %i ms', (failures, least, most) => {
    expect(backoffMs(failures, 0)).toBe(least);
    expect(backoffMs(failures, 1)).toBe(most);
  });

  test('it stays between half a second and ten minutes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -5, max: 1e9 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, random) => {
          const wait = backoffMs(failures, random);

          expect(Number.isInteger(wait)).toBe(true);
          expect(wait).toBeGreaterThanOrEqual(500);
          expect(wait).toBeLessThanOrEqual(TEN_MINUTES_MS);
        },
      ),
    );
  });

  test('one more failure never means a shorter wait', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
        expect(backoffMs(failures + 1, random)).toBeGreaterThanOrEqual(backoffMs(failures, random));
      }),
    );
  });
});
