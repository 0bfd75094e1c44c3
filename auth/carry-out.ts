import { backoffMs } from '../domain/backoff';
import { isServiceError, Unavailable } from '../sdk/errors';
import {
  clientWriteWaitMs,
  nextClientWrites,
  recordClientWrite,
  releaseClientWrite,
  takeClientWrite,
} from '../store/client-writes';
import { StoreError } from '../store/errors';
import { notifyOperators } from '../store/notify';
import type { Failpoint } from '../config/failpoint';
import { boundedCall } from './bounded-call';
import { askProvider, takeEffect } from './client-effects';
import { takesAway, writePurpose } from './client-writes';
import { AuthError } from './errors';
import type { ClientData } from '../sdk/index';
import type { ClientWriteOutcome, ClientWriteRecord } from '../store/client-writes';
import type { ClientWrite } from './client-effects';
import type { Identity } from './identity';
import type { LoadedProvider } from './provider-registry';

/** What a worker works with to write into the systems behind providers. */
export interface WriteDesk {
  readonly identity: Identity;
  /** Hard end of one call of a provider. */
  readonly callTimeoutMs: number;
  readonly random: () => number;
  /** Where fault tests end the process. */
  readonly failpoint?: Failpoint;
}

/** What comes next: the same write again, or those that waited for it. */
export interface WriteStep {
  readonly waitMs: number | undefined;
  readonly next: readonly string[];
}

/** Beyond the deadline of a call. */
const HOLD_MARGIN_MS = 2_000;

/** One try of a write, if it is due and its turn. The row owns the retry. */
export async function carryOut(desk: WriteDesk, id: string, signal: AbortSignal): Promise<WriteStep> {
  const { db } = desk.identity;
  const row = await takeClientWrite(db, id, desk.callTimeoutMs + HOLD_MARGIN_MS);
  if (row === undefined) return { waitMs: await clientWriteWaitMs(db, id), next: [] };
  const ended = await attempt(desk, row, signal);
  if (!ended) return { waitMs: await clientWriteWaitMs(db, id), next: [] };
  return { waitMs: undefined, next: row.providerId === null ? [] : await nextClientWrites(db, row) };
}

async function attempt(desk: WriteDesk, row: ClientWriteRecord, signal: AbortSignal): Promise<boolean> {
  const { identity } = desk;
  const write = writeOf(identity, row);
  const loaded = identity.providers.get(row.provider);
  try {
    if (row.expired) throw new AuthError('provider-unavailable', 'it could not be done in time');
    if (loaded === undefined || !(await identity.providers.isReady(loaded)))
      throw new Unavailable(`the provider ${row.provider} cannot serve`);
    const tried = { requestId: row.id, attempt: row.attempts };
    const bounds = { signal, timeoutMs: desk.callTimeoutMs, whom: 'the provider' };
    const data = await boundedCall(bounds, (limit) => askProvider(loaded.provider, write, { ...tried, signal: limit }));
    desk.failpoint?.('client-write:after-call', row.id);
    await settle(desk, row, { loaded, write, data });
    return true;
  } catch (error) {
    return failed(desk, row, error);
  }
}

function writeOf({ sealer }: Identity, row: ClientWriteRecord): ClientWrite {
  const { ability, clientId, providerId, userId, roles, sealedPackage } = row;
  const body =
    sealedPackage === null
      ? {}
      : (JSON.parse(sealer.open(sealedPackage, writePurpose(row.id))) as Readonly<Record<string, unknown>>);
  const client = clientId === null || providerId === null ? undefined : { id: clientId, providerId };
  return { ability, client, userId: userId ?? undefined, roles, body };
}

/** What the provider did and what holds here are one commit, unless something newer was asked meanwhile. */
async function settle(
  { identity }: WriteDesk,
  row: ClientWriteRecord,
  effect: { readonly loaded: LoadedProvider; readonly write: ClientWrite; readonly data: ClientData | undefined },
): Promise<void> {
  const { db, log } = identity;
  await db.transaction(async (transaction) => {
    const client = await takeEffect({ db: transaction, log }, effect);
    const isCurrent = await recordClientWrite(transaction, row.id, { status: 'done', clientId: client?.id ?? null });
    if (!isCurrent) throw new Superseded();
  });
}

/** Something newer was asked while the provider was at it: nothing of the older takes effect. */
class Superseded extends Error {}

async function failed(desk: WriteDesk, row: ClientWriteRecord, error: unknown): Promise<boolean> {
  const { db, log } = desk.identity;
  if (error instanceof Superseded) {
    await releaseClientWrite(db, row.id);
    return true;
  }
  const outcome = outcomeOf(error, row, desk.random());
  const kind = error instanceof Error ? error.name : 'unknown';
  const { reason } = outcome;
  log.warn({ event: 'auth.write-failed', provider: row.provider, ability: row.ability, write: row.id, kind, reason });
  if (!(await recordClientWrite(db, row.id, outcome))) {
    await releaseClientWrite(db, row.id);
    return true;
  }
  if (outcome.status !== 'failed') return false;
  if (takesAway(row.ability))
    await notifyOperators(db, {
      level: 'danger',
      title: `${row.ability} has failed at ${row.provider}`,
      text: `Muster keeps the client out, but ${row.provider} could not be told: ${reason}. See operation ${row.operationId ?? row.id}.`,
      dedupeKey: `client-write/${row.id}`,
    });
  return true;
}

type Unfinished = Exclude<ClientWriteOutcome, { readonly status: 'done' }>;

/** Texts of unknown errors may hold anything: only typed ones are repeated. */
function outcomeOf(error: unknown, row: ClientWriteRecord, random: number): Unfinished {
  if (error instanceof AuthError || error instanceof StoreError)
    return { status: 'failed', refusal: error.code, reason: error.message };
  if (!isServiceError(error))
    return { status: 'due', reason: 'the provider failed in an unexpected way', inMs: backoffMs(row.attempts, random) };
  const { message: reason } = error;
  if (error.kind === 'throttled') return { status: 'due', reason, inMs: error.retryAfterMs };
  if (error.kind === 'unavailable' || error.kind === 'misconfigured')
    return { status: 'due', reason, inMs: backoffMs(row.attempts, random) };
  return { status: 'failed', refusal: refusalOf(error), reason };
}

/** The code of the API's problem. */
function refusalOf({ kind, code }: { readonly kind: string; readonly code: string | undefined }): string {
  if (code === 'wrong-credentials') return code;
  if (kind === 'conflict') return 'already-exists';
  return kind === 'gone' ? 'not-found' : 'not-acceptable-value';
}
