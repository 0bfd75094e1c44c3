import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startDeadline } from './deadline';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const aborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason), { once: true }));

describe('a deadline', () => {
  test('ends the work although garbage was collected meanwhile', async () => {
    const ended = aborted(startDeadline(new AbortController().signal, 50).signal);
    collectGarbage();

    expect(await ended).toMatchObject({ name: 'TimeoutError' });
  });

  test('ends with the outer signal and its reason', async () => {
    const outer = new AbortController();
    const first = startDeadline(outer.signal, 60_000);
    const ended = aborted(first.signal);

    outer.abort('drained');

    expect(await ended).toBe('drained');
    const late = startDeadline(outer.signal, 60_000);
    expect(late.signal.aborted).toBe(true);
    for (const deadline of [first, late]) deadline.clear();
  });

  test('is forgotten when the work is over', () => {
    const outer = new AbortController();
    const deadline = startDeadline(outer.signal, 60_000);
    deadline.clear();

    outer.abort();

    expect(deadline.signal.aborted).toBe(false);
  });
});
