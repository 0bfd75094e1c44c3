import { createToken, findLiveToken, findRefreshToken, replaceRefreshToken } from '../store/auth-tokens';
import { readClient } from '../store/auth-clients';
import { StoreError } from '../store/errors';
import { requireGrantable, requireMayManage } from './client-rights';
import { AuthError } from './errors';
import { reportedClient } from './known-clients';
import { hashToken, newTokenText } from './token-text';
import type { ClientRecord } from '../store/auth-clients';
import type { TokenPurpose, TokenRecord } from '../store/auth-tokens';
import type { Identity } from './identity';
import type { Principal } from './principal';

/** What the caller wants of a new token. */
export interface TokenWishes {
  /** Default: the installation's. */
  readonly lifeS?: number | undefined;
  /** Less than the client may do; default all of it. */
  readonly acl?: readonly string[] | undefined;
  readonly title?: string | undefined;
  /** With it a login also gives a refresh token for this application. */
  readonly application?: string | undefined;
}

/** A new token, to be shown once. */
export interface IssuedToken {
  readonly token: string;
  readonly record: TokenRecord;
  readonly client: ClientRecord;
  readonly refreshToken?: string;
}

/** A session of a client that has just proved who it is. @throws StoreError too-many-sessions */
export async function issueSession(
  identity: Identity,
  client: ClientRecord,
  wishes: TokenWishes,
): Promise<IssuedToken> {
  const { application, acl = null } = wishes;
  const issuedBy = `client:${client.name}`;
  if (application === undefined) return issue(identity, { client, purpose: 'session', acl, wishes, issuedBy });
  const refreshToken = newTokenText();
  const hash = hashToken(refreshToken);
  const { id } = await replaceRefreshToken(identity.db, { clientId: client.id, application, hash, acl });
  const issued = await issue(identity, { client, purpose: 'session', acl, wishes, issuedBy, refreshId: id });
  return { ...issued, refreshToken };
}

/** A session by a refresh token. @throws AuthError wrong-credentials, StoreError too-many-sessions */
export async function refreshSession(
  identity: Identity,
  given: { readonly refreshToken: string; readonly application: string; readonly lifeS?: number | undefined },
): Promise<IssuedToken> {
  const refresh = await findRefreshToken(identity.db, hashToken(given.refreshToken));
  if (refresh === undefined || refresh.application !== given.application) {
    throw new AuthError('wrong-credentials', 'The refresh token is not valid for this application.');
  }
  const client = await readClient(identity.db, refresh.clientId);
  const { acl, id: refreshId } = refresh;
  const issuedBy = `refresh:${refresh.application}`;
  return issue(identity, { client, purpose: 'session', acl, wishes: given, issuedBy, refreshId });
}

/**
 * A further token of the caller's own client. Only an admin gets one when the provider cannot say that the client is still there.
 * @throws AuthError not-offered, not-grantable; StoreError conflict
 */
export async function issueForSelf(
  identity: Identity,
  principal: Principal,
  wishes: TokenWishes,
): Promise<IssuedToken> {
  if (principal.clientId === undefined) {
    throw new StoreError('conflict', 'The admin token belongs to no client: ask for a token of a named client.');
  }
  const client = await reportedClient(identity, await readClient(identity.db, principal.clientId), {
    required: !principal.may('auth.tokens.create'),
  });
  if (wishes.acl !== undefined) requireGrantable(principal, wishes.acl);
  // A token with fewer rights makes no token with more.
  const acl = wishes.acl ?? principal.tokenAcl;
  return issue(identity, { client, purpose: 'api', acl, wishes, issuedBy: principal.actor });
}

/** A token of another client, as an admin asks. @throws AuthError not-grantable */
export async function issueFor(
  identity: Identity,
  principal: Principal,
  asked: { readonly client: ClientRecord; readonly wishes: TokenWishes },
): Promise<IssuedToken> {
  const { client, wishes } = asked;
  const acl = wishes.acl ?? null;
  if (acl === null) await requireMayManage(identity.db, principal, client);
  else requireGrantable(principal, acl);
  return issue(identity, { client, purpose: 'api', acl, wishes, issuedBy: principal.actor });
}

/** A token for one purpose, to be sent to somebody; it opens no route. The permission says what for. */
export async function issueAction(
  identity: Pick<Identity, 'db' | 'settings'>,
  asked: { readonly client: ClientRecord; readonly permission: string; readonly lifeS: number },
): Promise<string> {
  const { client, permission, lifeS } = asked;
  const wishes = { lifeS };
  const issued = await issue(identity, {
    client,
    purpose: 'action',
    acl: [permission],
    wishes,
    issuedBy: 'system:mail',
  });
  return issued.token;
}

/** The client that a token for one purpose was made for. @throws AuthError wrong-credentials */
export async function redeemAction(
  identity: Identity,
  token: string,
  permissionOf: (clientId: string) => string,
): Promise<ClientRecord> {
  const live = await findLiveToken(identity.db, hashToken(token));
  const isRight = live?.purpose === 'action' && live.acl?.includes(permissionOf(live.clientId)) === true;
  if (live === undefined || !isRight)
    throw new AuthError('wrong-credentials', 'The link is not valid any more: ask for a new one.');
  return readClient(identity.db, live.clientId);
}

interface Issuing {
  readonly client: ClientRecord;
  readonly purpose: TokenPurpose;
  readonly acl: readonly string[] | null;
  readonly wishes: TokenWishes;
  readonly issuedBy: string;
  readonly refreshId?: string;
}

async function issue({ db, settings }: Pick<Identity, 'db' | 'settings'>, wanted: Issuing): Promise<IssuedToken> {
  const { client, purpose, acl, wishes, issuedBy, refreshId } = wanted;
  const token = newTokenText();
  const lifeS = wishes.lifeS ?? settings.tokenLifeS;
  const row = {
    clientId: client.id,
    hash: hashToken(token),
    purpose,
    acl,
    issuedBy,
    lifeS,
    title: wishes.title,
    refreshId,
  };
  return { token, record: await createToken(db, row, settings.maxSessions), client };
}
