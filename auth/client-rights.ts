import { readRoles } from '../store/auth-roles';
import { StoreError } from '../store/errors';
import { AuthError } from './errors';
import { builtIn, effectiveAcl } from './roles';
import type { ClientRecord } from '../store/auth-clients';
import type { Queryable } from '../store/database';
import type { Principal } from './principal';

/** All that a client may do at the moment. */
export async function aclOfClient(
  db: Queryable,
  client: Pick<ClientRecord, 'roles' | 'acl' | 'userId'>,
): Promise<readonly string[]> {
  const own = await readRoles(db, client.roles);
  return effectiveAcl({
    roles: client.roles,
    acl: client.acl,
    isPerson: client.userId !== null,
    roleAcls: Object.fromEntries(own.map((role) => [role.name, role.acl])),
  });
}

/**
 * The access entries of roles that somebody names.
 * @throws StoreError not-acceptable-value naming every role that does not exist
 */
export async function aclOfRoles(db: Queryable, names: readonly string[]): Promise<readonly string[]> {
  const own = await readRoles(db, names);
  const missing = names.filter((name) => builtIn(name) === undefined && !own.some((role) => role.name === name));
  if (missing.length > 0) {
    throw new StoreError('not-acceptable-value', `There is no role ${missing[0] ?? ''}.`, {
      errors: missing.map((name) => ({ pointer: '/roles', detail: `there is no role ${name}` })),
    });
  }
  return [...names.flatMap((name) => builtIn(name)?.acl ?? []), ...own.flatMap((role) => role.acl)];
}

/** Nobody hands on what they do not hold. @throws AuthError not-grantable naming the entries */
export function requireGrantable(principal: Principal, acl: readonly string[]): void {
  const refused = principal.mayNotGrant(acl);
  if (refused.length === 0) return;
  throw new AuthError('not-grantable', 'You cannot hand on what you do not hold yourself.', {
    errors: refused.map((entry) => ({ detail: `you do not hold ${entry}` })),
  });
}

/**
 * Who manages a client could act as it (by a new password, a token), so they must hold all that it holds.
 * @throws AuthError not-grantable
 */
export async function requireMayManage(db: Queryable, principal: Principal, client: ClientRecord): Promise<void> {
  const refused = principal.mayNotGrant(await aclOfClient(db, client));
  if (refused.length === 0) return;
  throw new AuthError('not-grantable', 'This client may do more than you: you cannot manage it.', {
    errors: refused.map((entry) => ({ detail: `you do not hold ${entry}` })),
  });
}
