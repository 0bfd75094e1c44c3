import { randomBytes } from 'node:crypto';
import { authorizationPurpose } from '../auth/external/context';
import { isGoodEnough } from '../auth/external/credential';
import { findExternalAccount, readExternalAccount } from '../store/external-accounts';
import type { ExternalAccountRecord, ExternalKey } from '../store/external-accounts';
import {
  createAuthorization,
  endAuthorization,
  newAuthorizationId,
  takeStart,
  waitForAuthorization,
} from '../store/external-authorizations';
import type { AuthorizationRecord } from '../store/external-authorizations';
import { findExternalType } from '../store/external-types';
import { Problem } from './problem';
import type { Answer, RequestFacts } from './route';

/** How long a person has between the start and their consent. */
const LIFE_MS = 10 * 60_000;
/** How long a plug-in may take to begin. */
const BEGIN_MS = 18_000;
const COOKIE = 'muster_link';

export interface Beginning extends ExternalKey {
  readonly verb: 'post' | 'put';
  readonly body: unknown;
  readonly returnTo: string | undefined;
}

/** The part of a request that decides. */
export type Beginner = Pick<RequestFacts, 'context' | 'principal' | 'headers' | 'signal'>;

/** Begins an authorization and answers where the person must go. @throws Problem not-found, already-exists, service-failed, worker-unavailable */
export async function beginAuthorization(request: Beginner, beginning: Beginning): Promise<Answer> {
  const { context, principal, headers } = request;
  await refuseUnlessPossible(request, beginning);
  const { userId, type, verb, body, returnTo } = beginning;
  const id = newAuthorizationId();
  const sealedBody = context.sealer.seal(JSON.stringify(body ?? null), authorizationPurpose(id, 'body'));
  // Every browser sends this header and no script can: only a browser can be held to come back itself.
  const browserKey = headers['sec-fetch-site'] === undefined ? undefined : (browserKeyOf(headers) ?? newKey());
  await createAuthorization(context.db, {
    id,
    userId,
    type,
    verb,
    actor: principal.actor,
    sealedBody,
    browserKey,
    returnTo,
    lifeMs: LIFE_MS,
  });
  await context.flow.authorizationStep(id);
  const row = await waitForAuthorization(context.db, id, {
    until: (status) => status !== 'starting',
    timeoutMs: BEGIN_MS,
    signal: request.signal,
  });
  return startAnswer(request, row, browserKey);
}

async function refuseUnlessPossible({ context }: Beginner, beginning: Beginning): Promise<void> {
  const type = await findExternalType(context.db, beginning.type);
  if (type === undefined || !type.enabled)
    throw new Problem('not-found', `There is no external account type ${beginning.type}.`);
  const account = await findExternalAccount(context.db, beginning);
  if (beginning.verb === 'put' && !canChange(context, type.plugin))
    throw new Problem('not-supported', `Accounts of the type ${beginning.type} cannot be changed, only linked anew.`);
  if (beginning.verb === 'put' && account === undefined)
    throw new Problem('not-found', `No ${beginning.type} account is linked to this person.`);
  if (beginning.verb === 'post' && account !== undefined && account.broken === null)
    throw new Problem('already-exists', `A ${beginning.type} account is linked already: unlink it first.`);
}

/** Read from the class, without building it. */
function canChange({ externalPlugins }: RequestFacts['context'], plugin: string): boolean {
  const prototype: unknown = externalPlugins.get(plugin)?.resource.prototype;
  return typeof prototype === 'object' && prototype !== null && 'put' in prototype;
}

async function startAnswer(
  { context }: Beginner,
  row: AuthorizationRecord | undefined,
  browserKey: string | undefined,
): Promise<Answer> {
  if (row === undefined || row.status === 'starting') {
    if (row !== undefined)
      await endAuthorization(context.db, row.id, { status: 'expired', problem: 'no worker began it in time' });
    throw new Problem('worker-unavailable', 'No worker has begun the authorization in time; nothing was linked.');
  }
  if (row.status === 'failed' || row.status === 'expired')
    throw new Problem('service-failed', `The authorization could not be begun: ${row.problem ?? 'unknown'}.`);
  const sealed = await takeStart(context.db, row.id);
  const start =
    sealed === undefined
      ? {}
      : (JSON.parse(context.sealer.open(sealed, authorizationPurpose(row.id, 'start'))) as Record<string, unknown>);
  return {
    status: 201,
    body: { ...start, authorizationId: row.id, expiresAt: row.expiresAt },
    headers: browserKey === undefined ? {} : { 'Set-Cookie': cookieOf(context.publicUrl, browserKey) },
  };
}

function newKey(): string {
  return randomBytes(32).toString('base64url');
}

/** What the browser was given when it began, if it was this browser. */
export function browserKeyOf(headers: RequestFacts['headers']): string | undefined {
  return /(?:^|;\s*)muster_link=([\w-]{43})(?:;|$)/.exec(headers['cookie'] ?? '')?.[1];
}

function cookieOf(publicUrl: string, key: string): string {
  const secure = publicUrl.startsWith('https:') ? '; Secure' : '';
  return `${COOKIE}=${key}; Path=/v1; HttpOnly; SameSite=Lax; Max-Age=${LIFE_MS / 1_000}${secure}`;
}

/** Longer values are not of any known server. */
const MAX_VALUE = 8_192;

/** What a redirect says. Repeated parameters are no message of OAuth (RFC 6749, 3.1); they are left out. */
export function messageOf(query: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(query).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1].length <= MAX_VALUE,
    ),
  );
}

/**
 * A linked account with a credential that is good now.
 * @throws Problem conflict when the person must authorize again, service-failed when it could not be refreshed
 */
export async function usableAccount(
  context: RequestFacts['context'],
  key: ExternalKey,
): Promise<ExternalAccountRecord> {
  const found = await readExternalAccount(context.db, key);
  if (found.broken === null && isGoodEnough(found)) return found;
  if (found.broken === null) await refreshed(context, key, found);
  const after = await readExternalAccount(context.db, key);
  if (after.broken !== null)
    throw new Problem('conflict', `The ${key.type} account must be linked again: ${after.broken}.`);
  if (after.goodForMs !== null && after.goodForMs <= 0)
    throw new Problem('service-failed', `The ${key.type} credential has ended and could not be refreshed now.`);
  return after;
}

/** Without a worker a credential that is still good for some seconds is better than none. */
async function refreshed(
  { flow }: RequestFacts['context'],
  key: ExternalKey,
  { goodForMs }: ExternalAccountRecord,
): Promise<void> {
  try {
    await flow.refreshExternal(key);
  } catch (error) {
    if (goodForMs === null || goodForMs <= 0) throw error;
  }
}
