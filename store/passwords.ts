import { oneRow } from './database';
import type { Database, Queryable } from './database';
import { StoreError } from './errors';

/** How long an applied password can be claimed. */
const CLAIM_MINUTES = 15;
/** How long a wanted password is tried. */
const APPLY_HOURS = 24;

export interface NewPassword {
  readonly operationId: string;
  readonly serviceId: string;
  readonly userId: string;
  readonly sealed: Buffer;
  /** Made by Muster: it is shown once after it has been applied. One that the person chose is never shown. */
  readonly generated: boolean;
}

/** Makes this the wanted password. Older ones, wanted or not yet claimed, are superseded and their text is erased (rule 7). */
export async function requestPassword(client: Queryable, password: NewPassword): Promise<void> {
  await dropPasswords(client, password, {
    statuses: ['wanted', 'applied'],
    operationStatus: 'superseded',
    outcome: 'superseded by a newer password',
  });
  await client.query(
    `insert into password_requests (operation_id, service_id, user_id, sealed, generated) values ($1, $2, $3, $4, $5)`,
    [password.operationId, password.serviceId, password.userId, password.sealed, password.generated],
  );
}

/** The account is to be removed: a password that waits for it must not reach a later account of the same person. */
export async function withdrawPasswords(client: Queryable, serviceId: string, userId: string): Promise<void> {
  await dropPasswords(
    client,
    { serviceId, userId },
    {
      statuses: ['wanted'],
      operationStatus: 'failed',
      outcome: 'the account was removed before the password was set',
    },
  );
}

interface Dropping {
  readonly statuses: readonly ('wanted' | 'applied')[];
  readonly operationStatus: 'superseded' | 'failed';
  readonly outcome: string;
}

async function dropPasswords(
  client: Queryable,
  account: { readonly serviceId: string; readonly userId: string },
  dropping: Dropping,
): Promise<void> {
  await client.query(
    `with dropped as (
       update password_requests set sealed = null, status = $4
       where service_id = $1 and user_id = $2 and status = any($3)
       returning operation_id
     )
     update operations o set status = $4, outcome = $5, updated_at = clock_timestamp(), finished_at = clock_timestamp()
     from dropped d where o.id = d.operation_id and o.status in ('running', 'waiting')`,
    [account.serviceId, account.userId, dropping.statuses, dropping.operationStatus, dropping.outcome],
  );
}

export interface WantedPassword {
  readonly operationId: string;
  readonly sealed: Buffer;
  /** Made by Muster, not chosen by the person. */
  readonly generated: boolean;
}

/** The password that is to be set, the same on every retry; undefined = none. */
export async function wantedPassword(
  db: Queryable,
  serviceId: string,
  userId: string,
): Promise<WantedPassword | undefined> {
  const found = await db.query<WantedPassword & { [key: string]: unknown }>(
    `select operation_id as "operationId", sealed, generated from password_requests
     where service_id = $1 and user_id = $2 and status = 'wanted' and sealed is not null`,
    [serviceId, userId],
  );
  return found.rows[0];
}

/**
 * The far side has it. A generated one can now be claimed; the text of a chosen one is erased. False: it was superseded
 * meanwhile, the newer one is still to be set.
 */
export async function passwordApplied(db: Queryable, operationId: string): Promise<boolean> {
  const applied = await db.query(
    `update password_requests set status = 'applied', applied_at = clock_timestamp(), sealed = case when generated then sealed end
     where operation_id = $1 and status = 'wanted'`,
    [operationId],
  );
  return applied.rowCount === 1;
}

/** A hook has set a password by itself: ours is of no use any more, its text is erased and there is nothing to claim. */
export async function passwordSetByHook(db: Queryable, operationId: string): Promise<void> {
  await db.query(
    `update password_requests set status = 'applied', applied_at = clock_timestamp(), sealed = null
     where operation_id = $1 and status = 'wanted'`,
    [operationId],
  );
}

/**
 * Hands out the sealed secret of an operation, once: of two who ask at the same time one gets it.
 *
 * @throws StoreError not-found, secret-not-ready, secret-gone (claimed, expired, superseded, failed, or chosen by the person)
 */
export async function claimSecret(db: Database, operationId: string): Promise<{ readonly sealed: Buffer }> {
  const claimed = await db.transaction((client) => claim(client, operationId));
  if (claimed.sealed !== null) return { sealed: claimed.sealed };
  throw refusal(claimed.status, operationId);
}

interface Claim {
  readonly sealed: Buffer | null;
  readonly status: string | undefined;
}

async function claim(client: Queryable, operationId: string): Promise<Claim> {
  const locked = await client.query<{ status: string; sealed: Buffer | null; fresh: boolean | null }>(
    `select status, sealed, applied_at > clock_timestamp() - make_interval(mins => $2) as fresh
     from password_requests where operation_id = $1 for update`,
    [operationId, CLAIM_MINUTES],
  );
  const row = locked.rows[0];
  if (row === undefined) return { sealed: null, status: undefined };
  if (row.status !== 'applied') return { sealed: null, status: row.status };
  if (row.sealed === null) return { sealed: null, status: 'chosen' };
  const status = row.fresh ? 'claimed' : 'expired';
  await client.query(
    `update password_requests set sealed = null, status = $2, claimed_at = case when $2 = 'claimed' then clock_timestamp() end
     where operation_id = $1`,
    [operationId, status],
  );
  return { sealed: row.fresh ? row.sealed : null, status };
}

const GONE: Readonly<Record<string, string>> = {
  claimed: 'was shown already',
  expired: `was not claimed within ${CLAIM_MINUTES} minutes`,
  superseded: 'was superseded by a newer one',
  failed: 'was never set',
  chosen: 'was chosen by the person and is never shown',
};

function refusal(status: string | undefined, operationId: string): StoreError {
  if (status === undefined) return new StoreError('not-found', `Operation ${operationId} has no secret.`);
  if (status === 'wanted') return new StoreError('secret-not-ready', 'The password is not set yet.');
  return new StoreError('secret-gone', `The password ${GONE[status] ?? 'is not there any more'}.`);
}

/**
 * Erases what has had its time: passwords not set within 24 h, or whose account is gone, have failed; those not claimed
 * within 15 minutes have expired. Answers how many.
 */
export async function expirePasswords(db: Queryable): Promise<{ readonly failed: number; readonly expired: number }> {
  const swept = await db.query<{ failed: number; expired: number }>(
    `with late as (
       update password_requests p set sealed = null, status = 'failed'
       where p.status = 'wanted' and p.sealed is not null
         and (p.created_at < clock_timestamp() - make_interval(hours => $1)
           or exists (select from accounts a where a.service_id = p.service_id and a.user_id = p.user_id
                and a.status = 'removed' and a.wanted_version = a.applied_version))
       returning operation_id
     ), unclaimed as (
       update password_requests set sealed = null, status = 'expired'
       where status = 'applied' and sealed is not null and applied_at <= clock_timestamp() - make_interval(mins => $2)
       returning operation_id
     ), failed as (
       update operations o set status = 'failed', outcome = 'the password was not set in time', updated_at = clock_timestamp(),
         finished_at = clock_timestamp()
       from late where o.id = late.operation_id and o.status in ('running', 'waiting')
     )
     select (select count(*) from late)::integer as failed, (select count(*) from unclaimed)::integer as expired`,
    [APPLY_HOURS, CLAIM_MINUTES],
  );
  return oneRow(swept);
}
