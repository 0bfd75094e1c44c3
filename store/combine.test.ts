import { Combiner } from './combine';

/** Work that can be held up, and that remembers its batches. */
function recorder(fail: (items: readonly number[]) => Error | undefined = () => undefined) {
  const batches: (readonly number[])[] = [];
  let release: (() => void)[] = [];
  let holding = false;
  const combiner = new Combiner<number, string>(async (items) => {
    batches.push(items);
    if (holding) await new Promise<void>((resolve) => release.push(resolve));
    const error = fail(items);
    if (error !== undefined) throw error;
    return items.map((item) => `did ${item}`);
  });
  return {
    batches,
    combiner,
    hold: () => void (holding = true),
    go: () => {
      holding = false;
      for (const resolve of release) resolve();
      release = [];
    },
  };
}

const refused = (): Error => Object.assign(new Error('no'), { code: '23505' });
const numbers = (count: number): number[] => Array.from({ length: count }, (_none, index) => index);

describe('a combiner', () => {
  test('does together what is asked for in the same turn, and answers each its own', async () => {
    const { combiner, batches } = recorder();

    const answers = await Promise.all(numbers(30).map((item) => combiner.ask(item)));

    expect(batches).toEqual([numbers(30)]);
    expect(answers[7]).toBe('did 7');
  });

  test('does at once what comes alone', async () => {
    const { combiner, batches } = recorder();

    expect(await combiner.ask(1)).toBe('did 1');
    expect(batches).toEqual([[1]]);
  });

  test('does what comes later although earlier work is held up', async () => {
    const { combiner, batches, hold, go } = recorder();
    hold();
    const first = combiner.ask(1);
    while (batches.length === 0) await new Promise((resolve) => setImmediate(resolve));
    go();
    const second = combiner.ask(2);

    expect(await second).toBe('did 2');
    expect(await first).toBe('did 1');
  });

  test('takes no more than 200 at a time and forgets none', async () => {
    const { combiner, batches } = recorder();

    const answers = await Promise.all(numbers(1_001).map((item) => combiner.ask(item)));

    expect(Math.max(...batches.map((batch) => batch.length))).toBe(200);
    expect(new Set(answers).size).toBe(1_001);
  });

  test('does the others although the database refuses one', async () => {
    const { combiner } = recorder((items) => (items.includes(3) ? refused() : undefined));

    const ends = await Promise.allSettled(numbers(6).map((item) => combiner.ask(item)));

    expect(ends.map((end) => end.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
  });

  test('does nothing twice when the connection broke: nobody knows what has happened', async () => {
    const { combiner, batches } = recorder(() => new Error('Connection terminated unexpectedly'));

    const ends = await Promise.allSettled(numbers(3).map((item) => combiner.ask(item)));

    expect(ends.map((end) => end.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(batches).toEqual([numbers(3)]);
  });
});
