import { budgetUse } from './budget-use';
import type { BucketState } from './budget-use';

const OPEN: BucketState = { bucket: '', learned: null, used: null, blockedMs: 0, nextInMs: 0 };

test('a service of which no limit is known has no budget', () => {
  expect(budgetUse({}, [OPEN])).toEqual([]);
});

test('of a limit that was set is told what is used and what is free', () => {
  const limits = [{ limit: 50, windowMs: 1_000 }];

  expect(budgetUse({ limits, leaveFree: 0.2 }, [{ ...OPEN, used: 15 }])).toEqual([
    { route: null, limit: 40, windowMs: 1_000, source: 'set', used: 15, free: 25, blockedMs: 0, nextInMs: 0 },
  ]);
});

test('before the first call all of it is free', () => {
  expect(budgetUse({ limits: [{ limit: 5, windowMs: 1_000 }] }, [])).toMatchObject([{ used: 0, free: 5 }]);
});

test('a learned limit says where it comes from, and one by intervals is not counted', () => {
  const learned = { limit: 5, windowMs: 300_000, guessed: true };

  expect(budgetUse({}, [{ ...OPEN, learned, blockedMs: 900, nextInMs: 1_200 }])).toEqual([
    {
      route: null,
      limit: 5,
      windowMs: 300_000,
      source: 'guessed',
      used: null,
      free: null,
      blockedMs: 900,
      nextInMs: 1_200,
    },
  ]);
});

test('of several limits the slowest is told, and routes have their own', () => {
  const limits = [
    { limit: 100, windowMs: 1_000 },
    { limit: 60, windowMs: 60_000 },
  ];
  const routes = { 'PATCH /users/{}': [{ limit: 5, windowMs: 10_000 }] };

  expect(budgetUse({ limits, routes }, [])).toMatchObject([
    { route: null, limit: 60 },
    { route: 'PATCH /users/{}', limit: 5 },
  ]);
});
