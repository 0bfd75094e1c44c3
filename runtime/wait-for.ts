import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks again and again until the question is answered; undefined when the time is over.
 * `onWaiting` is called every five seconds with the seconds waited, so that a long step shows that it moves.
 */
export async function waitFor<Answer>(
  timeoutMs: number,
  ask: () => Promise<Answer | undefined>,
  pace: { readonly everyMs?: number; readonly onWaiting?: (waitedS: number) => void } = {},
): Promise<Answer | undefined> {
  const started = Date.now();
  let nextNoteMs = 5_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    const waitedMs = Date.now() - started;
    if (waitedMs >= timeoutMs) return undefined;
    if (waitedMs >= nextNoteMs) {
      nextNoteMs += 5_000;
      pace.onWaiting?.(Math.round(waitedMs / 1000));
    }
    await delay(pace.everyMs ?? 20);
  }
}
