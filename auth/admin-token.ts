import { timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { ensureSecretFile } from '../config/secret-file';
import { ADMIN } from './principal';
import { bearerToken, hashToken, newTokenText } from './token-text';
import type { Authenticator } from './authenticator';

/** The admin token of this home folder (`.muster`), made at the first start in `<home>/admin-token`, readable by its owner only. */
export function ensureAdminToken(home: string): string {
  return ensureSecretFile(join(home, 'admin-token'), newTokenText);
}

/** Takes the admin token as bearer token (RFC 6750). Compares hashes in constant time, so that nothing leaks about the token. */
export function adminTokenAuthenticator(token: string): Authenticator {
  const expected = hashToken(token);
  return {
    authenticate: async (authorization) => {
      const given = bearerToken(authorization);
      if (given === undefined) return undefined;
      return timingSafeEqual(hashToken(given), expected) ? ADMIN : undefined;
    },
  };
}
