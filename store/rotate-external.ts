import type { Database } from './database';
import { attempt } from './reseal-attempt';
import type { Meeting } from './reseal-attempt';
import type { Reseal } from './rotate';

interface Sealed {
  readonly id: string;
  readonly type: string;
  readonly user: string;
  readonly sealed: Buffer;
}

/** Where sealed values of external accounts stand; `rows` has one row for each, `write` replaces one that is still the same. */
const PLACES = [
  {
    what: 'external type',
    rows: `select type as id, type, '' as "user", sealed_config as sealed from external_types where sealed_config is not null order by 1`,
    write: `update external_types set sealed_config = $2 where type = $1 and sealed_config = $3`,
  },
  {
    what: 'external account',
    rows: `select user_id || '/' || type as id, type, user_id as "user", sealed from external_accounts order by 1`,
    write: `update external_accounts set sealed = $2 where user_id || '/' || type = $1 and sealed = $3`,
  },
  {
    what: 'revocation',
    rows: `select id::text as id, type, user_id as "user", sealed from external_revocations order by 1`,
    write: `update external_revocations set sealed = $2 where id = $1::uuid and sealed = $3`,
  },
] as const;

/** Seals configurations and credentials of external accounts anew. One that was written meanwhile is sealed with the newest key already. */
export async function resealExternal(db: Database, reseal: Reseal): Promise<readonly Meeting[]> {
  const met: Meeting[] = [];
  for (const { what, rows, write } of PLACES) {
    const found = await db.query<Sealed & { readonly [key: string]: unknown }>(rows);
    for (const { id, type, user, sealed } of found.rows) {
      const anew = attempt(() =>
        what === 'external type' ? reseal.externalType(type, sealed) : reseal.external(type, user, sealed),
      );
      if (anew.met === 'resealed') await db.query(write, [id, anew.sealed, sealed]);
      met.push({ name: `${what} ${id}`, met: anew.met });
    }
  }
  return met;
}
