import type { Queryable } from './database';

/** A right at another side that is still to be taken away. */
export interface RevocationRecord {
  readonly id: string;
  readonly userId: string;
  readonly type: string;
  readonly sealed: Buffer;
  readonly attempts: number;
  /** How long it has been due, in milliseconds. */
  readonly ageMs: number;
}

type Row = RevocationRecord & { readonly [key: string]: unknown };

/** Takes one that is due; whoever takes it has `holdMs` before it is due again. undefined: nothing to do. */
export async function takeRevocation(
  db: Queryable,
  wanted: { readonly holdMs: number; readonly id: string },
): Promise<RevocationRecord | undefined> {
  const taken = await db.query<Row>(
    `update external_revocations set attempts = attempts + 1,
       next_try = clock_timestamp() + make_interval(secs => $2::double precision / 1000)
     where id = $1 and next_try <= clock_timestamp()
     returning id, user_id as "userId", type, sealed, attempts,
       (extract(epoch from clock_timestamp() - created_at) * 1000)::double precision as "ageMs"`,
    [wanted.id, wanted.holdMs],
  );
  return taken.rows[0];
}

/** The right is gone, or it is given up. */
export async function revocationDone(db: Queryable, id: string): Promise<void> {
  await db.query(`delete from external_revocations where id = $1`, [id]);
}

/** It is tried again later. */
export async function revocationLater(db: Queryable, id: string, inMs: number): Promise<void> {
  await db.query(
    `update external_revocations set next_try = clock_timestamp() + make_interval(secs => $2::double precision / 1000) where id = $1`,
    [id, inMs],
  );
}

/** Ids of what is due. */
export async function dueRevocations(
  db: Queryable,
  { limit, userId, type }: { readonly limit: number; readonly userId?: string; readonly type?: string },
): Promise<readonly string[]> {
  const rows = await db.query<{ id: string }>(
    `select id from external_revocations where next_try <= clock_timestamp() and ($2::uuid is null or user_id = $2)
       and ($3::text is null or type = $3)
     order by next_try limit $1`,
    [limit, userId ?? null, type ?? null],
  );
  return rows.rows.map((row) => row.id);
}
