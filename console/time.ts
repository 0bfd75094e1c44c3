import { html } from './html';
import { FRAME } from './texts/frame';
import type { Html } from './html';

/** A moment in the reader's zone: without script in UTC. Takes what the API answers; nothing at all where there is none. */
export function time(moment: string | Date | null | undefined, otherwise: string = ''): Html {
  if (moment === null || moment === undefined) return html`${otherwise}`;
  const iso = new Date(moment).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} ${FRAME.utc}</time>`;
}
