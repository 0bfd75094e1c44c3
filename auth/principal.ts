import { accessOf } from './access';
import { notGrantable } from './grants';
import type { Caller } from './access';

/** Who calls the API, and what they may do. Routes see nothing else of the identity system. */
export interface Principal {
  /** Written to changes, operations and the audit trail: `client:admin`, or `user:<id>` for a person. */
  readonly actor: string;
  /** The person behind the call, when there is one. */
  readonly userId: string | undefined;
  /** undefined: the holder of the installation's admin token, or nobody. */
  readonly clientId: string | undefined;
  /** The token that was used; undefined as above. */
  readonly tokenId: string | undefined;
  /** What of the client's rights the token has; null = all of them. */
  readonly tokenAcl: readonly string[] | null;
  /** May this principal do what the permission names, e.g. `provisioning.services.mail.accounts.create`? */
  may(permission: string): boolean;
  /** Which of these access entries they may not hand on, because they do not hold them. */
  mayNotGrant(acl: readonly string[]): readonly string[];
  /** Does a `{user}` of a path (an id, `username:ada`, `external:42`, `me`) name the person behind the call? */
  isOneself(reference: string): boolean;
}

/** The holder of the admin token: may do everything. */
export const ADMIN: Principal = {
  actor: 'client:admin',
  userId: undefined,
  clientId: undefined,
  tokenId: undefined,
  tokenAcl: null,
  may: () => true,
  mayNotGrant: () => [],
  isOneself: () => false,
};

/** Nobody, on public routes: may do nothing. */
export const NOBODY: Principal = {
  ...ADMIN,
  actor: 'client:anonymous',
  may: () => false,
  mayNotGrant: (acl) => acl,
};

export interface PrincipalFacts {
  readonly clientId: string;
  readonly clientName: string;
  readonly tokenId: string;
  readonly person: { readonly id: string; readonly username: string; readonly externalId: string | null } | undefined;
  /** All that the client may do. */
  readonly acl: readonly string[];
  /** What of it the token may do; null = all. */
  readonly tokenAcl: readonly string[] | null;
}

/** The caller that a token stands for. */
export function principalOf(facts: PrincipalFacts): Principal {
  const { person, clientId, clientName, tokenId } = facts;
  const caller: Caller = { me: person?.id ?? clientId, session: tokenId };
  const lists = facts.tokenAcl === null ? [facts.acl] : [facts.acl, facts.tokenAcl];
  const checks = lists.map((acl) => accessOf(acl, caller));
  const names = new Set(
    person === undefined
      ? []
      : ['me', person.id, `username:${person.username.toLowerCase()}`, `external:${person.externalId ?? ''}`],
  );
  return {
    actor: person === undefined ? `client:${clientName}` : `user:${person.id}`,
    userId: person?.id,
    clientId,
    tokenId,
    tokenAcl: facts.tokenAcl,
    may: (permission) => checks.every((check) => check.allows(permission)),
    mayNotGrant: (acl) => [...new Set(lists.flatMap((list) => notGrantable({ acl: list, caller }, acl)))],
    isOneself: (reference) => names.has(spelled(reference)),
  };
}

/** Usernames and ids are the same in any case; the source's key is not. */
function spelled(reference: string): string {
  return reference.startsWith('external:') ? reference : reference.normalize('NFC').toLowerCase();
}
