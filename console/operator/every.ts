import { setTimeout as delay } from 'node:timers/promises';
import type { Html } from '../html';

interface Drawn {
  readonly html: Html;
  /** Nothing will change any more. */
  readonly isLast: boolean;
}

export interface Rhythm {
  readonly ms: number;
  readonly signal: AbortSignal;
  /** The page has just been drawn from newer figures than are shared at this moment: the first part waits its turn. */
  readonly isDrawn?: boolean;
}

/**
 * Draws a part again and again, and sends it when it differs: until it says that it is the last, or the reader goes away. What it
 * reads must be shared by all who look at it, so that an open page costs no query of its own.
 */
export async function* every(
  { ms, signal, isDrawn = false }: Rhythm,
  draw: () => Promise<Drawn>,
): AsyncGenerator<Html, void> {
  let sent: string | undefined;
  if (isDrawn) await pause(ms, signal);
  while (!signal.aborted) {
    const drawn = await draw();
    if (drawn.html.text !== sent) {
      sent = drawn.html.text;
      yield drawn.html;
    }
    if (drawn.isLast) return;
    await pause(ms, signal);
  }
}

/** Ends early when the reader goes away: that is the end, not a fault. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
