import fc from 'fast-check';
import { guardFamily, guardLimit } from './guard';
import type { GuardKind } from './guard';

describe('how much a service may lose in a day', () => {
  test.each([
    [0, 10],
    [99, 10],
    [100, 10],
    [109, 10],
    [110, 11],
    [5_000, 500],
    [10_000, 1_000],
    [1_000_000, 1_000],
  ])('of %i accounts %i may go', (population, limit) => {
    expect(guardLimit({}, 'removal', population)).toBe(limit);
  });

  test('the limit is max(10, min(10 %, 1,000)) for every size', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000_000),
        fc.constantFrom<GuardKind[]>('removal', 'disable', 'group removal'),
        (population, kind) => {
          expect(guardLimit({}, kind, population)).toBe(Math.max(10, Math.min(Math.floor(population / 10), 1_000)));
        },
      ),
    );
  });

  test('a larger service never has a smaller limit', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(1_000_000), (one, more) => {
        expect(guardLimit({}, 'removal', one + more)).toBeGreaterThanOrEqual(guardLimit({}, 'removal', one));
      }),
    );
  });

  test('a service sets its own limits, kind by kind', () => {
    const settings = { removal: { minimum: 2, percent: 50 }, 'group removal': { maximum: 30 } } as const;

    expect(guardLimit(settings, 'removal', 3)).toBe(2);
    expect(guardLimit(settings, 'removal', 100)).toBe(50);
    expect(guardLimit(settings, 'disable', 3)).toBe(10);
    expect(guardLimit(settings, 'group removal', 100_000)).toBe(30);
  });

  test('removals and disables count together, group removals apart', () => {
    expect(guardFamily('removal')).toEqual(guardFamily('disable'));
    expect(guardFamily('group removal')).toEqual(['group removal']);
  });
});
