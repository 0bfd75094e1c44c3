import { candidateName } from '../domain/names';
import type { CleanRules } from '../domain/names';
import { prepared } from './database';
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
 * The names these accounts have or get: for each the first candidate that it already holds, or that is free and is reserved
 * now; undefined = none can be made. A name stays reserved until `freeNames` (rule 6). One statement for each candidate;
 * answers in the order of the requests.
 */
export async function reserveNames(
  db: Queryable,
  requests: readonly NameRequest[],
): Promise<readonly (string | undefined)[]> {
  const names = new Map<number, string>();
  let open = requests.map((request, n) => ({ n, request }));
  for (let attempt = 0; attempt < MAX_CANDIDATES && open.length > 0; attempt += 1) {
    const candidates = open.flatMap(({ n, request }) => {
      const name = candidateName(request.name, attempt, request.rules);
      return name === '' ? [] : [{ n, name, service_id: request.serviceId, user_id: request.userId, request }];
    });
    const held = await holdNames(db, candidates);
    for (const { n, name } of candidates) if (held.has(n)) names.set(n, name);
    open = candidates.filter(({ n }) => !held.has(n));
  }
  return requests.map((_request, n) => names.get(n));
}

interface Candidate {
  readonly n: number;
  readonly name: string;
  readonly service_id: string;
  readonly user_id: string;
}

/** Reserves what is free. Answers whose candidate is theirs now. */
async function holdNames(db: Queryable, candidates: readonly Candidate[]): Promise<ReadonlySet<number>> {
  if (candidates.length === 0) return new Set();
  const rows = candidates.map(({ n, name, service_id, user_id }) => ({ n, name, service_id, user_id }));
  const held = await db.query<{ n: number }>(
    prepared(`with input as materialized (
       select * from jsonb_to_recordset($1::jsonb) r (n integer, name text, service_id uuid, user_id uuid) limit $2
     ), reserved as (
       -- In one order, so that two never wait for each other.
       insert into account_names (service_id, name, user_id) select service_id, name, user_id from input order by service_id, name
       on conflict (service_id, name) do nothing returning service_id, name, user_id
     )
     select r.n from input r join reserved using (service_id, name, user_id)
     union all
     select r.n from input r cross join lateral (
       select from account_names a
       where a.service_id = r.service_id and a.name = r.name and a.user_id = r.user_id and not a.taken offset 0) held`),
    [JSON.stringify(rows), rows.length],
  );
  return new Set(held.rows.map((row) => row.n));
}

/** The name that `reserveNames` would give now; nothing is reserved. undefined = none can be made. */
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
