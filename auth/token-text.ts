import { createHash, randomBytes } from 'node:crypto';

const TOKEN_BYTES = 32;

/** A new token: `muster_` and 256 random bits. Show it once; keep only its hash. */
export function newTokenText(): string {
  return `muster_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
}

/** What is kept of a token. A plain hash is enough: nobody can guess 256 bits. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** The token of an Authorization header (RFC 6750); undefined when there is none, or it is none. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +([\w~+/.=-]{1,512})$/i.exec(authorization ?? '')?.[1];
}
