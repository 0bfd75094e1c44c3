import { candidateName } from '../domain/names';
import type { CleanRules } from '../domain/names';
import type { Queryable } from './database';

/** Tries before a name is given up: a service with so many namesakes has another problem. */
const MAX_CANDIDATES = 50;

export interface NameRequest {
  readonly serviceId: string;
  readonly userId: string;
  /** The formatted name, not yet cleaned. */
  readonly name: string;
  readonly rules: CleanRules | undefined;
}

/**
 * The name this account has or gets: the first candidate that it already holds, or that is free and is reserved now.
 * undefined = none can be made. A name stays reserved until `freeNames` (rule 6).
 */
export async function reserveName(db: Queryable, request: NameRequest): Promise<string | undefined> {
  for (let attempt = 0; attempt < MAX_CANDIDATES; attempt += 1) {
    const candidate = candidateName(request.name, attempt, request.rules);
    if (candidate === '') return undefined;
    const held = await db.query<{ user_id: string; taken: boolean }>(
      `with reserved as (
         insert into account_names (service_id, name, user_id) values ($1, $2, $3)
         on conflict (service_id, name) do nothing returning user_id, taken
       )
       select user_id, taken from reserved
       union all select user_id, taken from account_names where service_id = $1 and name = $2 limit 1`,
      [request.serviceId, candidate, request.userId],
    );
    const row = held.rows[0];
    if (row !== undefined && row.user_id === request.userId && !row.taken) return candidate;
  }
  return undefined;
}

/** The name that `reserveName` would give now; nothing is reserved. undefined = none can be made. */
export async function freeName(db: Queryable, request: NameRequest): Promise<string | undefined> {
  for (let attempt = 0; attempt < MAX_CANDIDATES; attempt += 1) {
    const candidate = candidateName(request.name, attempt, request.rules);
    if (candidate === '') return undefined;
    const held = await db.query<{ user_id: string; taken: boolean }>(
      `select user_id, taken from account_names where service_id = $1 and name = $2`,
      [request.serviceId, candidate],
    );
    const row = held.rows[0];
    if (row === undefined || (row.user_id === request.userId && !row.taken)) return candidate;
  }
  return undefined;
}

/** Somebody else's account has this name at the far side: the next candidate is tried from now on. */
export async function markNameTaken(db: Queryable, serviceId: string, name: string): Promise<void> {
  await db.query(`update account_names set taken = true where service_id = $1 and name = $2`, [serviceId, name]);
}

/** Frees the account's names but the one it keeps, after the far side has confirmed that they are gone. */
export async function freeNames(
  db: Queryable,
  account: { readonly serviceId: string; readonly userId: string; readonly keep?: string },
): Promise<void> {
  await db.query(
    `delete from account_names where service_id = $1 and user_id = $2 and name is distinct from $3 and ($3::text is null or not taken)`,
    [account.serviceId, account.userId, account.keep ?? null],
  );
}
