import { createHash, randomBytes } from 'node:crypto';
import { callerOf } from '../auth/authenticator';
import { NOBODY } from '../auth/principal';
import { findLiveTokenById } from '../store/auth-tokens';
import { createConsoleSession, endConsoleSession, useConsoleSession } from '../store/console-sessions';
import type { Request } from 'express';
import type { Principal } from '../auth/principal';
import type { Database } from '../store/database';
import type { Visitor } from './page';

/** A browser that nobody has used for so long is signed out. */
export const IDLE_S = 2 * 3_600;
/** And in any case after so long: one working day. */
export const LONGEST_S = 12 * 3_600;
/** How often the use of a session is noted: not with every request. */
const NOTE_S = 60;

/** How browsers reach us, as far as the cookie depends on it. */
export interface Way {
  /** By TLS, to us or to a proxy in front. */
  readonly isSecure: boolean;
  /** Without TLS, but without leaving the machine, or by a plain address that the configuration names. */
  readonly isPlainButMeant: boolean;
}

/** How this request came. @param publicUrl what the configuration says about where browsers reach us */
export function wayOf(request: Pick<Request, 'secure' | 'host'>, publicUrl: string): Way {
  const isSecure = request.secure || publicUrl.startsWith('https:');
  const host = request.host ?? '';
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i.test(host);
  return { isSecure, isPlainButMeant: isLoopback || publicUrl === `http://${host}` };
}

/** Browsers hold a cookie of this name to one host, to TLS and to the path `/`. Without TLS they would not take it. */
export function cookieName({ isSecure }: Way): string {
  return isSecure ? '__Host-muster' : 'muster';
}

/** The header that gives a browser its key. It lives as long as the browser runs. */
export function cookieHeader(way: Way, key: string): string {
  return `${cookieName(way)}=${key}; Path=/; HttpOnly; SameSite=Lax${way.isSecure ? '; Secure' : ''}`;
}

/** A key for a browser: 256 random bits. */
export function newKey(): string {
  return randomBytes(32).toString('base64url');
}

/** The key that a browser sent. */
export function keyOf(cookies: string | undefined, way: Way): string | undefined {
  const found = (cookies ?? '').split(/;\s*/).find((one) => one.startsWith(`${cookieName(way)}=`));
  const key = found?.slice(cookieName(way).length + 1);
  return key !== undefined && /^[\w-]{43}$/.test(key) ? key : undefined;
}

/** Who comes with this key. Nobody, when it names no session, or the token under it has ended. */
export async function visitorOf(db: Database, key: string): Promise<Visitor> {
  return visitorBy(db, key, NOTE_S);
}

const asking = new WeakMap<Database, Map<string, Promise<Visitor>>>();

/** Who has this key now. Asking does not count as use; many open pages of one session that ask at once are one question. */
export async function visitorNow(db: Database, key: string): Promise<Visitor> {
  const asked = asking.get(db) ?? new Map<string, Promise<Visitor>>();
  asking.set(db, asked);
  const known = asked.get(key);
  if (known !== undefined) return known;
  const answer = visitorBy(db, key, IDLE_S).finally(() => asked.delete(key));
  asked.set(key, answer);
  return answer;
}

async function visitorBy(db: Database, key: string, noteS: number): Promise<Visitor> {
  const tokenId = await useConsoleSession(db, key, { idleS: IDLE_S, noteS });
  const token = tokenId === undefined ? undefined : await findLiveTokenById(db, tokenId);
  if (token === undefined) return visitor(key, undefined);
  const { clientId, userId, clientRoles, clientAcl, roleAcls, acl } = token;
  const rights = JSON.stringify([clientId, userId, clientRoles, clientAcl, roleAcls, acl]);
  return { ...visitor(key, callerOf(token)), rights };
}

/** A visitor by their key; undefined = not signed in. Form token and secret are derived, so that nothing more is to be kept. */
export function visitor(key: string, principal: Principal | undefined): Visitor {
  return {
    key,
    principal: principal ?? NOBODY,
    isSignedIn: principal !== undefined,
    formToken: derived(key, 'form'),
    page: '',
    rights: '',
    browserSecret: derived(key, 'browser'),
  };
}

/** Signs a browser in under a new key: what it had before names nothing. */
export async function beginSession(
  db: Database,
  { tokenId, browser }: { readonly tokenId: string; readonly browser: string },
): Promise<string> {
  const key = newKey();
  await createConsoleSession(db, { key, tokenId, browser });
  return key;
}

/** Signs this browser out. */
export async function endSession(db: Database, key: string): Promise<void> {
  await endConsoleSession(db, key);
}

function derived(key: string, purpose: string): string {
  return createHash('sha256').update(`muster console ${purpose} ${key}`).digest('base64url');
}
