import { uuidv7 } from 'uuidv7';
import { clientWriteWorkflowId } from '../domain/ids';
import type { AuthWrite } from '../sdk/auth-provider';
import { StoreError } from './errors';
import type { Queryable } from './database';

/** A write into the system behind a provider, as it stands. */
export interface ClientWriteRecord {
  readonly id: string;
  readonly provider: string;
  readonly ability: AuthWrite;
  readonly clientId: string | null;
  readonly providerId: string | null;
  readonly userId: string | null;
  readonly roles: readonly string[];
  readonly sealedPackage: Buffer | null;
  readonly operationId: string | null;
  readonly status: 'due' | 'done' | 'failed' | 'superseded';
  /** Tries so far, with the present one. */
  readonly attempts: number;
  /** What kind of refusal ended it. */
  readonly refusal: string | null;
  readonly error: string | null;
  /** Beyond its time it is not tried any more. */
  readonly expired: boolean;
}

const COLUMNS = `w.id, w.provider, w.ability, w.client_id as "clientId", w.provider_id as "providerId", w.user_id as "userId",
  w.roles, w.sealed_package as "sealedPackage", w.operation_id as "operationId", w.status, w.attempts, w.refusal, w.error,
  w.expires_at <= clock_timestamp() as expired`;

type Row = ClientWriteRecord & { readonly [key: string]: unknown };

export interface NewClientWrite {
  readonly id: string;
  readonly provider: string;
  readonly ability: AuthWrite;
  readonly client: { readonly id: string; readonly providerId: string } | undefined;
  readonly userId: string | undefined;
  readonly roles: readonly string[];
  readonly sealedPackage: Buffer | undefined;
  readonly actor: string;
  /** How long it is worth trying. */
  readonly lifeMs: number;
}

/** Names the row before it is there, so that what is in it can be sealed for it. */
export function newClientWriteId(): string {
  return uuidv7();
}

/** Which open writes of the same client a new one makes pointless. */
const SUPERSEDES: Readonly<Partial<Record<AuthWrite, readonly AuthWrite[]>>> = {
  enableClient: ['disableClient'],
  disableClient: ['enableClient'],
  deleteClient: ['enableClient', 'disableClient', 'addRoles', 'deleteRoles', 'updateClient', 'clientSelfUpdate'],
};

/**
 * Writes a request down, with its operation: part of the transaction that does what is to hold at once. Answers the operation.
 * @throws StoreError conflict when the client is being removed
 */
export async function insertClientWrite(db: Queryable, write: NewClientWrite): Promise<string> {
  const { id, provider, ability, client, userId, roles, sealedPackage, actor, lifeMs } = write;
  if (client !== undefined) await supersede(db, write, client.providerId);
  const operationId = uuidv7();
  const detail = { provider, ...(client === undefined ? {} : { client: client.id }) };
  await db.query(
    `insert into operations (id, kind, user_id, username, actor, detail, workflow_id)
     values ($1, $2, $3, (select username from users where id = $3), $4, $5, $6)`,
    [operationId, ability, userId ?? null, actor, detail, clientWriteWorkflowId(id)],
  );
  await db.query(
    `insert into client_writes (id, provider, ability, client_id, provider_id, user_id, roles, sealed_package, operation_id, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp() + make_interval(secs => $10::double precision / 1000))`,
    [
      id,
      provider,
      ability,
      client?.id ?? null,
      client?.providerId ?? null,
      userId ?? null,
      roles,
      sealedPackage ?? null,
      operationId,
      lifeMs,
    ],
  );
  return operationId;
}

async function supersede(db: Queryable, { provider, ability }: NewClientWrite, providerId: string): Promise<void> {
  const open = await db.query<{ ability: AuthWrite }>(
    `select ability from client_writes where provider = $1 and provider_id = $2 and status = 'due' for update`,
    [provider, providerId],
  );
  if (ability !== 'deleteClient' && open.rows.some((row) => row.ability === 'deleteClient'))
    throw new StoreError('conflict', 'This client is being removed.');
  await db.query(
    `with pointless as (
       update client_writes set status = 'superseded', sealed_package = null
       where provider = $1 and provider_id = $2 and status = 'due' and ability = any ($3::text[]) returning operation_id
     )
     update operations o set status = 'superseded', outcome = 'something newer was asked', updated_at = clock_timestamp(),
       finished_at = clock_timestamp()
     from pointless p where o.id = p.operation_id`,
    [provider, providerId, SUPERSEDES[ability] ?? []],
  );
}

/** One write. undefined = there is none. */
export async function readClientWrite(db: Queryable, id: string): Promise<ClientWriteRecord | undefined> {
  return (await db.query<Row>(`select ${COLUMNS} from client_writes w where w.id = $1`, [id])).rows[0];
}

/** Writes about one client come one after the other: an older one is open, or a worker may still be at it. */
const BEHIND_ANOTHER = `exists (select from client_writes o where o.provider = w.provider and o.provider_id = w.provider_id
  and o.id <> w.id and ((o.id < w.id and o.status = 'due') or o.held_until > clock_timestamp()))`;

/** Ids of writes that are due and whose turn it is. */
export async function dueClientWrites(db: Queryable, limit: number): Promise<readonly string[]> {
  const rows = await db.query<{ id: string }>(
    `select w.id from client_writes w where w.status = 'due' and w.next_try <= clock_timestamp() and not ${BEHIND_ANOTHER}
     order by w.next_try limit $1`,
    [limit],
  );
  return rows.rows.map((row) => row.id);
}

/** What waits behind a write that has just ended. */
export async function nextClientWrites(
  db: Queryable,
  { provider, providerId }: Pick<ClientWriteRecord, 'provider' | 'providerId'>,
): Promise<readonly string[]> {
  const rows = await db.query<{ id: string }>(
    `select w.id from client_writes w where w.provider = $1 and w.provider_id = $2 and w.status = 'due' order by w.id limit 1`,
    [provider, providerId],
  );
  return rows.rows.map((row) => row.id);
}

/** Takes one that is due; whoever takes it has `holdMs` for it. undefined: somebody else has it, it has ended, or another comes first. */
export async function takeClientWrite(
  db: Queryable,
  id: string,
  holdMs: number,
): Promise<ClientWriteRecord | undefined> {
  const taken = await db.query<Row>(
    `update client_writes w set attempts = w.attempts + 1,
       next_try = clock_timestamp() + make_interval(secs => $2::double precision / 1000),
       held_until = clock_timestamp() + make_interval(secs => $2::double precision / 1000)
     where w.id = $1 and w.status = 'due' and w.next_try <= clock_timestamp() and not ${BEHIND_ANOTHER}
     returning ${COLUMNS}`,
    [id, holdMs],
  );
  return taken.rows[0];
}

/** Milliseconds until the next try; undefined when it has ended or waits for another. */
export async function clientWriteWaitMs(db: Queryable, id: string): Promise<number | undefined> {
  const rows = await db.query<{ ms: number }>(
    `select greatest(0, extract(epoch from w.next_try - clock_timestamp()) * 1000)::double precision as ms
     from client_writes w where w.id = $1 and w.status = 'due' and not ${BEHIND_ANOTHER}`,
    [id],
  );
  return rows.rows[0]?.ms;
}

/** How a try ended. Reasons are shown to operators: no secrets. */
export type ClientWriteOutcome =
  | { readonly status: 'done'; readonly clientId: string | null }
  | { readonly status: 'failed'; readonly refusal: string; readonly reason: string }
  | { readonly status: 'due'; readonly reason: string; readonly inMs: number };

const OPERATION_STATUS = { done: 'succeeded', failed: 'failed', due: 'waiting' } as const;

/** Writes down how a try ended, for the write and its operation. False when it was superseded meanwhile: then nothing of it counts. */
export async function recordClientWrite(db: Queryable, id: string, outcome: ClientWriteOutcome): Promise<boolean> {
  const reason = outcome.status === 'done' ? null : outcome.reason;
  const recorded = await db.query<{ recorded: boolean }>(
    `with recorded as (
       update client_writes set status = $2, error = $3, refusal = $4, client_id = coalesce($5::uuid, client_id),
         sealed_package = case when $2 = 'due' then sealed_package end,
         next_try = clock_timestamp() + make_interval(secs => $6::double precision / 1000),
         held_until = '-infinity'
       where id = $1 and status = 'due' returning operation_id
     ), operation as (
     update operations o set status = $7, outcome = coalesce($3, 'done'), updated_at = clock_timestamp(),
       finished_at = case when $7 = 'waiting' then null else clock_timestamp() end,
       detail = o.detail || case when $5::uuid is null then '{}'::jsonb else jsonb_build_object('client', $5::uuid) end
     from recorded r where o.id = r.operation_id)
     select exists (select from recorded) as recorded`,
    [
      id,
      outcome.status,
      reason,
      outcome.status === 'failed' ? outcome.refusal : null,
      outcome.status === 'done' ? outcome.clientId : null,
      outcome.status === 'due' ? outcome.inMs : 0,
      OPERATION_STATUS[outcome.status],
    ],
  );
  return recorded.rows[0]?.recorded === true;
}

/** The worker that had a superseded write has ended its try: what comes next need not wait for its time. */
export async function releaseClientWrite(db: Queryable, id: string): Promise<void> {
  await db.query(`update client_writes set held_until = '-infinity' where id = $1 and status <> 'due'`, [id]);
}

/** Roles that are being taken from a client: its provider may still name them. */
export async function rolesBeingTaken(
  db: Queryable,
  client: { readonly provider: string; readonly providerId: string },
): Promise<readonly string[]> {
  const rows = await db.query<{ role: string }>(
    `select distinct unnest(roles) as role from client_writes
     where provider = $1 and provider_id = $2 and status = 'due' and ability = 'deleteRoles'`,
    [client.provider, client.providerId],
  );
  return rows.rows.map((row) => row.role);
}
