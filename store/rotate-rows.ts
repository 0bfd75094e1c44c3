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

interface Place {
  readonly what: string;
  /** One row for each sealed value. */
  readonly rows: string;
  /** Replaces one that is still the same. */
  readonly write: string;
  readonly reseal: (reseal: Reseal, row: Sealed) => Buffer | undefined;
}

const ofExternal: Place['reseal'] = (reseal, { type, user, sealed }) => reseal.external(type, user, sealed);

/** Where sealed values stand that nothing else is bound to. */
const PLACES: readonly Place[] = [
  {
    what: 'external type',
    rows: `select type as id, type, '' as "user", sealed_config as sealed from external_types where sealed_config is not null order by 1`,
    write: `update external_types set sealed_config = $2 where type = $1 and sealed_config = $3`,
    reseal: (reseal, { type, sealed }) => reseal.externalType(type, sealed),
  },
  {
    what: 'external account',
    rows: `select user_id || '/' || type as id, type, user_id as "user", sealed from external_accounts order by 1`,
    write: `update external_accounts set sealed = $2 where user_id || '/' || type = $1 and sealed = $3`,
    reseal: ofExternal,
  },
  {
    what: 'revocation',
    rows: `select id::text as id, type, user_id as "user", sealed from external_revocations order by 1`,
    write: `update external_revocations set sealed = $2 where id = $1::uuid and sealed = $3`,
    reseal: ofExternal,
  },
  {
    what: 'write at a provider',
    rows: `select id::text as id, sealed_package as sealed from client_writes where sealed_package is not null order by 1`,
    write: `update client_writes set sealed_package = $2 where id = $1::uuid and sealed_package = $3`,
    reseal: (reseal, { id, sealed }) => reseal.clientWrite(id, sealed),
  },
  {
    what: 'mail',
    rows: `select id::text as id, sealed_login as sealed from mails where sealed_login is not null order by 1`,
    write: `update mails set sealed_login = $2 where id = $1::uuid and sealed_login = $3`,
    reseal: (reseal, { id, sealed }) => reseal.mail(id, sealed),
  },
];

/** Seals values anew that stand alone in their row. One that was written meanwhile is sealed with the newest key already. */
export async function resealRows(db: Database, reseal: Reseal): Promise<readonly Meeting[]> {
  const met: Meeting[] = [];
  for (const place of PLACES) {
    const found = await db.query<Sealed & { readonly [key: string]: unknown }>(place.rows);
    for (const row of found.rows) {
      const anew = attempt(() => place.reseal(reseal, row));
      if (anew.met === 'resealed') await db.query(place.write, [row.id, anew.sealed, row.sealed]);
      met.push({ name: `${place.what} ${row.id}`, met: anew.met });
    }
  }
  return met;
}
