import { findLiveToken } from '../store/auth-tokens';
import { principalOf } from './principal';
import { LOCAL } from './providers/local';
import { effectiveAcl } from './roles';
import { bearerToken, hashToken } from './token-text';
import type { LiveToken } from '../store/auth-tokens';
import type { Queryable } from '../store/database';
import type { Principal } from './principal';

/** Finds out who calls. */
export interface Authenticator {
  /** The caller behind an Authorization header; undefined = not known. */
  authenticate(authorization: string | undefined): Promise<Principal | undefined>;
}

/** Takes the tokens of clients. One statement for each request: what was revoked or switched off counts at once. */
export function tokenAuthenticator(db: Queryable): Authenticator {
  return {
    authenticate: async (authorization) => {
      const given = bearerToken(authorization);
      const token = given === undefined ? undefined : await findLiveToken(db, hashToken(given));
      return token === undefined || token.purpose === 'action' ? undefined : callerOf(token);
    },
  };
}

/** Asks one after the other; the first that knows the caller decides. */
export function firstOf(...authenticators: readonly Authenticator[]): Authenticator {
  return {
    authenticate: async (authorization) => {
      for (const authenticator of authenticators) {
        const principal = await authenticator.authenticate(authorization);
        if (principal !== undefined) return principal;
      }
      return undefined;
    },
  };
}

/** The caller of a live token. */
export function callerOf(token: LiveToken): Principal {
  const { userId, username, externalId } = token;
  return principalOf({
    clientId: token.clientId,
    // A name of another provider must not read as one of ours, such as `client:admin`.
    clientName: token.provider === LOCAL ? token.clientName : `${token.provider}/${token.clientName}`,
    tokenId: token.id,
    person: userId === null ? undefined : { id: userId, username: username ?? '', externalId },
    acl: effectiveAcl({
      roles: token.clientRoles,
      acl: token.clientAcl,
      isPerson: userId !== null,
      roleAcls: token.roleAcls,
    }),
    tokenAcl: token.acl,
  });
}
