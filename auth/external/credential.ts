import { setTimeout as delay } from 'node:timers/promises';
import { isServiceError, Rejected, Unavailable } from '../../sdk/errors';
import type { ExternalData } from '../../sdk/external-accounts';
import { findExternalAccount, settleRefresh, takeRefresh } from '../../store/external-accounts';
import type { ExternalAccountRecord, ExternalKey } from '../../store/external-accounts';
import { notifyUser } from '../../store/notify';
import type { ExternalDesk } from './authorize';
import { callPlugin } from './call';
import { openData, sealData } from './linking';

/** A credential that ends within this time is refreshed before it is given to anybody. */
export const REFRESH_BEFORE_MS = 30_000;

/** Beyond the deadline of a refresh's call. */
const LEASE_MARGIN_MS = 10_000;
const LOOK_AGAIN_MS = 100;

/**
 * A person's credential, refreshed when it is about to end: one refresh, however many ask in however many processes.
 * undefined = nothing is linked.
 *
 * @throws Rejected when the person must authorize again, Unavailable when the other side cannot be asked now
 */
export async function freshCredential(
  desk: ExternalDesk,
  key: ExternalKey,
  signal: AbortSignal,
): Promise<ExternalData | undefined> {
  const { context } = desk;
  let asked: Buffer | undefined;
  const waitUntil = Date.now() + context.callTimeoutMs + LEASE_MARGIN_MS;
  while (Date.now() < waitUntil) {
    const account = await findExternalAccount(context.db, key);
    if (account === undefined) return undefined;
    if (account.broken !== null) throw mustAuthorizeAgain(key, account.broken);
    asked ??= account.sealed;
    if (mayBeGiven(account, asked)) return openData(context, account);
    const fence = await takeRefresh(context.db, key, context.callTimeoutMs + LEASE_MARGIN_MS);
    if (fence !== undefined) return refresh(desk, { account, fence, asked }, signal);
    // Somebody else is at it: what they bring is ours as well.
    await delay(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
  }
  throw new Unavailable('the credential could not be refreshed in time', { code: 'refresh-timeout' });
}

/** Whether it may be given out as it is. */
export function isGoodEnough({ goodForMs }: Pick<ExternalAccountRecord, 'goodForMs'>): boolean {
  return goodForMs === null || goodForMs > REFRESH_BEFORE_MS;
}

/** Also what somebody else has brought since this one asked, however short it is good: it cannot be had better. */
function mayBeGiven(account: ExternalAccountRecord, asked: Buffer): boolean {
  return isGoodEnough(account) || (!account.sealed.equals(asked) && (account.goodForMs ?? 0) > 0);
}

function mustAuthorizeAgain({ type }: ExternalKey, reason: string): Rejected {
  return new Rejected(`the person must authorize ${type} again: ${reason}`, { code: 'authorize-again' });
}

interface Refreshing {
  readonly account: ExternalAccountRecord;
  readonly fence: number;
}

async function refresh(
  desk: ExternalDesk,
  { account, fence, asked }: Refreshing & { readonly asked: Buffer },
  signal: AbortSignal,
): Promise<ExternalData> {
  const { context, types } = desk;
  const { userId, type } = account;
  const target = { userId, type, fence };
  // Between the read and the lease another may have refreshed: the newest is what counts.
  const newest = await findExternalAccount(context.db, account);
  if (newest !== undefined && mayBeGiven(newest, asked)) {
    await settleRefresh(context.db, target, 'unchanged');
    return openData(context, newest);
  }
  const data = openData(context, newest ?? account);
  try {
    const { resource } = await types.get(type);
    const fresh = await callPlugin({ context, type, userId, signal }, async (call) => {
      if (resource.refresh === undefined) throw new Rejected('it cannot be refreshed', { code: 'no-refresh' });
      return resource.refresh(call, data);
    });
    const fields = sealData(context, types.models, { userId, type, data: fresh });
    if (!(await settleRefresh(context.db, target, fields)))
      throw new Unavailable('the account was linked anew meanwhile', { code: 'superseded' });
    return fresh;
  } catch (error) {
    return afterFailure(desk, { account: newest ?? account, fence }, error);
  }
}

async function afterFailure(
  { context }: ExternalDesk,
  { account, fence }: Refreshing,
  error: unknown,
): Promise<ExternalData> {
  const { userId, type } = account;
  const target = { userId, type, fence };
  if (!isServiceError(error) || error.kind !== 'rejected') {
    await settleRefresh(context.db, target, 'unchanged');
    // What is still good for some seconds is better than nothing.
    if ((account.goodForMs ?? 0) > 0) return openData(context, account);
    throw error;
  }
  if (await settleRefresh(context.db, target, { broken: error.message })) {
    context.log.warn({ event: 'external.broken', type, user: userId, code: error.code });
    await notifyUser(context.db, {
      userId,
      level: 'warning',
      title: `Your ${type} account must be linked again`,
      text: `${type} does not accept Muster's access to your account any more. Link it again, if you still want it.`,
      dedupeKey: `external-broken/${type}/${userId}`,
    });
  }
  throw mustAuthorizeAgain({ userId, type }, error.message);
}
