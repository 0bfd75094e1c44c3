import { insertClientWrite, newClientWriteId } from '../store/client-writes';
import { askProvider, takeEffect } from './client-effects';
import { AuthError } from './errors';
import { calling } from './offering';
import type { AuthWrite, ClientWriteTry } from '../sdk/index';
import type { ClientRecord } from '../store/auth-clients';
import type { Queryable } from '../store/database';
import type { ClientWrite } from './client-effects';
import type { Identity } from './identity';
import type { LoadedProvider } from './provider-registry';

/** What became of a write: done, or written down for a worker. */
export type Written =
  | { readonly state: 'done'; readonly client: ClientRecord | undefined }
  | { readonly state: 'queued'; readonly writeId: string; readonly operationId: string };

export interface WriteRequest extends ClientWrite {
  readonly loaded: LoadedProvider;
  readonly actor: string;
  /** What holds from the request on, whatever becomes of it at the provider. */
  readonly atOnce?: (db: Queryable) => Promise<unknown>;
}

/** What takes rights away is never refused because a provider is away, and is tried for a week; the rest for a day. */
const TAKING: ReadonlySet<AuthWrite> = new Set(['disableClient', 'deleteClient', 'deleteRoles']);
const DAY_MS = 24 * 3_600_000;

/** Does this write take rights away? */
export function takesAway(ability: AuthWrite): boolean {
  return TAKING.has(ability);
}

/** What the body of a write is sealed for. */
export function writePurpose(writeId: string): string {
  return `client-write:${writeId}`;
}

/**
 * Alters a client: at once where the provider keeps it in Muster, else as an operation that a worker carries out.
 * @throws AuthError provider-unavailable, provider-failed and what the provider refuses; StoreError conflict
 */
export async function writeClient(identity: Identity, request: WriteRequest): Promise<Written> {
  const { loaded, ability } = request;
  return loaded.provider.writesInMuster.includes(ability) ? writeNow(identity, request) : queue(identity, request);
}

/** Of a write that is not repeated. */
export function onlyTry(): ClientWriteTry {
  return { requestId: newClientWriteId(), attempt: 1, signal: new AbortController().signal };
}

async function writeNow(identity: Identity, request: WriteRequest): Promise<Written> {
  const { db } = identity;
  const { loaded, atOnce } = request;
  await atOnce?.(db);
  const data = await calling(identity, loaded, () => askProvider(loaded.provider, request, onlyTry()));
  return { state: 'done', client: await takeEffect(identity, { loaded, write: request, data }) };
}

async function queue({ db, sealer, providers }: Identity, request: WriteRequest): Promise<Written> {
  const { loaded, ability, client, userId, roles, body, actor, atOnce } = request;
  if (!takesAway(ability) && !(await providers.isReady(loaded)))
    throw new AuthError('provider-unavailable', `The provider ${loaded.name} cannot serve at the moment.`, {
      retryAfterS: 5,
    });
  const id = newClientWriteId();
  const hasBody = Object.keys(body).length > 0;
  const operationId = await db.transaction(async (transaction) => {
    await atOnce?.(transaction);
    return insertClientWrite(transaction, {
      id,
      provider: loaded.name,
      ability,
      client,
      userId,
      roles,
      sealedPackage: hasBody ? sealer.seal(JSON.stringify(body), writePurpose(id)) : undefined,
      actor,
      lifeMs: takesAway(ability) ? 7 * DAY_MS : DAY_MS,
    });
  });
  return { state: 'queued', writeId: id, operationId };
}
