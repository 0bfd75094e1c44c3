import { backoffMs } from '../../domain/backoff';
import { isServiceError, Rejected } from '../../sdk/errors';
import type { Json } from '../../sdk/external-accounts';
import {
  authorizationStarted,
  countAttempt,
  endAuthorization,
  readAuthorization,
} from '../../store/external-authorizations';
import type { AuthorizationEnd, AuthorizationRecord } from '../../store/external-authorizations';
import { dueRevocations } from '../../store/external-revocations';
import { callPlugin } from './call';
import { authorizationPurpose } from './context';
import type { ExternalContext } from './context';
import { onBehalfOf } from './linking';
import type { CurrentAuthorization } from './linking';
import { revokeOne } from './revoke';
import type { ExternalTypePool } from './type-pool';

/** What links accounts in one worker process. */
export interface ExternalDesk {
  readonly context: ExternalContext;
  readonly types: ExternalTypePool;
}

/** What comes next for an authorization; `changes` are for the engine. */
export type AuthorizationStep =
  | { readonly outcome: 'ended'; readonly changes: readonly number[] }
  | { readonly outcome: 'wait'; readonly waitMs: number };

/** Tries of the exchange: a code is good for ten minutes at most, and mostly for one exchange. */
const MOST_ATTEMPTS = 5;
const ENDED = { outcome: 'ended', changes: [] } as const;
/** The database's clock decides; looking a little late saves a second look. */
const LATE_MS = 50;

/**
 * Does what can be done for an authorization now; the row says how far it is. It may run twice: the plug-in is then asked
 * anew (starting), or the far side refuses a code that was used (answered).
 */
export async function stepAuthorization(
  desk: ExternalDesk,
  id: string,
  signal: AbortSignal,
): Promise<AuthorizationStep> {
  const row = await readAuthorization(desk.context.db, id);
  if (row === undefined) return ENDED;
  if (row.status === 'starting') return begin(desk, row, signal);
  if (row.status === 'answered') return complete(desk, row, signal);
  if (row.status !== 'pending') return ENDED;
  if (row.goodForMs > 0) return { outcome: 'wait', waitMs: Math.ceil(row.goodForMs) + LATE_MS };
  return end(desk, row, { status: 'expired', problem: 'the authorization was not completed in time' });
}

async function begin(desk: ExternalDesk, row: AuthorizationRecord, signal: AbortSignal): Promise<AuthorizationStep> {
  const { context, types } = desk;
  if (row.goodForMs <= 0 || row.sealedBody === null)
    return end(desk, row, { status: 'expired', problem: 'it could not be begun in time' });
  const body = JSON.parse(context.sealer.open(row.sealedBody, authorizationPurpose(row.id, 'body'))) as Json;
  const authorization: CurrentAuthorization = { id: row.id, inCallback: false, ended: false, changes: [] };
  try {
    const { resource } = await types.get(row.type);
    const start = await onBehalfOf(authorization, () =>
      callPlugin({ context, type: row.type, userId: row.userId, signal }, async (call) => {
        if (row.verb === 'post') return resource.post({ ...call, body });
        if (resource.put === undefined)
          throw new Rejected('this type cannot be changed: unlink it and link it anew', { code: 'not-supported' });
        return resource.put({ ...call, body });
      }),
    );
    const sealed = context.sealer.seal(JSON.stringify(start), authorizationPurpose(row.id, 'start'));
    await authorizationStarted(context.db, row.id, sealed);
  } catch (error) {
    return failed(desk, row, error);
  }
  const after = await readAuthorization(context.db, row.id);
  if (after?.status !== 'pending') return { outcome: 'ended', changes: authorization.changes };
  return { outcome: 'wait', waitMs: Math.max(0, Math.ceil(after.goodForMs)) + LATE_MS };
}

async function complete(desk: ExternalDesk, row: AuthorizationRecord, signal: AbortSignal): Promise<AuthorizationStep> {
  const { context, types } = desk;
  const authorization: CurrentAuthorization = { id: row.id, inCallback: true, ended: false, changes: [] };
  const attempts = await countAttempt(context.db, row.id);
  try {
    // Some far sides end all rights of a person with one revocation: an older one must not come after the new right.
    for (const old of await dueRevocations(context.db, { limit: 10, userId: row.userId, type: row.type }))
      await revokeOne(desk, old, signal);
    const { resource } = await types.get(row.type);
    const callback = resource.callbacks?.[row.callback ?? ''];
    if (callback === undefined)
      throw new Rejected('the plug-in has no such callback any more', { code: 'callback-missing' });
    const args = opened(context, row, 'args') as readonly Json[];
    const message = opened(context, row, 'message');
    await onBehalfOf(authorization, () =>
      callPlugin({ context, type: row.type, userId: row.userId, signal }, (call) => callback(call, ...args, message)),
    );
    // A callback that stored nothing is complete as well.
    if (!authorization.ended) await endAuthorization(context.db, row.id, { status: 'completed' });
    return { outcome: 'ended', changes: authorization.changes };
  } catch (error) {
    if (isWorthAnotherTry(error) && attempts < MOST_ATTEMPTS)
      return { outcome: 'wait', waitMs: waitAfter(error, attempts, context.random()) };
    const step = await failed(desk, row, error);
    return step.outcome === 'ended' ? { ...step, changes: authorization.changes } : step;
  }
}

function opened(context: ExternalContext, row: AuthorizationRecord, part: 'args' | 'message'): Json {
  const sealed = part === 'args' ? row.sealedArgs : row.sealedMessage;
  if (sealed === null) throw new Rejected('the authorization has ended meanwhile', { code: 'authorization-ended' });
  return JSON.parse(context.sealer.open(sealed, authorizationPurpose(row.id, part))) as Json;
}

function isWorthAnotherTry(error: unknown): boolean {
  return isServiceError(error) && (error.kind === 'unavailable' || error.kind === 'throttled');
}

function waitAfter(error: unknown, attempts: number, random: number): number {
  if (isServiceError(error) && error.kind === 'throttled') return Math.min(error.retryAfterMs, 60_000);
  return Math.min(backoffMs(attempts, random), 10_000);
}

async function failed(desk: ExternalDesk, row: AuthorizationRecord, error: unknown): Promise<AuthorizationStep> {
  const typed = isServiceError(error) ? error : undefined;
  const { log } = desk.context;
  log.warn({
    event: 'external.failed',
    type: row.type,
    user: row.userId,
    authorization: row.id,
    kind: typed?.kind ?? 'unexpected',
    code: typed?.code,
    reason: typed?.message ?? (error instanceof Error ? error.name : 'unknown'),
  });
  return end(desk, row, { status: 'failed', problem: typed?.message ?? 'it failed in an unexpected way' });
}

async function end(
  { context }: ExternalDesk,
  row: AuthorizationRecord,
  how: AuthorizationEnd,
): Promise<AuthorizationStep> {
  await endAuthorization(context.db, row.id, how);
  return ENDED;
}
