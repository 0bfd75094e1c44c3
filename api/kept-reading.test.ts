import { KeptReading } from './kept-reading';

test('all who ask at the same time share one reading', async () => {
  let readings = 0;
  const kept = new KeptReading(async () => (readings += 1));

  const seen = await Promise.all([kept.latest(), kept.latest(), kept.latest()]);

  expect(seen).toEqual([1, 1, 1]);
});

test('while somebody asks it is read anew without them', async () => {
  let readings = 0;
  const kept = new KeptReading(async () => (readings += 1));
  const deadline = performance.now() + 30_000;

  while ((await kept.latest()) < 2 && performance.now() < deadline)
    await new Promise((resolve) => setImmediate(resolve));

  expect(await kept.latest()).toBeGreaterThanOrEqual(2);
});

test('what failed is not kept', async () => {
  let readings = 0;
  const kept = new KeptReading(async () => {
    readings += 1;
    if (readings === 1) throw new Error('the database is away');
    return readings;
  });

  await expect(kept.latest()).rejects.toThrow('away');

  expect(await kept.latest()).toBe(2);
});
