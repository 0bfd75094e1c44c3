import { Problem } from './problem';
import type { Request } from 'express';
import type { Authenticator } from '../auth/authenticator';
import type { Principal } from '../auth/principal';

/** Who sent the request. @throws Problem unauthenticated, with the header that RFC 6750 asks for */
export async function identify(authenticator: Authenticator, request: Request): Promise<Principal> {
  const principal = await authenticator.authenticate(request.headers.authorization);
  if (principal !== undefined) return principal;
  const given = request.headers.authorization !== undefined;
  throw new Problem('unauthenticated', given ? 'The token is not valid.' : 'This route needs a bearer token.', {
    headers: { 'WWW-Authenticate': `Bearer realm="muster"${given ? ', error="invalid_token"' : ''}` },
  });
}
