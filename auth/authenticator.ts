import type { Principal } from './principal';

/** Finds out who calls. The one place the identity system (a later issue) replaces: tokens, sessions, external accounts. */
export interface Authenticator {
  /** The caller behind an Authorization header; undefined = not known. */
  authenticate(authorization: string | undefined): Promise<Principal | undefined>;
}
