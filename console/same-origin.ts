import { timingSafeEqual } from 'node:crypto';
import { Problem } from '../api/problem';
import { REFUSED } from './texts/frame';
import type { Request } from 'express';

/**
 * A form must come from a page of ours. Browsers say where a request comes from (Sec-Fetch-Site, Origin), and no script can make
 * them lie; the token in the form is for those that say nothing.
 * @throws Problem forbidden
 */
export function requireSameOrigin(request: Pick<Request, 'headers' | 'host'>): void {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) {
    if (site === 'same-origin') return;
    throw foreign();
  }
  const { origin } = request.headers;
  if (origin !== undefined && hostOf(origin) !== request.host) throw foreign();
}

/** @throws Problem forbidden when the form has not the token of this browser */
export function requireFormToken(expected: string, given: string | null): void {
  const [left, right] = [Buffer.from(expected), Buffer.from(given ?? '')];
  if (left.length === right.length && timingSafeEqual(left, right)) return;
  throw foreign();
}

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : '';
}

function foreign(): Problem {
  return new Problem('forbidden', REFUSED.foreign);
}
