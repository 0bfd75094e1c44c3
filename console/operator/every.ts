import { setTimeout as delay } from 'node:timers/promises';
import type { Html } from '../html';

interface Drawn {
  readonly html: Html;
  /** Nothing will change any more. */
  readonly isLast: boolean;
}

/**
 * Draws a part again and again, and sends it when it differs: until it says that it is the last, or the reader goes away. What it
 * reads must be shared by all who look at it, so that an open page costs no query of its own.
 */
export async function* every(ms: number, signal: AbortSignal, draw: () => Promise<Drawn>): AsyncGenerator<Html, void> {
  let sent: string | undefined;
  while (!signal.aborted) {
    const drawn = await draw();
    if (drawn.html.text !== sent) {
      sent = drawn.html.text;
      yield drawn.html;
    }
    if (drawn.isLast) return;
    try {
      await delay(ms, undefined, { signal });
    } catch {
      // The reader has gone away: that is the end, not a fault.
      return;
    }
  }
}
