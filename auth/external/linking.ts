import { AsyncLocalStorage } from 'node:async_hooks';
import type { z } from 'zod';
import { Conflict, Rejected } from '../../sdk/errors';
import type { ExternalAuthService, ExternalData, Json } from '../../sdk/external-accounts';
import { recordChange } from '../../store/changes';
import type { Queryable } from '../../store/database';
import { StoreError } from '../../store/errors';
import { deleteExternalAccount, findExternalAccount, storeExternalAccount } from '../../store/external-accounts';
import type { ExternalAccountFields, ExternalKey } from '../../store/external-accounts';
import { endAuthorization, registerCallback } from '../../store/external-authorizations';
import { authorizationPurpose, credentialPurpose, redirectUrl } from './context';
import type { ExternalContext } from './context';

/** The authorization that a plug-in's method runs for; plug-ins see nothing of it. */
export interface CurrentAuthorization {
  readonly id: string;
  /** Storing is then the end of the authorization, in one commit. */
  readonly inCallback: boolean;
  /** Set by the first storing: what follows only adds to it. */
  ended: boolean;
  /** Changes that were committed, for whoever sets the engine in motion. */
  readonly changes: number[];
}

const current = new AsyncLocalStorage<CurrentAuthorization>();

/** Runs a plug-in's method on behalf of an authorization. */
export function onBehalfOf<T>(authorization: CurrentAuthorization, work: () => Promise<T>): Promise<T> {
  return current.run(authorization, work);
}

/** Models by type: what a list may show. */
export type SafeModels = Map<string, z.ZodType>;

/** Muster's side for plug-ins: stores what they bring, sealed, and waits for redirects. */
export function externalAuthService(context: ExternalContext, models: SafeModels): ExternalAuthService {
  return {
    create: (userId, type, data) => store(context, models, { userId, type, data, onlyNew: true }),
    update: (userId, type, data) => store(context, models, { userId, type, data, onlyNew: false }),
    get: async (userId, type) => {
      const account = await findExternalAccount(context.db, { userId, type });
      return account === undefined ? undefined : openData(context, account);
    },
    delete: async (userId, type) => {
      await unlink(context, { userId, type }, `external:${type}`);
    },
    registerSafeAuthModel: (type, model) => void models.set(type, model),
    buildOauth2RedirectUrl: (type) => redirectUrl(context.publicUrl, type),
    // oxlint-disable-next-line max-params -- plug-in authors know this signature from wazo-auth
    registerOauth2Callback: (type, userId, state, callback, ...args) =>
      registerRedirect(context, { type, userId, state, callback, args }),
  };
}

/** Data as it was stored. @throws SealError when the key is missing */
export function openData(
  { sealer }: Pick<ExternalContext, 'sealer'>,
  { type, userId, sealed }: ExternalKey & { readonly sealed: Buffer },
): ExternalData {
  return JSON.parse(sealer.open(sealed, credentialPurpose(type, userId))) as ExternalData;
}

/** Data as it is stored: sealed as a whole, with beside it only what may be shown. */
export function sealData(
  { sealer }: Pick<ExternalContext, 'sealer'>,
  models: SafeModels,
  { userId, type, data }: ExternalKey & { readonly data: ExternalData },
): ExternalAccountFields {
  return {
    sealed: sealer.seal(JSON.stringify(data), credentialPurpose(type, userId)),
    safe: safeView(models.get(type), data),
    remoteId: data.remoteId ?? null,
    remoteName: data.remoteName ?? null,
    scopes: data.scopes ?? [],
    expiresAt: data.expiresAt ?? null,
  };
}

/** Without a model, or when the data does not fit it, nothing is shown. */
function safeView(model: z.ZodType | undefined, data: ExternalData): Json {
  const parsed = model?.safeParse(data);
  return parsed?.success === true ? (parsed.data as Json) : {};
}

interface Storing extends ExternalKey {
  readonly data: ExternalData;
  readonly onlyNew: boolean;
}

async function store(context: ExternalContext, models: SafeModels, storing: Storing): Promise<void> {
  const { userId, type, onlyNew } = storing;
  const fields = sealData(context, models, storing);
  const authorization = current.getStore();
  try {
    await context.db.transaction(async (client) => {
      if (authorization?.inCallback === true && !authorization.ended) await end(client, authorization.id);
      await storeExternalAccount(client, { userId, type }, { ...fields, onlyNew });
      const change = await record(
        client,
        { userId, type },
        { operation: 'linkExternalAccount', actor: `external:${type}` },
      );
      authorization?.changes.push(change);
    });
  } catch (error) {
    if (error instanceof StoreError && error.code === 'already-exists') throw new Conflict(error.message);
    throw error;
  }
  if (authorization !== undefined) authorization.ended = true;
}

/** Whoever comes late (a worker that was given up, an authorization that was superseded) stores nothing. */
async function end(client: Queryable, id: string): Promise<void> {
  if (!(await endAuthorization(client, id, { status: 'completed' })))
    throw new Rejected('the authorization has ended meanwhile', { code: 'authorization-ended' });
}

/** The services of the person may depend on it: their accounts are looked at again. */
async function record(
  client: Queryable,
  { userId, type }: ExternalKey,
  by: { readonly operation: string; readonly actor: string },
): Promise<number> {
  const { changeId } = await recordChange(client, {
    kind: 'people',
    subject: { userId },
    reasons: ['updateProfile'],
    users: [userId],
    reason: `the person's ${type} account`,
    ...by,
  });
  return changeId;
}

/** Unlinks; the right at the other side is then taken away. Answers the change, or undefined when there was nothing. */
export function unlink(
  { db }: Pick<ExternalContext, 'db'>,
  key: ExternalKey,
  actor: string,
): Promise<number | undefined> {
  return db.transaction(async (client) => {
    if (!(await deleteExternalAccount(client, key))) return undefined;
    return record(client, key, { operation: 'unlinkExternalAccount', actor });
  });
}

interface AwaitedRedirect extends ExternalKey {
  readonly state: string;
  readonly callback: string;
  readonly args: readonly Json[];
}

async function registerRedirect(context: ExternalContext, awaited: AwaitedRedirect): Promise<void> {
  const { state, callback, args } = awaited;
  const authorization = current.getStore();
  if (authorization === undefined || authorization.inCallback)
    throw new Error('registerOauth2Callback is called within post or put');
  if (state.length < 16) throw new Error('a state must be random and have at least 16 characters');
  const sealedArgs = context.sealer.seal(JSON.stringify(args), authorizationPurpose(authorization.id, 'args'));
  if (!(await registerCallback(context.db, { id: authorization.id, state, callback, sealedArgs })))
    throw new Rejected('the authorization has ended meanwhile', { code: 'authorization-ended' });
}
