import { z } from 'zod';
import { AuthError } from '../../auth/errors';
import { TOKEN_LIFE_S } from '../../auth/identity';
import { login } from '../../auth/login';
import { callerOf } from '../../auth/authenticator';
import { hashToken } from '../../auth/token-text';
import { refreshSession } from '../../auth/tokens';
import type { Principal } from '../../auth/principal';
import { effectiveAcl } from '../../auth/roles';
import { findLiveToken, revokeToken } from '../../store/auth-tokens';
import type { LiveToken } from '../../store/auth-tokens';
import { StoreError } from '../../store/errors';
import type { ApiContext } from '../context';
import { NO_SUCH_TOKEN, wireTime, WireError } from './wire';

const body = z.looseObject({
  backend: z.string().max(256).nullish(),
  expiration: z.number().int().min(TOKEN_LIFE_S.min).max(TOKEN_LIFE_S.max).default(7_200),
  access_type: z.enum(['online', 'offline']).default('online'),
  client_id: z.string().min(1).max(100).nullish(),
  refresh_token: z.string().min(1).max(512).nullish(),
});

export interface TokenRequest {
  readonly authorization: string | undefined;
  readonly body: unknown;
  readonly address: string;
  readonly userAgent: string;
}

/** `POST /token`: by name and password, or by a refresh token. Every wrong credential has the same answer. */
export async function createWireToken(context: ApiContext, request: TokenRequest): Promise<unknown> {
  const parsed = body.safeParse(request.body ?? {});
  if (!parsed.success) throw new WireError(400, 'Invalid request');
  const { expiration: lifeS, access_type: access, client_id: application, refresh_token: refreshToken } = parsed.data;
  const isOffline = access === 'offline';
  if (isOffline && (application === null || application === undefined))
    throw new WireError(400, '`client_id` is required when `access_type` is offline');
  if (isOffline && typeof refreshToken === 'string')
    throw new WireError(400, 'cannot use the `access_type` "offline" with a refresh token');
  const issued = await guarded(() =>
    typeof refreshToken === 'string'
      ? refreshSession(context.identity, { refreshToken, application: application ?? '', lifeS })
      : login(context.identity, {
          credentials: basicCredentials(request.authorization),
          address: request.address,
          wishes: { lifeS, ...(isOffline ? { application: application ?? '' } : {}) },
        }),
  );
  const live = await findLiveToken(context.db, hashToken(issued.token));
  if (live === undefined) throw new WireError(401, 'Authentication Failed');
  return shown(live, { token: issued.token, refreshToken: issued.refreshToken, request });
}

/** `GET /token/{token}`, with `scope`: what it is and may. */
export async function readWireToken(context: ApiContext, token: string, scope: string | undefined): Promise<unknown> {
  const live = await liveToken(context, token);
  if (scope !== undefined && !callerOf(live).may(scope)) throw new WireError(403, `Unauthorized for ${scope}`);
  return shown(live, { token });
}

/** `DELETE /token/{token}`: the same answer whether it was there or not. */
export async function deleteWireToken({ db }: ApiContext, token: string): Promise<unknown> {
  const live = await findLiveToken(db, hashToken(token));
  if (live !== undefined && live.purpose !== 'action') await revokeToken(db, live.id);
  return { data: { message: 'success' } };
}

/** `POST /token/{token}/scopes/check`. */
export async function checkWireScopes(context: ApiContext, token: string, given: unknown): Promise<unknown> {
  const parsed = z.object({ scopes: z.array(z.string().max(500)).max(1_000) }).safeParse(given);
  if (!parsed.success) throw new WireError(400, 'Invalid request');
  const caller = callerOf(await liveToken(context, token));
  return { scopes: Object.fromEntries(parsed.data.scopes.map((scope) => [scope, caller.may(scope)])) };
}

/** Who sent a request with `X-Auth-Token`. @throws WireError */
export async function wireCaller(context: ApiContext, token: string | undefined): Promise<Principal> {
  const live = token === undefined ? undefined : await findLiveToken(context.db, hashToken(token));
  if (live === undefined || live.purpose === 'action') throw new WireError(401, 'Unauthorized');
  return callerOf(live);
}

async function liveToken({ db }: ApiContext, token: string): Promise<LiveToken> {
  const live = await findLiveToken(db, hashToken(token));
  if (live === undefined || live.purpose === 'action') throw new WireError(404, NO_SUCH_TOKEN);
  return live;
}

function basicCredentials(authorization: string | undefined): { readonly username: string; readonly password: string } {
  const encoded = /^Basic +([\w+/=]{1,4000})$/i.exec(authorization ?? '')?.[1];
  const [, username, password] = /^([^:]*):(.*)$/s.exec(decoded(encoded ?? '')) ?? [];
  if (username === undefined || password === undefined || username === '' || password === '')
    throw new WireError(401, 'Authentication Failed');
  return { username, password };
}

/** UTF-8, and latin-1 for older clients, as wazo reads it. */
function decoded(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? bytes.toString('latin1') : text;
}

/** Refusals of the identity system in wazo's statuses. */
async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'too-many-sessions') throw new WireError(429, error.message);
    if (!(error instanceof AuthError)) throw error;
    const wait = error.retryAfterS === undefined ? {} : { 'Retry-After': String(error.retryAfterS) };
    if (error.code === 'login-throttled') throw new WireError(429, error.message, wait);
    if (error.code === 'provider-unavailable') throw new WireError(503, error.message, wait);
    throw new WireError(401, 'Authentication Failed');
  }
}

interface Showing {
  readonly token: string;
  readonly refreshToken?: string | undefined;
  readonly request?: TokenRequest;
}

/** One tenant: the installation. Its id stands for it wherever wazo names one. */
const TENANT = '00000000-0000-4000-8000-000000000001';

function shown(live: LiveToken, { token, refreshToken, request }: Showing): unknown {
  const { clientId, userId, clientRoles: roles, clientAcl, roleAcls } = live;
  const acl = effectiveAcl({ roles, acl: clientAcl, isPerson: userId !== null, roleAcls });
  const uuid = userId ?? clientId;
  const [issued, expires] = [wireTime(live.createdAt), wireTime(live.expiresAt)];
  return {
    data: {
      token,
      ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
      session_uuid: live.id,
      auth_id: uuid,
      xivo_uuid: TENANT,
      pbx_user_uuid: userId,
      issued_at: issued,
      utc_issued_at: issued,
      expires_at: expires,
      utc_expires_at: expires,
      acl: live.acl ?? acl,
      metadata: {
        uuid,
        tenant_uuid: TENANT,
        auth_id: uuid,
        pbx_user_uuid: userId,
        xivo_uuid: TENANT,
        username: live.clientName,
      },
      user_agent: request?.userAgent ?? '',
      remote_addr: request?.address ?? '',
    },
  };
}
