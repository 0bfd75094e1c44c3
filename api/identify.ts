import { Problem } from './problem';
import type { Request, Response } from 'express';
import type { Authenticator } from '../auth/authenticator';
import type { Principal } from '../auth/principal';
import type { RequestRates } from '../auth/request-rates';

/** Who is let in, and how often. */
export interface Door {
  readonly authenticator: Authenticator;
  /** Absent: as often as they like. */
  readonly rates?: RequestRates;
}

/**
 * Who sent the request; noted in `response.locals` for the audit trail.
 * @throws Problem unauthenticated, with the header that RFC 6750 asks for; too-many-requests
 */
export async function identify(door: Door, request: Request, response: Response): Promise<Principal> {
  const principal = await door.authenticator.authenticate(request.headers.authorization);
  if (principal === undefined) {
    const given = request.headers.authorization !== undefined;
    throw new Problem('unauthenticated', given ? 'The token is not valid.' : 'This route needs a bearer token.', {
      headers: { 'WWW-Authenticate': `Bearer realm="muster"${given ? ', error="invalid_token"' : ''}` },
    });
  }
  response.locals['principal'] = principal;
  if (principal.clientId !== undefined) admit(await door.rates?.takeForClient(principal.clientId));
  return principal;
}

/** @throws Problem too-many-requests when there are seconds to wait */
export function admit(waitS: number | undefined): void {
  if (waitS === undefined) return;
  throw new Problem('too-many-requests', `Too many requests: wait ${waitS} seconds.`, {
    headers: { 'Retry-After': String(waitS) },
  });
}
