import { uuidv7 } from 'uuidv7';
import { accountWorkflowId } from '../domain/ids';
import type { AccountStatus, DueReason } from '../domain/words';
import { oneRow } from './database';
import type { Database, Queryable } from './database';
import { readEntitlement } from './entitlement';
import type { Entitlement } from './entitlement';
import { StoreError } from './errors';
import { requestPassword, withdrawPasswords } from './passwords';

export type AccountRequestKind =
  | 'createAccount'
  | 'deleteAccount'
  | 'updateGroups'
  | 'updateProfile'
  | 'syncNickname'
  | 'validateUser'
  | 'setPassword'
  | 'resetPassword'
  | 'retry';

export interface AccountRequest {
  readonly serviceId: string;
  readonly userId: string;
  readonly kind: AccountRequestKind;
  readonly actor: string;
  readonly reason?: string | undefined;
  /** Tell the person when their account is taken away. Default: as it is, and not when they themselves ask for the removal. */
  readonly notifyUser?: boolean | undefined;
  /** Required for `setPassword` and `resetPassword`: sealed before it comes here. */
  readonly password?: { readonly sealed: Buffer; readonly generated: boolean } | undefined;
}

export interface RequestedAccount {
  readonly operationId: string;
  /** The operation is done when the account's applied version has reached it; null = it is done already. */
  readonly version: number | null;
  /** False: there was nothing to do, so there is nothing to send. */
  readonly due: boolean;
}

/**
 * Commits what somebody asks for one account: their choice, a new wanted version, the password if there is one, and the
 * operation that tells how it went. A person who asks by hand does not wait for a backoff, only for a service-wide block.
 *
 * @throws StoreError not-found (service, person), not-entitled, user-inactive, service-disabled, no-account, conflict (a password for
 * an account that waits for its person)
 */
export async function requestAccount(db: Database, request: AccountRequest): Promise<RequestedAccount> {
  return db.transaction(async (client) => {
    const known = await lockAccount(client, request);
    const entitlement = await readEntitlement(client, request.serviceId, request.userId);
    if (request.kind === 'deleteAccount' && isNothingThere(known))
      return answerNothingThere(client, request, entitlement);
    refuse(request, entitlement, known);
    const version = await bump(client, request, entitlement.username ?? known?.username ?? '');
    const operationId = await insertOperation(client, request, { entitlement, known, version });
    if (request.kind === 'deleteAccount') await withdrawPasswords(client, request.serviceId, request.userId);
    if (request.password !== undefined) await requestPassword(client, { ...request, operationId, ...request.password });
    return { operationId, version, due: true };
  });
}

interface KnownAccount {
  readonly username: string;
  readonly status: AccountStatus;
  readonly choice: 'wanted' | 'declined' | null;
  /** Something is on its way: a version not yet applied, a call not yet settled, a writer at work. */
  readonly open: boolean;
}

async function lockAccount(client: Queryable, request: AccountRequest): Promise<KnownAccount | undefined> {
  const locked = await client.query<KnownAccount & { [key: string]: unknown }>(
    `select username, status, choice, (wanted_version <> applied_version or intent is not null or lease_holder is not null) as open
     from accounts where service_id = $1 and user_id = $2 for update`,
    [request.serviceId, request.userId],
  );
  return locked.rows[0];
}

/** Neither there nor about to be. */
function isNothingThere(known: KnownAccount | undefined): boolean {
  if (known === undefined) return true;
  return (known.status === 'none' || known.status === 'removed') && !known.open;
}

function refuse(request: AccountRequest, entitlement: Entitlement, known: KnownAccount | undefined): void {
  const { kind, userId } = request;
  if (entitlement.username === null && known === undefined) {
    throw new StoreError('not-found', `There is no user ${userId}.`);
  }
  if (kind === 'setPassword' || kind === 'resetPassword') refusePassword(request, entitlement, known);
  else if (kind === 'createAccount') refuseUnentitled(entitlement);
  else refuseWithoutAccount(request, entitlement, known);
}

function refusePassword(request: AccountRequest, entitlement: Entitlement, known: KnownAccount | undefined): void {
  if (request.password === undefined) throw new Error(`${request.kind} came without a sealed password`);
  refuseUnentitled(entitlement);
  refuseWithoutAccount(request, entitlement, known?.choice === 'declined' ? undefined : known);
  if (known?.status !== 'pending') return;
  const { username, service } = entitlement;
  const whose = username ?? `user ${request.userId}`;
  throw new StoreError(
    'conflict',
    `The account of ${whose} on ${service} waits for their own step: it has no password yet.`,
  );
}

function refuseWithoutAccount(
  request: AccountRequest,
  entitlement: Entitlement,
  known: KnownAccount | undefined,
): void {
  if (!isNothingThere(known)) return;
  const name = entitlement.username ?? `User ${request.userId}`;
  throw new StoreError('no-account', `${name} has no account on ${entitlement.service}.`);
}

function refuseUnentitled(entitlement: Entitlement): void {
  if (entitlement.entitled) return;
  const { service, username } = entitlement;
  if (!entitlement.serviceEnabled) throw new StoreError('service-disabled', `The service ${service} is switched off.`);
  if (username !== null && !entitlement.active) throw new StoreError('user-inactive', `${username} is not active.`);
  throw new StoreError('not-entitled', `${username ?? 'The person'} has no right to ${service}.`);
}

const CHOICES: Readonly<Partial<Record<AccountRequestKind, 'wanted' | 'declined'>>> = {
  createAccount: 'wanted',
  deleteAccount: 'declined',
};

async function bump(client: Queryable, request: AccountRequest, username: string): Promise<number> {
  // A retry by hand goes the way of the reasons that are still open.
  const reason: DueReason = request.kind === 'retry' ? 'reconfigured' : request.kind;
  const bumped = await client.query<{ version: number }>(
    `insert into accounts (service_id, user_id, username, choice, wanted_version, due_reasons, notify_user)
     values ($1, $2, $3, $4, nextval('version_seq'), array[$5], coalesce($6, true))
     on conflict (service_id, user_id) do update set
       -- Drawn again under the row lock, so that versions of a row only grow.
       wanted_version = nextval('version_seq'), username = excluded.username,
       choice = coalesce(excluded.choice, accounts.choice),
       due_reasons = case when $7 and cardinality(accounts.due_reasons) > 0 then accounts.due_reasons
         else array(select distinct r from unnest(accounts.due_reasons || excluded.due_reasons) r) end,
       notify_user = coalesce($6, accounts.notify_user), next_try = null, attention = null, updated_at = clock_timestamp()
     returning wanted_version as version`,
    [
      request.serviceId,
      request.userId,
      username,
      CHOICES[request.kind] ?? null,
      reason,
      notifies(request),
      request.kind === 'retry',
    ],
  );
  return oneRow(bumped).version;
}

function notifies(request: AccountRequest): boolean | null {
  if (request.notifyUser !== undefined) return request.notifyUser;
  return request.kind === 'deleteAccount' && request.actor === `user:${request.userId}` ? false : null;
}

interface OperationFacts {
  readonly entitlement: Entitlement;
  readonly known: KnownAccount | undefined;
  /** null = done at once. */
  readonly version: number | null;
}

async function insertOperation(client: Queryable, request: AccountRequest, facts: OperationFacts): Promise<string> {
  const operationId = uuidv7();
  await client.query(
    `insert into operations (id, kind, service_id, user_id, username, version, actor, reason, workflow_id, status, outcome, finished_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $10::text is null then 'running' else 'succeeded' end, $10,
       case when $10::text is not null then clock_timestamp() end)`,
    [
      operationId,
      request.kind,
      request.serviceId,
      request.userId,
      facts.entitlement.username ?? facts.known?.username ?? null,
      facts.version,
      request.actor,
      request.reason ?? null,
      accountWorkflowId(facts.entitlement.service, request.userId),
      facts.version === null ? 'nothing there' : null,
    ],
  );
  return operationId;
}

/** Nothing is there to be removed; that the person does not want an account is kept where there is a row to keep it. */
async function answerNothingThere(
  client: Queryable,
  request: AccountRequest,
  entitlement: Entitlement,
): Promise<RequestedAccount> {
  await client.query(`update accounts set choice = 'declined' where service_id = $1 and user_id = $2`, [
    request.serviceId,
    request.userId,
  ]);
  const operationId = await insertOperation(client, request, { entitlement, known: undefined, version: null });
  return { operationId, version: null, due: false };
}
