import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { ensureSecretFile } from '../config/secret-file';
import { ADMIN } from './principal';
import type { Authenticator } from './authenticator';

const TOKEN_BYTES = 32;

/** The admin token of this home folder (`.muster`), made at the first start in `<home>/admin-token`, readable by its owner only. */
export function ensureAdminToken(home: string): string {
  return ensureSecretFile(join(home, 'admin-token'), () => `muster_${randomBytes(TOKEN_BYTES).toString('base64url')}`);
}

/** Takes the admin token as bearer token (RFC 6750). Compares hashes in constant time, so that nothing leaks about the token. */
export function adminTokenAuthenticator(token: string): Authenticator {
  const expected = sha256(token);
  return {
    authenticate: async (authorization) => {
      const given = /^Bearer +([\w~+/.=-]{1,512})$/i.exec(authorization ?? '')?.[1];
      if (given === undefined) return undefined;
      return timingSafeEqual(sha256(given), expected) ? ADMIN : undefined;
    },
  };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
